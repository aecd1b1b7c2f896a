//! Gateways: one request, one instance, one answer, which is given out only once it is whole.

mod client;

use std::time::Duration;

use wasmtime::component::Resource;

pub use self::client::{
    Aggregate, Answer, Appended, Client, ClientError, Content, Event, EventPage, EventsAsked, Expectation, NewEvent,
    Question, Reason, Receipt,
};
use crate::{
    call::Phase,
    guest::Guest,
    http::{Answered, Fields, IncomingRequest, OutgoingResponse, ResponseOutparam, SinkState},
    limits::{Limit, Limits},
    metrics::Metrics,
    outcome::{Halt, Lie, Trap, Usage},
};

/// A request, as a gateway is given it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayRequest {
    /// E.g. `POST`.
    pub method: String,
    /// Begins with `/`; with the query.
    pub path: String,
    /// Names and values. Those that belong to a connection are not handed on.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Bytes.
    pub body: Vec<u8>,
}

/// What a gateway answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayResponse {
    /// 200 to 599.
    pub status: u16,
    /// Names, in small letters, and values. None belongs to a connection.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Bytes.
    pub body: Vec<u8>,
}

/// How a request was served.
#[derive(Debug)]
pub struct Served {
    /// The answer, or why there is none that could be believed.
    pub outcome: Result<GatewayResponse, Halt>,
    /// What it cost.
    pub usage: Usage,
    /// What the gateway counted.
    pub metrics: Metrics,
}

/// An instance that answers one request.
pub struct GatewayInstance {
    guest: Guest,
}

impl GatewayInstance {
    pub(crate) fn new(guest: Guest) -> Self {
        Self { guest }
    }

    /// Hands a request to the gateway. Blocks for as long as the limits allow.
    #[must_use]
    pub fn serve(mut self, request: GatewayRequest) -> Served {
        if let Err(halt) = check(&request, &self.guest.state().limits) {
            return Served { outcome: Err(halt), usage: Usage::default(), metrics: Metrics::default() };
        }
        let (called, usage) = self.guest.call(Phase::Request, |store, calls| {
            let Some(incoming) = &calls.incoming else {
                return Err(Halt::Trapped(Trap::forbidden("this kind of plugin answers no requests".to_owned())).into());
            };
            let state = store.data_mut();
            let GatewayRequest { method, path, headers, body } = request;
            let (headers, body) = (Fields::received(headers), Some(body.into()));
            let request: Resource<IncomingRequest> = state.hold(IncomingRequest { method, path, headers, body })?;
            let outparam: Resource<ResponseOutparam> = state.hold(ResponseOutparam)?;
            incoming.call_handle(store, request, outparam)
        });
        let state = self.guest.state();
        let answer = state.http.answer.take();
        let metrics = std::mem::take(&mut state.metrics);
        let outcome = called.and_then(|()| response(answer).map_err(Halt::Lied));
        Served { outcome, usage, metrics }
    }

    /// How long a request may take.
    #[must_use]
    pub fn patience(limits: &Limits) -> Duration {
        Duration::from_millis(limits.gateway_wall_ms)
    }
}

/// What is too large is not handed over.
fn check(request: &GatewayRequest, limits: &Limits) -> Result<(), Halt> {
    let over = |limit: Limit, what: &str, bytes: usize| {
        let what = format!("the request has {what} of {bytes} bytes");
        (bytes as u64 > limit.of(limits)).then(|| Halt::Trapped(Trap::broke(limit, limits, what)))
    };
    let headers = Fields::received(request.headers.clone()).weight() + request.path.len();
    let refused = over(Limit::GatewayRequestBytes, "a body", request.body.len());
    refused.or_else(|| over(Limit::HttpHeaderBytes, "headers", headers)).map_or(Ok(()), Err)
}

/// The answer of a guest, if it gave one and the whole of it.
fn response(answer: Option<Answered>) -> Result<GatewayResponse, Lie> {
    let response: OutgoingResponse = match answer {
        Some(Ok(response)) => response,
        Some(Err(code)) => return Err(Lie::Declined(code.to_string().chars().take(200).collect())),
        None => return Err(Lie::NoAnswer),
    };
    let body = match &response.body {
        None => Vec::new(),
        Some(body) if body.state() == SinkState::Finished => body.take(),
        Some(_) => return Err(Lie::HalfAnswer),
    };
    Ok(GatewayResponse { status: response.status, headers: response.into_headers(), body })
}
