//! Two domains share nothing, and each of these tests tries to make them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use eventdbx_node::{Daemon, Running, StartOptions, client::Client};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A daemon with a client, and two domains beside `default`.
struct Node {
    client: Client,
    runtime: Runtime,
    running: Option<Running>,
    dir: tempfile::TempDir,
}

impl Node {
    fn with_two_domains() -> Self {
        let mut node = Self::start_in(tempfile::tempdir().expect("a directory"));
        for domain in ["left", "right"] {
            assert_eq!(node.ask(Method::PUT, domain, "").0, StatusCode::CREATED);
        }
        node
    }

    fn start_in(dir: tempfile::TempDir) -> Self {
        let running = Daemon::start(&StartOptions::new(dir.path())).expect("starts");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(Client::connect(&running.socket())).expect("connects");
        Self { client, runtime, running: Some(running), dir }
    }

    fn stop(mut self) -> tempfile::TempDir {
        self.running.take().expect("runs").stop();
        self.dir
    }

    /// Asks for something below `/v1/domains/`.
    fn ask(&mut self, method: Method, path: &str, body: impl Into<bytes::Bytes>) -> (StatusCode, Value) {
        let path = format!("/v1/domains/{path}");
        let (status, body) = self.runtime.block_on(self.client.request(method, &path, body)).expect("answers");
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    fn ok(&mut self, method: Method, path: &str, body: impl Into<bytes::Bytes>) -> Value {
        let (status, body) = self.ask(method, path, body);
        assert!(status.is_success(), "{path}: {body}");
        body
    }

    /// Appends events to `order/1` under one key for all of them.
    fn append(&mut self, domain: &str, event_type: &str, payloads: &[Value], key: &str) -> Value {
        let events: Vec<_> = payloads
            .iter()
            .map(|payload| {
                json!({ "aggregate_type": "order", "aggregate_id": "1", "event_type": event_type, "payload": payload })
            })
            .collect();
        let request = json!({ "events": events, "key": key }).to_string();
        self.ok(Method::POST, &format!("{domain}/append"), request)
    }

    fn counts(&mut self, domain: &str) -> Value {
        let position = self.ok(Method::GET, domain, "")["position"].clone();
        let wait = json!({ "wait": position, "timeout_ms": 60_000 }).to_string();
        self.ok(Method::POST, &format!("{domain}/plugins/counter/queries/counts"), wait)["body"].clone()
    }

    fn findings(&mut self, domain: &str) -> Value {
        self.ok(Method::POST, &format!("{domain}/verify"), "")["findings"].clone()
    }

    fn dir_of(&self, domain: &str) -> PathBuf {
        self.dir.path().join("domains").join(domain)
    }
}

/// Files below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("lists") {
        let path = entry.expect("lists").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).expect("below"));
        fs::create_dir_all(target.parent().expect("a directory")).expect("makes");
        fs::copy(file, target).expect("copies");
    }
}

#[test]
fn the_same_names_and_keys_are_different_things() {
    let mut node = Node::with_two_domains();
    let left = node.append("left", "placed", &[json!({ "in": "left" })], "key-1");
    let right = node.append("right", "placed", &[json!({ "in": "right" }), json!({ "more": 1 })], "key-1");
    // An idempotency key of one is unknown to the other, and the same key makes another event id there.
    assert_eq!((&left["duplicate"], &right["duplicate"]), (&json!(false), &json!(false)));
    assert_ne!(left["events"][0]["event_id"], right["events"][0]["event_id"]);
    assert_eq!(node.append("left", "placed", &[json!({ "in": "left" })], "key-1")["duplicate"], true);
    let id = left["events"][0]["event_id"].as_str().expect("an id").to_owned();
    assert_eq!(node.ask(Method::GET, &format!("right/events/{id}"), "").0, StatusCode::NOT_FOUND);
    assert_eq!(node.ok(Method::GET, "left/aggregates/order/1", "")["state"], json!({ "in": "left" }));
    assert_eq!(node.ok(Method::GET, "right/aggregates/order/1", "")["state"], json!({ "in": "right", "more": 1 }));
    assert_eq!(node.ask(Method::GET, "default/aggregates/order/1", "").0, StatusCode::NOT_FOUND);

    // The same event, written as the first of both, has another digest in each: the digest binds the domain.
    assert_ne!(left["events"][0]["digest"], right["events"][0]["digest"]);
    let keyring = |domain| fs::read(node.dir_of(domain).join("keyring")).expect("reads");
    let (left, right) = (keyring("left"), keyring("right"));
    let common = left.windows(32).filter(|window| right.windows(32).any(|other| other == *window)).count();
    assert_eq!(common, 0, "no 32 bytes of one keyring stand in the other");
}

