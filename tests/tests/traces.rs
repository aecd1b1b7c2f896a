//! Traces from end to end: a daemon that sends its spans to a collector, which is a few lines of this test.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::mpsc,
    thread,
};

use eventdbx_node::{Daemon, StartOptions};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::any_value::Value as Any,
    trace::v1::{Span, status::StatusCode},
};
use prost::Message as _;
use serde_json::{Value, json};

const CANARY: &str = "CANARY-4711";
/// A caller's span: trace and parent.
const CALLER: (&str, &str) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");

/// Reads a request: its first line, and its body.
fn read(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut reader, mut first, mut length) = (BufReader::new(stream), String::new(), 0);
    reader.read_line(&mut first).ok().filter(|bytes| *bytes > 0)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let lower = line.to_ascii_lowercase();
        length = lower.strip_prefix("content-length:").map_or(length, |value| value.trim().parse().expect("a number"));
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, body))
}

/// Serves requests, each on a connection of its own, and hands their bodies over; its address.
fn serve(bodies: mpsc::Sender<(String, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if let Some(request) = read(&stream) {
                let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
                if (&stream).write_all(answer.as_bytes()).is_err() || bodies.send(request).is_err() {
                    return;
                }
            }
        }
    });
    address
}

/// A client whose requests carry the caller's span.
struct Client(std::path::PathBuf);

impl Client {
    fn ask(&self, method: &str, path: &str, body: &[u8]) -> Value {
        let mut stream = UnixStream::connect(&self.0).expect("connects");
        let (trace, parent) = CALLER;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: dbx\r\nconnection: close\r\ncontent-type: application/json\r\n\
             traceparent: 00-{trace}-{parent}-01\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("writes");
        stream.write_all(body).expect("writes");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("reads");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let body = serde_json::from_str(body).unwrap_or_default();
        assert!(head.starts_with("HTTP/1.1 2"), "{path}: {head}: {body}");
        body
    }

    fn install(&self, example: &str, mut request: Value) {
        let wasm = std::fs::read(eventdbx_plugin_build::example(example).expect("builds")).expect("reads");
        request["component"] = self.ask("PUT", "/v1/domains/default/components", &wasm)["hash"].clone();
        self.ask("POST", "/v1/domains/default/plugins", request.to_string().as_bytes());
    }
}

/// The attributes of a span, as text.
fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let text = |value: &Any| match value {
        Any::StringValue(text) => text.clone(),
        Any::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    let value = |pair: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        pair.value.as_ref().and_then(|value| value.value.as_ref()).map(text).expect("a value")
    };
    span.attributes.iter().map(|pair| (pair.key.as_str(), value(pair))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_request_a_batch_and_a_call_outside_are_seen_by_a_collector_and_nothing_of_their_content() {
    let ((spans, received), (hooks, hooked)) = (mpsc::channel(), mpsc::channel());
    let (collector, hook) = (serve(spans), serve(hooks));
    let dir = tempfile::tempdir().expect("a directory");
    let options = StartOptions { otlp_endpoint: Some(collector), ..StartOptions::new(dir.path()) };
    let running = Daemon::start(&options).expect("starts");
    let client = Client(running.socket());
    let event = json!({
        "aggregate_type": "order", "aggregate_id": CANARY, "event_type": "placed", "payload": { "secret": CANARY },
    });
    let request = json!({ "events": [event], "key": CANARY });
    client.ask("POST", "/v1/domains/default/append", request.to_string().as_bytes());
    client.install("event-counter", json!({}));
    let asked = json!({ "wait": 1, "timeout_ms": 120_000 }).to_string();
    client.ask("POST", "/v1/domains/default/plugins/event-counter/queries/counts", asked.as_bytes());
    let target = json!({ "url": hook, "private": true, "headers": { "authorization": CANARY } });
    client.install("webhook", json!({ "targets": { "hook": target } }));
    let (first, _) = hooked.recv().expect("the hook is called");
    assert!(first.starts_with("POST / "), "{first}");
    // Whatever is left is sent before the daemon has stopped.
    running.stop();

    let mut all = Vec::new();
    while let Ok((first, body)) = received.try_recv() {
        assert!(first.starts_with("POST /v1/traces "), "{first}");
        let found = body.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "content in a span");
        let request = ExportTraceServiceRequest::decode(&*body).expect("protobuf");
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        all.extend(scopes.flat_map(|scope| scope.spans));
    }
    let find = |name: &str, key: &str, value: &str| -> &Span {
        let fits = |span: &&Span| span.name == name && attributes(span).get(key).is_some_and(|it| it == value);
        all.iter().find(fits).unwrap_or_else(|| panic!("no {name} with {key} = {value}: {all:#?}"))
    };
    let route = "/v1/domains/{d}/append";
    let request = find(&format!("POST {route}"), "http.route", route);
    assert_eq!((hex(&request.trace_id), hex(&request.parent_span_id)), (CALLER.0.to_owned(), CALLER.1.to_owned()));
    assert_eq!(attributes(request)["http.response.status_code"], "200");
    let append = find("append", "eventdbx.events", "1");
    assert_eq!((&append.trace_id, &append.parent_span_id), (&request.trace_id, &request.span_id));
    for name in ["check", "commit"] {
        let part = all.iter().find(|span| span.name == name).expect("a part of the append");
        assert_eq!((&part.trace_id, &part.parent_span_id), (&append.trace_id, &append.span_id), "{name}");
    }
    let counted = find("batch", "eventdbx.plugin", "event-counter");
    assert_eq!(attributes(counted)["eventdbx.outcome"], "done");
    assert!(counted.parent_span_id.is_empty(), "nobody asked for it");
    let sent = find("batch", "eventdbx.plugin", "webhook");
    let call = find("outbound", "eventdbx.target", "hook");
    assert_eq!((&call.trace_id, &call.parent_span_id), (&sent.trace_id, &sent.span_id));
    assert_eq!(attributes(call)["http.response.status_code"], "200");
    let bad = all.iter().filter(|span| span.status.as_ref().is_some_and(|it| it.code() == StatusCode::Error));
    assert_eq!(bad.count(), 0);
}

#[test]
fn an_endpoint_that_is_none_is_refused_at_the_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = StartOptions { otlp_endpoint: Some("collector:4317".to_owned()), ..StartOptions::new(dir.path()) };
    let refused = Daemon::start(&options).err().expect("refused").to_string();
    assert!(refused.contains("collector:4317") && refused.contains("no URL"), "{refused}");
}
