//! A transport that posts each event by the standard's `wasi:http/outgoing-handler`, written against the bare contract.
//!
//! The id of the aggregate is the authority: the name of the target. The type of the event says what else it does.

#![cfg(target_arch = "wasm32")]

wit_bindgen::generate!({
    path: "../../../wit",
    world: "eventdbx:plugin/transport-with-wasi-http",
    generate_all,
});

use eventdbx::plugin::types::{Ack, Batch, Delivery, Failure, HandleError, ItemFailure, Parts, RetryHint};
use exports::eventdbx::plugin::{handler, meta};
use wasi::http::{
    outgoing_handler,
    types::{ErrorCode, Fields, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme},
};

struct Transport;

export!(Transport);

/// The version of the contract that this was built against.
#[used]
#[unsafe(link_section = "eventdbx:api")]
static API: [u8; 5] = *b"0.1.0";

impl meta::Guest for Transport {
    fn describe() -> meta::Descriptor {
        meta::Descriptor {
            name: "wasi-transport".into(),
            version: "0.1.0".into(),
            kind: meta::Kind::Transport,
            config_schema: "{}".into(),
            selector: meta::Selector {
                aggregate_types: Vec::new(),
                aggregate_ids: Vec::new(),
                event_types: Vec::new(),
                parts: Parts::PAYLOAD,
                fields: meta::FieldFilter::All,
            },
            tables: Vec::new(),
            queries: Vec::new(),
            state_version: 1,
            capabilities: Vec::new(),
        }
    }

    fn check_config(_: String) -> Result<(), Failure> {
        Ok(())
    }

    fn init(_: meta::StartContext) -> Result<(), Failure> {
        Ok(())
    }
}

impl handler::Guest for Transport {
    fn handle_batch(batch: Batch) -> Result<Ack, HandleError> {
        for (index, item) in (0..).zip(&batch.items) {
            match send(item) {
                Ok(status) if (200..300).contains(&status) => {}
                Ok(status) => return Err(later(index, &format!("http-{status}"), "")),
                Err(ErrorCode::HttpRequestDenied) => {
                    let failure = failure("denied", "the target is not granted");
                    return Err(HandleError::Poison(ItemFailure { index, failure }));
                }
                Err(code) => return Err(later(index, "failed", &format!("{code:?}"))),
            }
        }
        Ok(Ack { skipped: Vec::new() })
    }
}

fn later(done: u32, code: &str, message: &str) -> HandleError {
    HandleError::Retry(RetryHint { failure: failure(code, message), after_ms: None, done })
}

fn failure(code: &str, message: &str) -> Failure {
    Failure { code: code.into(), message: message.into(), detail: None }
}

/// Posts an event; its status. The body is written after the request was handed over, as most do.
fn send(event: &Delivery) -> Result<u16, ErrorCode> {
    let headers = [("content-type", "application/json"), ("idempotency-key", event.event_id.as_str())];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    let request = OutgoingRequest::new(Fields::from_list(&headers).expect("headers"));
    request.set_method(&Method::Post).expect("a method");
    request.set_scheme(Some(&Scheme::Https)).expect("a scheme");
    request.set_authority(Some(&event.aggregate_id)).expect("an authority");
    request.set_path_with_query(Some(&format!("/in/{}?v={}", event.event_type, event.version))).expect("a path");
    let body = request.body().expect("a body");
    let options = RequestOptions::new();
    options.set_first_byte_timeout(Some(5_000_000_000)).expect("a time-out");
    let answer = outgoing_handler::handle(request, Some(options))?;
    assert!(answer.get().is_none(), "nothing can have come before the body was finished");
    if event.event_type == "waits_too_early" {
        answer.subscribe().block();
    }
    let stream = body.write().expect("a stream");
    stream.blocking_write_and_flush(event.payload.as_deref().unwrap_or_default().as_bytes()).expect("it is taken");
    drop(stream);
    OutgoingBody::finish(body, None)?;
    let ready = answer.subscribe();
    ready.block();
    let response = answer.get().expect("it is there").expect("it is asked for once")?;
    assert!(answer.get().expect("it was there").is_err(), "an answer is given once");
    let status = response.status();
    let body = response.consume().expect("a body");
    let stream = body.stream().expect("a stream");
    let mut text = Vec::new();
    while let Ok(chunk) = stream.blocking_read(1000) {
        text.extend(chunk);
    }
    eventdbx::plugin::host::log(eventdbx::plugin::host::Level::Info, &String::from_utf8_lossy(&text), None);
    Ok(status)
}
