//! Requests and answers, as they come and as they are made.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::{Fields, IncomingBody, OutgoingBody, Sink, fields::is_token, stream::IoError};
use crate::{
    call::CallState,
    limits::Limit,
    wire::wasi::http::types::{self as wire, ErrorCode, Method, Scheme},
};

/// A request that a gateway is to answer.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct IncomingRequest {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: Fields,
    /// None: it was taken.
    pub(crate) body: Option<Arc<[u8]>>,
}

/// An answer that came.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct IncomingResponse {
    pub(super) status: u16,
    pub(super) headers: Fields,
    /// None: it was taken.
    pub(super) body: Option<Arc<[u8]>>,
}

/// A request that a guest makes.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct OutgoingRequest {
    pub(super) method: Method,
    pub(super) path: Option<String>,
    pub(super) scheme: Option<Scheme>,
    pub(super) authority: Option<String>,
    pub(super) headers: Fields,
    pub(super) body: Option<Sink>,
}

/// An answer that a guest makes.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct OutgoingResponse {
    pub(crate) status: u16,
    headers: Fields,
    pub(crate) body: Option<Sink>,
}

/// How long a request may take, in nanoseconds.
#[derive(Default)]
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct RequestOptions {
    connect: Option<u64>,
    pub(super) first_byte: Option<u64>,
    between_bytes: Option<u64>,
}

/// The right to answer, once.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct ResponseOutparam;

/// What a guest answered with: an answer, or the error that it would have its caller told.
pub(crate) type Answered = Result<OutgoingResponse, ErrorCode>;

impl OutgoingResponse {
    pub(crate) fn into_headers(self) -> Vec<(String, Vec<u8>)> {
        self.headers.into_entries()
    }
}

impl wire::Host for CallState {
    fn http_error_code(&mut self, _: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(None)
    }
}

impl wire::HostIncomingRequest for CallState {
    fn method(&mut self, request: Resource<IncomingRequest>) -> wasmtime::Result<Method> {
        Ok(method(&self.handles.get(&request)?.method))
    }

    fn path_with_query(&mut self, request: Resource<IncomingRequest>) -> wasmtime::Result<Option<String>> {
        Ok(Some(self.handles.get(&request)?.path.clone()))
    }

    fn scheme(&mut self, _: Resource<IncomingRequest>) -> wasmtime::Result<Option<Scheme>> {
        Ok(None)
    }

    fn authority(&mut self, _: Resource<IncomingRequest>) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }

    fn headers(&mut self, request: Resource<IncomingRequest>) -> wasmtime::Result<Resource<Fields>> {
        let headers = self.handles.get(&request)?.headers.clone();
        self.hold(headers)
    }

    fn consume(&mut self, request: Resource<IncomingRequest>) -> wasmtime::Result<Result<Resource<IncomingBody>, ()>> {
        match self.handles.get_mut(&request)?.body.take() {
            Some(body) => self.hold(IncomingBody(Some(body))).map(Ok),
            None => Ok(Err(())),
        }
    }

    fn drop(&mut self, request: Resource<IncomingRequest>) -> wasmtime::Result<()> {
        self.handles.delete(request)?;
        Ok(())
    }
}

