//! `wasi:http/outgoing-handler` for transports: under the same grants as the interface `outbound`, and by the same way.
//!
//! The authority of a request is the name of a target; scheme and address are the operator's business. A request goes out,
//! whole, when its answer is asked for.

use wasmtime::component::Resource;

use super::{
    Fields, IncomingResponse, OutgoingRequest, RequestOptions, SinkState, message::method_name, stream::Pollable,
};
use crate::{
    call::CallState,
    host::Level,
    outbound::{HttpRequest, HttpResponse, OutboundError},
    wire::wasi::http::{
        outgoing_handler,
        types::{self as wire, ErrorCode},
    },
};

/// The answer to a request, once it is asked for.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub enum FutureResponse {
    /// The request, and within how many milliseconds it is to be answered.
    Waiting(Box<OutgoingRequest>, Option<u32>),
    /// What came of it.
    Arrived(Result<HttpResponse, ErrorCode>),
    /// It was handed over.
    Gone,
}

impl outgoing_handler::Host for CallState {
    fn handle(
        &mut self,
        request: Resource<OutgoingRequest>,
        options: Option<Resource<RequestOptions>>,
    ) -> wasmtime::Result<Result<Resource<FutureResponse>, ErrorCode>> {
        let request = self.handles.delete(request)?;
        let nanos = options.map(|options| self.handles.delete(options)).transpose()?.and_then(|it| it.first_byte);
        let timeout = nanos.map(|nanos| u32::try_from(nanos / 1_000_000).unwrap_or(u32::MAX));
        self.hold(FutureResponse::Waiting(Box::new(request), timeout)).map(Ok)
    }
}

impl wire::HostFutureIncomingResponse for CallState {
    fn subscribe(&mut self, response: Resource<FutureResponse>) -> wasmtime::Result<Resource<Pollable>> {
        self.hold(Pollable::Response(response.rep()))
    }

    fn get(
        &mut self,
        response: Resource<FutureResponse>,
    ) -> wasmtime::Result<Option<Result<Result<Resource<IncomingResponse>, ErrorCode>, ()>>> {
        if !self.settle(&response)? {
            return Ok(None);
        }
        match std::mem::replace(self.handles.get_mut(&response)?, FutureResponse::Gone) {
            FutureResponse::Arrived(Ok(answer)) => {
                let headers = answer.headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
                let (headers, body) = (Fields::received(headers), Some(answer.body.into()));
                let held = self.hold(IncomingResponse { status: answer.status, headers, body })?;
                Ok(Some(Ok(Ok(held))))
            }
            FutureResponse::Arrived(Err(code)) => Ok(Some(Ok(Err(code)))),
            FutureResponse::Waiting(..) | FutureResponse::Gone => Ok(Some(Err(()))),
        }
    }

    fn drop(&mut self, response: Resource<FutureResponse>) -> wasmtime::Result<()> {
        self.handles.delete(response)?;
        Ok(())
    }
}

impl CallState {
    /// Sends a request whose body is complete, unless it was sent; false: there is no answer yet.
    pub(super) fn settle(&mut self, response: &Resource<FutureResponse>) -> wasmtime::Result<bool> {
        let FutureResponse::Waiting(request, _) = self.handles.get(response)? else { return Ok(true) };
        if request.body.as_ref().is_some_and(|body| body.state() == SinkState::Open) {
            return Ok(false);
        }
        let waiting = std::mem::replace(self.handles.get_mut(response)?, FutureResponse::Gone);
        let FutureResponse::Waiting(request, timeout) = waiting else { return Ok(true) };
        let arrived = self.send(*request, timeout)?;
        *self.handles.get_mut(response)? = FutureResponse::Arrived(arrived);
        Ok(true)
    }

    fn send(
        &mut self,
        request: OutgoingRequest,
        timeout: Option<u32>,
    ) -> wasmtime::Result<Result<HttpResponse, ErrorCode>> {
        if request.body.as_ref().is_some_and(|body| body.state() == SinkState::BrokenOff) {
            return Ok(Err(ErrorCode::HttpRequestBodySize(None)));
        }
        let body = request.body.as_ref().map(super::Sink::take).unwrap_or_default();
        self.http.written = self.http.written.saturating_sub(body.len() as u64);
        let mut headers = Vec::new();
        for (name, value) in request.headers.into_entries().into_iter().filter(|(name, _)| name != "content-length") {
            let Ok(value) = String::from_utf8(value) else { return Ok(Err(ErrorCode::HttpRequestHeaderSize(None))) };
            headers.push((name, value));
        }
        let asked = HttpRequest {
            target: request.authority.unwrap_or_default(),
            method: method_name(&request.method),
            path: request.path.unwrap_or_else(|| "/".to_owned()),
            headers,
            body,
        };
        let answer = self.exchange("outgoing-handler.handle", asked, timeout)?;
        Ok(answer.map_err(|error| self.told(error)))
    }

    /// The standard's codes have no words for what is denied: those stand in the log.
    fn told(&mut self, error: OutboundError) -> ErrorCode {
        match error {
            OutboundError::Denied(reason) => {
                if let Some(host) = self.host.as_deref_mut() {
                    let line = format!("a request was denied: {reason}");
                    self.logs.line(host, &self.limits, Level::Warn, &line, None);
                }
                ErrorCode::HttpRequestDenied
            }
            OutboundError::Unreachable(_) => ErrorCode::DestinationUnavailable,
            OutboundError::TimedOut => ErrorCode::HttpResponseTimeout,
            OutboundError::TooLarge(_) => ErrorCode::HttpResponseBodySize(None),
            OutboundError::Closed => ErrorCode::ConnectionTerminated,
            OutboundError::Other(reason) => ErrorCode::InternalError(Some(reason)),
        }
    }
}
