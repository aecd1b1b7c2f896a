//! Of WASI what a plugin needs to speak HTTP: `wasi:http/types`, with the streams of `wasi:io` that bodies are read from and
//! written to.
//!
//! Requests and answers are whole, in memory, and within limits; nothing arrives while a guest looks on. So a stream never
//! has to wait, a pollable is ready, and there is nothing to do at the same time: no tasks, no runtime, and a call blocks its
//! thread as any other does ([why it is written here](../../../../docs/decisions/wasi-http.md)).

mod body;
mod fields;
mod message;
mod outgoing;
mod stream;

use wasmtime::component::{Resource, ResourceTable, ResourceTableError};

#[expect(unreachable_pub, reason = "the generated code re-exports them")]
pub use self::{
    body::{FutureTrailers, IncomingBody, OutgoingBody},
    fields::Fields,
    message::{IncomingRequest, IncomingResponse, OutgoingRequest, OutgoingResponse, RequestOptions, ResponseOutparam},
    outgoing::FutureResponse,
    stream::{InputStream, IoError, OutputStream, Pollable},
};
pub(crate) use self::{
    body::{Sink, SinkState},
    message::Answered,
};
use crate::{
    call::CallState,
    limits::{Limit, Limits},
    outcome::{Halt, Trap},
};

/// What a call has to do with HTTP.
#[derive(Default)]
pub(crate) struct Http {
    /// Bytes of bodies that were written and not handed on.
    written: u64,
    /// What the guest answered the request with that it is called for.
    pub(crate) answer: Option<Answered>,
}

/// Handles of a guest: at most as many as the limit says.
pub(crate) fn handles(limits: &Limits) -> ResourceTable {
    let mut handles = ResourceTable::new();
    handles.set_max_capacity(usize::try_from(limits.handles).unwrap_or(usize::MAX));
    handles
}

impl CallState {
    /// Gives the guest a handle.
    pub(crate) fn hold<T: Send + 'static>(&mut self, value: T) -> wasmtime::Result<Resource<T>> {
        self.reader("wasi:http")?;
        self.handles.push(value).map_err(|error| match error {
            ResourceTableError::Full => {
                let what = format!("the plugin holds {} handles and asks for one more", self.limits.handles);
                Halt::Trapped(Trap::broke(Limit::Handles, &self.limits, what)).into()
            }
            other => other.into(),
        })
    }
}