#[test]
fn a_plugin_of_one_sees_nothing_of_the_other() {
    let mut node = Node::with_two_domains();
    let component = eventdbx_plugin_build::example("event-counter").expect("builds");
    let wasm = fs::read(component).expect("reads");
    let hash = node.ok(Method::PUT, "left/components", wasm.clone())["hash"].clone();
    let install = json!({ "component": hash, "name": "counter" }).to_string();
    // A component was added to one domain; the other does not know it.
    let (status, refused) = node.ask(Method::POST, "right/plugins", install.clone());
    assert_eq!(status, StatusCode::NOT_FOUND, "{refused}");
    node.ok(Method::POST, "left/plugins", install.clone());
    assert_eq!(node.ok(Method::GET, "right/plugins", "")["rows"], json!([]));
    node.ok(Method::PUT, "right/components", wasm);
    node.ok(Method::POST, "right/plugins", install);

    node.append("left", "placed", &[json!({}), json!({})], "a");
    node.append("right", "paid", &[json!({}), json!({}), json!({})], "a");
    assert_eq!(node.counts("left"), json!({ "placed": 2 }));
    assert_eq!(node.counts("right"), json!({ "paid": 3 }));

    // One is halted and removed; the other goes on.
    node.ok(Method::POST, "left/plugins/counter/disable", "");
    node.append("right", "paid", &[json!({})], "b");
    assert_eq!(node.counts("right"), json!({ "paid": 4 }));
    node.ok(Method::DELETE, "left/plugins/counter", "");
    assert_eq!(node.counts("right"), json!({ "paid": 4 }));
}

#[test]
fn what_is_copied_from_one_to_the_other_is_refused() {
    let mut node = Node::with_two_domains();
    for domain in ["left", "right"] {
        node.append(domain, "placed", &[json!({ "in": domain })], "a");
    }
    let wasm = fs::read(eventdbx_plugin_build::example("event-counter").expect("builds")).expect("reads");
    let hash = node.ok(Method::PUT, "left/components", wasm)["hash"].clone();
    node.ok(Method::POST, "left/plugins", json!({ "component": hash, "name": "counter" }).to_string());
    let dir = node.stop();
    let (left, right) = (dir.path().join("domains/left"), dir.path().join("domains/right"));
    let whole = dir.path().join("whole");
    copy(&right, &whole);
    let mut dir = Some(dir);
    // The keys of another domain; its log under one's own keys, with and without its anchor; and all of it.
    for (what, parts) in [
        ("keyring", &["keyring"][..]),
        ("log", &["log"]),
        ("log and anchor", &["log", "anchor"]),
        ("plugins", &["plugins"]),
        ("everything", &["keyring", "log", "anchor"]),
    ] {
        for part in parts {
            let (from, to) = (left.join(part), right.join(part));
            if from.is_dir() {
                fs::remove_dir_all(&to).expect("removes");
                copy(&from, &to);
            } else {
                fs::copy(&from, &to).expect("copies");
            }
        }
        let mut node = Node::start_in(dir.take().expect("a directory"));
        let (status, answer) = node.ask(Method::GET, "right/events", "");
        assert!(status.is_server_error(), "{what}: {answer}");
        assert!(!answer.to_string().contains("\"in\""), "{what}: {answer}");
        assert_eq!(node.ok(Method::GET, "right", "")["state"], "failed", "{what}");
        assert_eq!(node.findings("left"), json!([]), "{what}");
        dir = Some(node.stop());
        fs::remove_dir_all(&right).expect("removes");
        copy(&whole, &right);
    }
    let mut node = Node::start_in(dir.take().expect("a directory"));
    assert_eq!(node.findings("right"), json!([]));
}

#[test]
fn a_deleted_domain_takes_its_keys_along_and_leaves_the_other_as_it_was() {
    let mut node = Node::with_two_domains();
    for domain in ["left", "right"] {
        node.append(domain, "placed", &[json!({ "in": domain })], "a");
    }
    let root = node.ok(Method::GET, "right", "")["root"].clone();
    let keyring = fs::read(node.dir_of("left").join("keyring")).expect("reads");
    let stolen = tempfile::tempdir().expect("a directory");
    copy(&node.dir_of("left"), stolen.path());
    assert_eq!(node.ask(Method::DELETE, "left?force=true", "").0, StatusCode::NO_CONTENT);

    // Of the wrapped keys, which is the second half of the file, not 16 bytes are left in the data directory.
    let secret = &keyring[keyring.len() / 2..];
    for file in files(node.dir.path()) {
        let bytes = fs::read(&file).unwrap_or_default();
        // A journal is mostly zeros that nobody has written yet.
        let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let left_over = bytes[..written].windows(16).any(|window| secret.windows(16).any(|key| key == window));
        assert!(!left_over, "{}", file.display());
    }
    assert_eq!(node.findings("right"), json!([]));
    assert_eq!(node.ok(Method::GET, "right", "")["root"], root);

    // What somebody copied of it, without the keys, opens for nobody.
    let dir = node.stop();
    fs::remove_file(stolen.path().join("keyring")).expect("removes");
    copy(stolen.path(), &dir.path().join("domains/left"));
    let mut node = Node::start_in(dir);
    let (status, answer) = node.ask(Method::GET, "left/events", "");
    assert!(status.is_server_error() && answer.to_string().contains("keyring"), "{answer}");
    assert_eq!(node.findings("right"), json!([]));
}
