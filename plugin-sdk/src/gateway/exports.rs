//! Between the contract and the trait [`Gateway`](super::Gateway): what stands behind the exports of a component, and the
//! domain as the host offers it.

use std::marker::PhantomData;

use serde_json::Value;

use super::{
    Aggregate, Answered, Appended, Client, ClientError, EventPage, Exported, Incoming, NewEvent, Reply,
    bindings::{
        eventdbx::plugin::client as contract,
        exports::{eventdbx::plugin::meta, wasi::http::incoming_handler},
        wasi::{
            http::types::{
                Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
            },
            io::streams::StreamError,
        },
    },
    make,
};
use crate::{StartContext, StartReason, bindings::types};

/// Bytes of a body that are asked for at once.
const CHUNK: u64 = 64 << 10;

/// Stands for `G` towards the bindings.
pub struct Guest<G>(PhantomData<G>);

impl<G: Exported> meta::Guest for Guest<G> {
    fn describe() -> meta::Descriptor {
        // Of deliveries a gateway takes none.
        let selector = meta::Selector {
            aggregate_types: Vec::new(),
            aggregate_ids: Vec::new(),
            event_types: Vec::new(),
            parts: types::Parts::empty(),
            fields: meta::FieldFilter::All,
        };
        meta::Descriptor { selector, ..descriptor(G::describe().into_contract(G::NAME, G::VERSION, 1)) }
    }

    fn check_config(config: String) -> Result<(), types::Failure> {
        let context = StartContext { domain: String::new(), reason: StartReason::FirstStart };
        make::<G>(&config, &context).map(drop).map_err(Into::into)
    }

    fn init(context: meta::StartContext) -> Result<(), types::Failure> {
        crate::host::log_panics();
        let (config, context) = started(context);
        let gateway = make::<G>(&config, &context)?;
        // An instance starts once: the host sees to it.
        let _ = G::instance().with(|instance| instance.set(gateway));
        Ok(())
    }
}

impl<G: Exported> incoming_handler::Guest for Guest<G> {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let reply = G::instance().with(|instance| match instance.get() {
            Some(gateway) => gateway.answer(&received(&request), &HostClient).unwrap_or_else(|reply| reply),
            None => Reply::error(500, "`init` comes before anything else"),
        });
        give(&reply, out);
    }
}

fn received(request: &IncomingRequest) -> Incoming {
    let method = match request.method() {
        Method::Get => "GET".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        Method::Connect => "CONNECT".to_owned(),
        Method::Options => "OPTIONS".to_owned(),
        Method::Trace => "TRACE".to_owned(),
        Method::Patch => "PATCH".to_owned(),
        Method::Other(name) => name,
    };
    let target = request.path_with_query().unwrap_or_else(|| "/".to_owned());
    let headers = request.headers().entries();
    let body = request.consume().map(whole).unwrap_or_default();
    Incoming { method, target, headers, body }
}

fn whole(body: IncomingBody) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(stream) = body.stream() {
        loop {
            match stream.blocking_read(CHUNK) {
                Ok(chunk) => bytes.extend(chunk),
                Err(StreamError::Closed) => break,
                Err(StreamError::LastOperationFailed(error)) => {
                    panic!("the body broke off: {}", error.to_debug_string())
                }
            }
        }
    }
    bytes
}

fn give(reply: &Reply, out: ResponseOutparam) {
    let headers: Vec<_> =
        reply.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    let headers = Fields::from_list(&headers).unwrap_or_else(|error| panic!("the headers of the answer: {error}"));
    let response = OutgoingResponse::new(headers);
    if response.set_status_code(reply.status).is_err() {
        panic!("{} is no status of an answer", reply.status);
    }
    let body = response.body();
    ResponseOutparam::set(out, Ok(response));
    let Ok(body) = body else { panic!("the answer takes no body: its content-length is no number") };
    if let Ok(stream) = body.write() {
        let mut rest = reply.body.as_slice();
        while !rest.is_empty() {
            let fits = stream.check_write().map_or(0, |fits| usize::try_from(fits).unwrap_or(usize::MAX));
            if fits == 0 {
                stream.subscribe().block();
                continue;
            }
            let (now, later) = rest.split_at(fits.min(rest.len()));
            if stream.write(now).is_err() {
                return;
            }
            rest = later;
        }
        let _ = stream.blocking_flush();
    }
    let _ = OutgoingBody::finish(body, None);
}

/// The domain that the host offers.
struct HostClient;

impl Client for HostClient {
    fn append(&self, events: Vec<NewEvent>, key: Option<&str>) -> Result<Appended, ClientError> {
        let events: Vec<_> = events.into_iter().map(|event| event.0).collect();
        contract::append(&events, key)
    }

    fn aggregate(&self, aggregate_type: &str, aggregate_id: &str) -> Result<Aggregate, ClientError> {
        contract::read_aggregate(aggregate_type, aggregate_id)
    }

    fn events(
        &self,
        aggregate_type: &str,
        aggregate_id: &str,
        from: u64,
        limit: u32,
    ) -> Result<EventPage, ClientError> {
        contract::read_events(aggregate_type, aggregate_id, from, limit)
    }

    fn query(
        &self,
        plugin: &str,
        name: &str,
        params: &Value,
        cursor: Option<&str>,
        wait_for: Option<u64>,
    ) -> Result<Answered, ClientError> {
        let answer = contract::query(plugin, name, &params.to_string(), cursor, wait_for)?;
        Ok(Answered { body: answer.body, next: answer.next, as_of: answer.as_of })
    }
}

crate::meta::started!();
crate::meta::descriptor!(Gateway);
