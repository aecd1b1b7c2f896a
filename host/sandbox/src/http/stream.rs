//! `wasi:io`: streams of bodies, and pollables, which are ready.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::{FutureResponse, body::Sink};
use crate::{
    call::CallState,
    outcome::{Halt, Trap},
    wire::wasi::{
        clocks::monotonic_clock,
        io::{
            error as wire_error, poll as wire_poll,
            streams::{self as wire, StreamError},
        },
    },
};

/// What one call reads or writes at most.
const CHUNK: u64 = 1 << 20;

/// The body of a message that came, and how far it was read.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct InputStream {
    bytes: Arc<[u8]>,
    at: usize,
}

/// The way into a body that is being written.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct OutputStream(pub(super) Sink);

/// Why a stream failed. None does.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub enum IoError {}

/// Something that can be waited for.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub enum Pollable {
    /// It is there.
    Ready,
    /// The answer to a request of this handle.
    Response(u32),
}

impl InputStream {
    pub(super) fn of(bytes: Arc<[u8]>) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bytes; none: the end.
    fn next(&mut self, most: u64) -> Option<&[u8]> {
        let rest = &self.bytes[self.at..];
        if rest.is_empty() {
            return None;
        }
        let most = usize::try_from(most.min(CHUNK)).unwrap_or(usize::MAX).min(rest.len());
        self.at += most;
        Some(&rest[..most])
    }
}

type Answer<T> = wasmtime::Result<Result<T, StreamError>>;

impl CallState {
    fn pour(&mut self, stream: &Resource<OutputStream>, bytes: &[u8]) -> Answer<()> {
        let sink = self.handles.get(stream)?.0.clone();
        self.http.written += bytes.len() as u64;
        if self.http.written > sink.limit.of(&self.limits) {
            let what = format!("the plugin wrote a body of {} bytes", self.http.written);
            return Err(Halt::Trapped(Trap::broke(sink.limit, &self.limits, what)).into());
        }
        Ok(if sink.pour(bytes) { Ok(()) } else { Err(StreamError::Closed) })
    }

    /// Whether what a pollable stands for is there. Nothing arrives by itself: an answer comes of asking for it.
    fn is_there(&mut self, pollable: &Resource<Pollable>) -> wasmtime::Result<bool> {
        match self.handles.get(pollable)? {
            Pollable::Ready => Ok(true),
            Pollable::Response(handle) => {
                let response = Resource::<FutureResponse>::new_borrow(*handle);
                self.settle(&response)
            }
        }
    }
}

fn waits_for_nothing<T>() -> wasmtime::Result<T> {
    let message =
        "the plugin waits for the answer to a request whose body it has not finished: nothing would ever come";
    Err(Halt::Trapped(Trap::forbidden(message.to_owned())).into())
}

impl wire_poll::Host for CallState {
    fn poll(&mut self, pollables: Vec<Resource<Pollable>>) -> wasmtime::Result<Vec<u32>> {
        let mut ready = Vec::new();
        for (index, pollable) in (0..).zip(&pollables) {
            if self.is_there(pollable)? {
                ready.push(index);
            }
        }
        if ready.is_empty() { waits_for_nothing() } else { Ok(ready) }
    }
}

