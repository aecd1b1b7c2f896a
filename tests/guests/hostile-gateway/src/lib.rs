//! A gateway that misbehaves on request, written against the bare contract, because the SDK would not let it.
//!
//! The first segment of the *path* names what goes wrong; `/echo` answers with what came.

#![cfg(target_arch = "wasm32")]

use eventdbx_plugin_sdk::{
    bindings::{
        host,
        types::{Failure, Parts},
    },
    gateway::bindings::{
        eventdbx::plugin::client::{self, Content, Expectation, NewEvent},
        exports::{eventdbx::plugin::meta, wasi::http::incoming_handler},
        wasi::{
            http::types::{
                ErrorCode, Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
            },
            io::streams::OutputStream,
        },
    },
};

struct Hostile;

eventdbx_plugin_sdk::gateway::bindings::export_gateway!(
    Hostile with_types_in eventdbx_plugin_sdk::gateway::bindings
);

/// The version of the contract that this was built against.
#[used]
#[unsafe(link_section = "eventdbx:api")]
static API: [u8; 5] = *b"0.1.0";

impl meta::Guest for Hostile {
    fn describe() -> meta::Descriptor {
        meta::Descriptor {
            name: "hostile-gateway".into(),
            version: "0.1.0".into(),
            kind: meta::Kind::Gateway,
            config_schema: "{}".into(),
            selector: meta::Selector {
                aggregate_types: Vec::new(),
                aggregate_ids: Vec::new(),
                event_types: Vec::new(),
                parts: Parts::empty(),
                fields: meta::FieldFilter::All,
            },
            tables: Vec::new(),
            queries: Vec::new(),
            state_version: 1,
            capabilities: ["append=*", "read=*", "query=*"].map(str::to_owned).to_vec(),
        }
    }

    fn check_config(_: String) -> Result<(), Failure> {
        Ok(())
    }

    fn init(context: meta::StartContext) -> Result<(), Failure> {
        if context.config.contains("append-in-init") {
            drop(client::append(&[event("order", "1", "{}")], None));
        }
        Ok(())
    }
}

impl incoming_handler::Guest for Hostile {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let (word, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
        match word {
            "loop" => spin(),
            "memory" => loop {
                std::mem::forget(std::hint::black_box(Vec::<u8>::with_capacity(1 << 20)));
            },
            "deep" => drop(std::hint::black_box(deep(u64::MAX))),
            "trap" => panic!("on request"),
            "silence" => {}
            "error" => ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some("on request".into())))),
            "headers" => {
                let fields = Fields::new();
                for n in 0_u32.. {
                    fields.append(&format!("x-{n}"), &[b'x'; 1000]).expect("a header");
                }
            }
            "handles" => {
                let mut held = Vec::new();
                loop {
                    held.push(Fields::new());
                }
            }
            "logs" => {
                for _ in 0..1000 {
                    host::log(host::Level::Info, "on request", None);
                }
                answer(out, 200, &[], b"");
            }
            "calls" => loop {
                drop(client::read_aggregate("order", "1"));
            },
            "twice" => {
                let handle = out.take_handle();
                answer(unsafe { ResponseOutparam::from_handle(handle) }, 200, &[], b"first");
                answer(unsafe { ResponseOutparam::from_handle(handle) }, 200, &[], b"second");
            }
            "endless" => {
                let (_body, stream) = begin(out, 200, &[]);
                loop {
                    stream.write(&[0; 64 << 10]).expect("it is taken");
                }
            }
            "half" => {
                let (body, stream) = begin(out, 200, &[]);
                stream.write(b"half").expect("it is taken");
                drop((stream, body));
            }
            "short" => {
                let (body, stream) = begin(out, 200, &[("content-length", "100")]);
                stream.write(b"short").expect("it is taken");
                drop(stream);
                drop(OutgoingBody::finish(body, None));
            }
            "open" => {
                let (body, stream) = begin(out, 200, &[]);
                stream.write(b"open").expect("it is taken");
                std::mem::forget((stream, body));
            }
            "trap-in-body" => {
                let (_body, stream) = begin(out, 200, &[]);
                stream.write(b"begun").expect("it is taken");
                panic!("on request");
            }
            "trap-at-the-end" => {
                answer(out, 200, &[], b"whole");
                panic!("on request");
            }
            "large-append" => {
                let mut large = event("order", "1", "");
                large.content = Content::Payload("x".repeat(20 << 20));
                drop(client::append(&[large], None));
            }
            "append" => {
                let (kind, id) = rest.split_once('/').unwrap_or((rest, "1"));
                let written = client::append(&[event(kind, id, "{\"n\":1}")], None);
                answer(out, 200, &[], format!("{written:?}").as_bytes());
            }
            "read" => {
                let (kind, id) = rest.split_once('/').unwrap_or((rest, "1"));
                let read = client::read_aggregate(kind, id);
                let events = client::read_events(kind, id, 1, 10);
                answer(out, 200, &[], format!("{read:?} {events:?}").as_bytes());
            }
            "query" => {
                let (plugin, name) = rest.split_once('/').unwrap_or((rest, ""));
                answer(out, 200, &[], format!("{:?}", client::query(plugin, name, "{}", None, None)).as_bytes());
            }
            "echo" => echo(&request, &path, out),
            _ => answer(out, 404, &[("x-word", word)], b"no such mischief"),
        }
    }
}

/// What came, line by line: method, path, headers, body.
fn echo(request: &IncomingRequest, path: &str, out: ResponseOutparam) {
    let method = match request.method() {
        Method::Get => "GET".to_owned(),
        Method::Other(other) => other,
        method => format!("{method:?}"),
    };
    let mut text = format!("{method} {path}\n");
    for (name, value) in request.headers().entries() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(&value)));
    }
    let body = request.consume().expect("the body");
    assert!(request.consume().is_err(), "a body is consumed once");
    let stream = body.stream().expect("the stream");
    let mut bytes = Vec::new();
    while let Ok(chunk) = stream.blocking_read(7) {
        bytes.extend(chunk);
    }
    text.push_str(&String::from_utf8_lossy(&bytes));
    answer(out, 200, &[("content-type", "text/plain"), ("x-echo", "yes")], text.as_bytes());
}

fn begin(out: ResponseOutparam, status: u16, headers: &[(&str, &str)]) -> (OutgoingBody, OutputStream) {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    let response = OutgoingResponse::new(Fields::from_list(&headers).expect("headers"));
    response.set_status_code(status).expect("a status");
    let body = response.body().expect("a body");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("a stream");
    (body, stream)
}

fn answer(out: ResponseOutparam, status: u16, headers: &[(&str, &str)], bytes: &[u8]) {
    let (body, stream) = begin(out, status, headers);
    stream.blocking_write_and_flush(bytes).expect("it is taken");
    drop(stream);
    OutgoingBody::finish(body, None).expect("it is whole");
}

fn event(kind: &str, id: &str, payload: &str) -> NewEvent {
    NewEvent {
        aggregate_type: kind.into(),
        aggregate_id: id.into(),
        event_type: "thing_happened".into(),
        content: Content::Payload(payload.into()),
        metadata: None,
        extensions: None,
        note: None,
        occurred_at: None,
        expect: Expectation::Any,
    }
}

fn spin() -> ! {
    loop {
        std::hint::black_box(());
    }
}

fn deep(levels: u64) -> u64 {
    if std::hint::black_box(levels) == 0 { 0 } else { std::hint::black_box(deep(levels - 1)) + 1 }
}