impl wire::HostIncomingResponse for CallState {
    fn status(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<u16> {
        Ok(self.handles.get(&response)?.status)
    }

    fn headers(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<Resource<Fields>> {
        let headers = self.handles.get(&response)?.headers.clone();
        self.hold(headers)
    }

    fn consume(
        &mut self,
        response: Resource<IncomingResponse>,
    ) -> wasmtime::Result<Result<Resource<IncomingBody>, ()>> {
        match self.handles.get_mut(&response)?.body.take() {
            Some(body) => self.hold(IncomingBody(Some(body))).map(Ok),
            None => Ok(Err(())),
        }
    }

    fn drop(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<()> {
        self.handles.delete(response)?;
        Ok(())
    }
}

impl wire::HostOutgoingRequest for CallState {
    fn new(&mut self, headers: Resource<Fields>) -> wasmtime::Result<Resource<OutgoingRequest>> {
        let headers = self.handles.delete(headers)?.frozen();
        let (path, scheme, authority) = (None, None, None);
        self.hold(OutgoingRequest { method: Method::Get, path, scheme, authority, headers, body: None })
    }

    fn body(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<Result<Resource<OutgoingBody>, ()>> {
        let kept = self.handles.get_mut(&request)?;
        let (mut body, headers) = (kept.body.clone(), kept.headers.clone());
        let begun = self.begin_body(&mut body, &headers, Limit::OutboundSendBytes)?;
        self.handles.get_mut(&request)?.body = body;
        Ok(begun)
    }

    fn method(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<Method> {
        Ok(self.handles.get(&request)?.method.clone())
    }

    fn set_method(&mut self, request: Resource<OutgoingRequest>, method: Method) -> wasmtime::Result<Result<(), ()>> {
        let valid = !matches!(&method, Method::Other(name) if !is_token(name));
        self.put(&request, valid, |request| request.method = method)
    }

    fn path_with_query(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<Option<String>> {
        Ok(self.handles.get(&request)?.path.clone())
    }

    fn set_path_with_query(
        &mut self,
        request: Resource<OutgoingRequest>,
        path: Option<String>,
    ) -> wasmtime::Result<Result<(), ()>> {
        let graphic = |path: &str| path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
        let valid = path.as_deref().is_none_or(graphic);
        self.put(&request, valid, |request| request.path = path)
    }

    fn scheme(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<Option<Scheme>> {
        Ok(self.handles.get(&request)?.scheme.clone())
    }

    fn set_scheme(
        &mut self,
        request: Resource<OutgoingRequest>,
        scheme: Option<Scheme>,
    ) -> wasmtime::Result<Result<(), ()>> {
        self.put(&request, true, |request| request.scheme = scheme)
    }

    fn authority(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<Option<String>> {
        Ok(self.handles.get(&request)?.authority.clone())
    }

    fn set_authority(
        &mut self,
        request: Resource<OutgoingRequest>,
        authority: Option<String>,
    ) -> wasmtime::Result<Result<(), ()>> {
        let valid = authority.as_deref().is_none_or(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
        self.put(&request, valid, |request| request.authority = authority)
    }

    fn headers(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<Resource<Fields>> {
        let headers = self.handles.get(&request)?.headers.clone();
        self.hold(headers)
    }

    fn drop(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<()> {
        self.handles.delete(request)?;
        Ok(())
    }
}

impl wire::HostOutgoingResponse for CallState {
    fn new(&mut self, headers: Resource<Fields>) -> wasmtime::Result<Resource<OutgoingResponse>> {
        let headers = self.handles.delete(headers)?.frozen();
        self.hold(OutgoingResponse { status: 200, headers, body: None })
    }

    fn status_code(&mut self, response: Resource<OutgoingResponse>) -> wasmtime::Result<u16> {
        Ok(self.handles.get(&response)?.status)
    }

    fn set_status_code(
        &mut self,
        response: Resource<OutgoingResponse>,
        status: u16,
    ) -> wasmtime::Result<Result<(), ()>> {
        // NOTE: 1xx is no answer yet.
        let valid = (200..600).contains(&status);
        self.put(&response, valid, |response| response.status = status)
    }

    fn headers(&mut self, response: Resource<OutgoingResponse>) -> wasmtime::Result<Resource<Fields>> {
        let headers = self.handles.get(&response)?.headers.clone();
        self.hold(headers)
    }

    fn body(&mut self, response: Resource<OutgoingResponse>) -> wasmtime::Result<Result<Resource<OutgoingBody>, ()>> {
        let kept = self.handles.get_mut(&response)?;
        let (mut body, headers) = (kept.body.clone(), kept.headers.clone());
        let begun = self.begin_body(&mut body, &headers, Limit::GatewayResponseBytes)?;
        self.handles.get_mut(&response)?.body = body;
        Ok(begun)
    }

    fn drop(&mut self, response: Resource<OutgoingResponse>) -> wasmtime::Result<()> {
        self.handles.delete(response)?;
        Ok(())
    }
}

impl wire::HostResponseOutparam for CallState {
    fn set(
        &mut self,
        outparam: Resource<ResponseOutparam>,
        answer: Result<Resource<OutgoingResponse>, ErrorCode>,
    ) -> wasmtime::Result<()> {
        self.handles.delete(outparam)?;
        self.http.answer = Some(match answer {
            Ok(response) => Ok(self.handles.delete(response)?),
            Err(code) => Err(code),
        });
        Ok(())
    }

    fn drop(&mut self, outparam: Resource<ResponseOutparam>) -> wasmtime::Result<()> {
        self.handles.delete(outparam)?;
        Ok(())
    }
}

impl wire::HostRequestOptions for CallState {
    fn new(&mut self) -> wasmtime::Result<Resource<RequestOptions>> {
        self.hold(RequestOptions::default())
    }

    fn connect_timeout(&mut self, options: Resource<RequestOptions>) -> wasmtime::Result<Option<u64>> {
        Ok(self.handles.get(&options)?.connect)
    }

    fn set_connect_timeout(
        &mut self,
        options: Resource<RequestOptions>,
        timeout: Option<u64>,
    ) -> wasmtime::Result<Result<(), ()>> {
        self.put(&options, true, |options| options.connect = timeout)
    }

    fn first_byte_timeout(&mut self, options: Resource<RequestOptions>) -> wasmtime::Result<Option<u64>> {
        Ok(self.handles.get(&options)?.first_byte)
    }

    fn set_first_byte_timeout(
        &mut self,
        options: Resource<RequestOptions>,
        timeout: Option<u64>,
    ) -> wasmtime::Result<Result<(), ()>> {
        self.put(&options, true, |options| options.first_byte = timeout)
    }

    fn between_bytes_timeout(&mut self, options: Resource<RequestOptions>) -> wasmtime::Result<Option<u64>> {
        Ok(self.handles.get(&options)?.between_bytes)
    }

    fn set_between_bytes_timeout(
        &mut self,
        options: Resource<RequestOptions>,
        timeout: Option<u64>,
    ) -> wasmtime::Result<Result<(), ()>> {
        self.put(&options, true, |options| options.between_bytes = timeout)
    }

    fn drop(&mut self, options: Resource<RequestOptions>) -> wasmtime::Result<()> {
        self.handles.delete(options)?;
        Ok(())
    }
}

impl CallState {
    /// Changes what a handle stands for, if what is put there may stand there.
    fn put<T: Send + 'static>(
        &mut self,
        handle: &Resource<T>,
        valid: bool,
        put: impl FnOnce(&mut T),
    ) -> wasmtime::Result<Result<(), ()>> {
        let kept = self.handles.get_mut(handle)?;
        if !valid {
            return Ok(Err(()));
        }
        put(kept);
        Ok(Ok(()))
    }
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

/// The name of a method.
pub(super) fn method_name(method: &Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    };
    name.to_owned()
}
