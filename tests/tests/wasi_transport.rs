//! A transport that speaks HTTP by `wasi:http/outgoing-handler`, in a running daemon, with a server that is started here.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
    time::Duration,
};

use eventdbx_tests::{Node, guest};
use hyper::Method;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(120);

/// A request as the server got it: its first line, its headers, its body.
type Got = (String, Vec<String>, String);

/// Takes requests, one connection each, and answers them with 204.
fn server() -> (u16, mpsc::Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (told, got) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            let mut line = || {
                let mut line = String::new();
                stream.read_line(&mut line).expect("a line");
                line.trim_end().to_owned()
            };
            let first = line();
            let headers: Vec<_> = std::iter::from_fn(|| Some(line()).filter(|line| !line.is_empty())).collect();
            let length =
                headers.iter().find_map(|header| header.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            stream.read_exact(&mut body).expect("a body");
            stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").expect("answers");
            if told.send((first, headers, String::from_utf8_lossy(&body).into_owned())).is_err() {
                return;
            }
        }
    });
    (port, got)
}

#[test]
fn it_reaches_the_target_that_was_granted_and_nothing_else() {
    let mut node = Node::start();
    let (port, got) = server();
    let url = format!("http://127.0.0.1:{port}/base");
    let hook = json!({ "url": url, "private": true, "headers": { "authorization": "Bearer s3cret" } });
    node.install_as(guest("eventdbx-guest-wasi-transport"), &json!({ "targets": { "hook": hook } }));
    let event = |id: &str, n: u64| json!({ "aggregate_type": "order", "aggregate_id": id, "event_type": "placed", "payload": { "n": n } });
    let events = json!({ "events": [event("hook", 1), event("example.org", 2), event("hook", 3)] });
    node.ask(Method::POST, "append", events.to_string());
    for (n, version) in [(1, 1), (3, 2)] {
        let (first, headers, body) = got.recv_timeout(PATIENCE).expect("a request");
        assert_eq!(first, format!("POST /base/in/placed?v={version} HTTP/1.1"));
        assert_eq!(body, format!("{{\"n\":{n}}}"));
        let has = |wanted: &str| headers.iter().any(|header| header.eq_ignore_ascii_case(wanted));
        assert!(has("authorization: Bearer s3cret") && has(&format!("host: 127.0.0.1:{port}")), "{headers:?}");
        assert!(headers.iter().any(|header| header.to_lowercase().starts_with("idempotency-key: ")), "{headers:?}");
    }
    let status = node.until("plugins/wasi-transport", PATIENCE, |status| status["cursor"] == status["head"]);
    assert_eq!((&status["state"], &status["parked"]), (&json!("live"), &json!(1)), "{status}");
    let parked = node.get("plugins/wasi-transport/queue")["rows"][0].clone();
    assert_eq!((&parked["aggregate_id"], &parked["code"]), (&json!("example.org"), &json!("denied")), "{parked}");
    let logs = node.get("plugins/wasi-transport/logs").to_string();
    assert!(logs.contains("a request was denied") && logs.contains("example.org"), "{logs}");
    assert!(!logs.contains("s3cret"), "{logs}");
}
