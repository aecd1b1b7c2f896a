//! Bodies: what came is read from the start, what goes is gathered until it is finished.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::component::Resource;

use super::{
    Fields,
    stream::{InputStream, OutputStream, Pollable},
};
use crate::{
    call::CallState,
    limits::Limit,
    wire::wasi::http::types::{self as wire, ErrorCode},
};

/// A body that came; none: its stream was taken.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct IncomingBody(pub(super) Option<Arc<[u8]>>);

/// Trailers, of which no message here has any.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct FutureTrailers {
    told: bool,
}

/// A body that is being written.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct OutgoingBody {
    pub(super) sink: Sink,
    taken: bool,
}

/// Where the bytes of a body go. The message, its body and its stream share it.
#[derive(Clone)]
pub(crate) struct Sink {
    /// How much may be written.
    pub(super) limit: Limit,
    poured: Arc<Mutex<Poured>>,
}

struct Poured {
    bytes: Vec<u8>,
    /// As the header `content-length` says.
    announced: Option<u64>,
    state: SinkState,
}

/// How far a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SinkState {
    /// More may come.
    Open,
    /// All is there.
    Finished,
    /// It was dropped before it was finished.
    BrokenOff,
}

impl Sink {
    fn new(limit: Limit, announced: Option<u64>) -> Self {
        let poured = Poured { bytes: Vec::new(), announced, state: SinkState::Open };
        Self { limit, poured: Arc::new(Mutex::new(poured)) }
    }

    fn poured(&self) -> MutexGuard<'_, Poured> {
        self.poured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds bytes; false: nothing more is taken.
    pub(super) fn pour(&self, bytes: &[u8]) -> bool {
        let mut poured = self.poured();
        let open = poured.state == SinkState::Open;
        if open {
            poured.bytes.extend_from_slice(bytes);
        }
        open
    }

    pub(crate) fn state(&self) -> SinkState {
        self.poured().state
    }

    /// What was written.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.poured().bytes)
    }

    /// Ends the body; an error: it has another length than was announced.
    fn finish(&self) -> Result<(), u64> {
        let mut poured = self.poured();
        let written = poured.bytes.len() as u64;
        let whole = poured.announced.is_none_or(|announced| announced == written);
        poured.state = if whole { SinkState::Finished } else { SinkState::BrokenOff };
        if whole { Ok(()) } else { Err(written) }
    }

    fn break_off(&self) {
        self.poured().state = SinkState::BrokenOff;
    }
}

impl CallState {
    /// Begins the body of a message, which has one at most.
    pub(super) fn begin_body(
        &mut self,
        body: &mut Option<Sink>,
        headers: &Fields,
        limit: Limit,
    ) -> wasmtime::Result<Result<Resource<OutgoingBody>, ()>> {
        let Ok(announced) = headers.content_length() else { return Ok(Err(())) };
        if body.is_some() {
            return Ok(Err(()));
        }
        let sink = Sink::new(limit, announced);
        *body = Some(sink.clone());
        self.hold(OutgoingBody { sink, taken: false }).map(Ok)
    }
}

impl wire::HostIncomingBody for CallState {
    fn stream(&mut self, body: Resource<IncomingBody>) -> wasmtime::Result<Result<Resource<InputStream>, ()>> {
        match self.handles.get_mut(&body)?.0.take() {
            Some(bytes) => self.hold(InputStream::of(bytes)).map(Ok),
            None => Ok(Err(())),
        }
    }

    fn finish(&mut self, body: Resource<IncomingBody>) -> wasmtime::Result<Resource<FutureTrailers>> {
        self.handles.delete(body)?;
        self.hold(FutureTrailers { told: false })
    }

    fn drop(&mut self, body: Resource<IncomingBody>) -> wasmtime::Result<()> {
        self.handles.delete(body)?;
        Ok(())
    }
}

impl wire::HostFutureTrailers for CallState {
    fn subscribe(&mut self, _: Resource<FutureTrailers>) -> wasmtime::Result<Resource<Pollable>> {
        self.hold(Pollable::Ready)
    }

    fn get(
        &mut self,
        trailers: Resource<FutureTrailers>,
    ) -> wasmtime::Result<Option<Result<Result<Option<Resource<Fields>>, ErrorCode>, ()>>> {
        let trailers = self.handles.get_mut(&trailers)?;
        Ok(Some(if std::mem::replace(&mut trailers.told, true) { Err(()) } else { Ok(Ok(None)) }))
    }

    fn drop(&mut self, trailers: Resource<FutureTrailers>) -> wasmtime::Result<()> {
        self.handles.delete(trailers)?;
        Ok(())
    }
}

impl wire::HostOutgoingBody for CallState {
    fn write(&mut self, body: Resource<OutgoingBody>) -> wasmtime::Result<Result<Resource<OutputStream>, ()>> {
        let body = self.handles.get_mut(&body)?;
        if std::mem::replace(&mut body.taken, true) {
            return Ok(Err(()));
        }
        let sink = body.sink.clone();
        self.hold(OutputStream(sink)).map(Ok)
    }

    /// Trailers are dropped: whoever is answered, or asked, gets the message whole, with its length.
    fn finish(
        &mut self,
        body: Resource<OutgoingBody>,
        trailers: Option<Resource<Fields>>,
    ) -> wasmtime::Result<Result<(), ErrorCode>> {
        if let Some(trailers) = trailers {
            self.handles.delete(trailers)?;
        }
        let sink = self.handles.delete(body)?.sink;
        let too_much_or_little = |written| match sink.limit {
            Limit::GatewayResponseBytes => ErrorCode::HttpResponseBodySize(Some(written)),
            _ => ErrorCode::HttpRequestBodySize(Some(written)),
        };
        Ok(sink.finish().map_err(too_much_or_little))
    }

    fn drop(&mut self, body: Resource<OutgoingBody>) -> wasmtime::Result<()> {
        self.handles.delete(body)?.sink.break_off();
        Ok(())
    }
}