impl wire_poll::HostPollable for CallState {
    fn ready(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<bool> {
        self.is_there(&pollable)
    }

    fn block(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<()> {
        if self.is_there(&pollable)? { Ok(()) } else { waits_for_nothing() }
    }

    fn drop(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<()> {
        self.handles.delete(pollable)?;
        Ok(())
    }
}

/// Of the clock a guest gets the types, and no time.
impl monotonic_clock::Host for CallState {}

impl wire_error::Host for CallState {}

impl wire_error::HostError for CallState {
    fn to_debug_string(&mut self, error: Resource<IoError>) -> wasmtime::Result<String> {
        match *self.handles.get(&error)? {}
    }

    fn drop(&mut self, error: Resource<IoError>) -> wasmtime::Result<()> {
        match self.handles.delete(error)? {}
    }
}

impl wire::Host for CallState {}

impl wire::HostInputStream for CallState {
    fn read(&mut self, stream: Resource<InputStream>, most: u64) -> Answer<Vec<u8>> {
        let stream = self.handles.get_mut(&stream)?;
        if most == 0 {
            return Ok(Ok(Vec::new()));
        }
        Ok(stream.next(most).map(<[u8]>::to_vec).ok_or(StreamError::Closed))
    }

    fn blocking_read(&mut self, stream: Resource<InputStream>, most: u64) -> Answer<Vec<u8>> {
        wire::HostInputStream::read(self, stream, most)
    }

    fn skip(&mut self, stream: Resource<InputStream>, most: u64) -> Answer<u64> {
        let stream = self.handles.get_mut(&stream)?;
        Ok(stream.next(most).map(|skipped| skipped.len() as u64).ok_or(StreamError::Closed))
    }

    fn blocking_skip(&mut self, stream: Resource<InputStream>, most: u64) -> Answer<u64> {
        self.skip(stream, most)
    }

    fn subscribe(&mut self, _: Resource<InputStream>) -> wasmtime::Result<Resource<Pollable>> {
        self.hold(Pollable::Ready)
    }

    fn drop(&mut self, stream: Resource<InputStream>) -> wasmtime::Result<()> {
        self.handles.delete(stream)?;
        Ok(())
    }
}

impl wire::HostOutputStream for CallState {
    fn check_write(&mut self, _: Resource<OutputStream>) -> Answer<u64> {
        Ok(Ok(CHUNK))
    }

    fn write(&mut self, stream: Resource<OutputStream>, bytes: Vec<u8>) -> Answer<()> {
        self.pour(&stream, &bytes)
    }

    fn blocking_write_and_flush(&mut self, stream: Resource<OutputStream>, bytes: Vec<u8>) -> Answer<()> {
        self.pour(&stream, &bytes)
    }

    fn flush(&mut self, _: Resource<OutputStream>) -> Answer<()> {
        Ok(Ok(()))
    }

    fn blocking_flush(&mut self, _: Resource<OutputStream>) -> Answer<()> {
        Ok(Ok(()))
    }

    fn subscribe(&mut self, _: Resource<OutputStream>) -> wasmtime::Result<Resource<Pollable>> {
        self.hold(Pollable::Ready)
    }

    fn write_zeroes(&mut self, stream: Resource<OutputStream>, bytes: u64) -> Answer<()> {
        if bytes > CHUNK {
            let message = format!("the plugin writes {bytes} zeroes at once, where it was told that {CHUNK} bytes fit");
            return Err(Halt::Trapped(Trap::forbidden(message)).into());
        }
        self.pour(&stream, &vec![0; usize::try_from(bytes).unwrap_or_default()])
    }

    fn blocking_write_zeroes_and_flush(&mut self, stream: Resource<OutputStream>, bytes: u64) -> Answer<()> {
        self.write_zeroes(stream, bytes)
    }

    fn splice(&mut self, to: Resource<OutputStream>, from: Resource<InputStream>, most: u64) -> Answer<u64> {
        let Some(bytes) = self.handles.get_mut(&from)?.next(most).map(<[u8]>::to_vec) else {
            return Ok(Err(StreamError::Closed));
        };
        Ok(self.pour(&to, &bytes)?.map(|()| bytes.len() as u64))
    }

    fn blocking_splice(&mut self, to: Resource<OutputStream>, from: Resource<InputStream>, most: u64) -> Answer<u64> {
        self.splice(to, from, most)
    }

    fn drop(&mut self, stream: Resource<OutputStream>) -> wasmtime::Result<()> {
        self.handles.delete(stream)?;
        Ok(())
    }
}
