//! A hostile plugin in a running daemon: what the operator sees, and what nobody else feels.

use std::time::{Duration, Instant};

use eventdbx_node::{Daemon, Running, StartOptions, client::Client};
use hyper::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// How an event of each type ends, as the queue of parked events tells it.
const MISCHIEF: [(&str, &str); 8] = [
    ("loop_forever", "limit-batch_cpu_ms"),
    ("allocate", "limit-memory_bytes"),
    ("recurse", "limit-stack_bytes"),
    ("outgrow_tables", "limit-write_bytes"),
    ("shout", "limit-host_call_bytes"),
    ("trap", "crashed"),
    ("garbage_json", "nonsense"),
    ("poison", "rotten"),
];

/// A daemon with a client.
struct Node {
    client: Client,
    runtime: Runtime,
    running: Option<Running>,
    _dir: tempfile::TempDir,
}

impl Node {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let running = Daemon::start(&StartOptions::new(dir.path())).expect("starts");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(Client::connect(&running.socket())).expect("connects");
        Self { client, runtime, running: Some(running), _dir: dir }
    }

    fn ask(&mut self, method: Method, path: &str, body: impl Into<bytes::Bytes>) -> Value {
        let path = format!("/v1/domains/default/{path}");
        self.runtime.block_on(self.client.call(method, &path, body)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn get(&mut self, path: &str) -> Value {
        self.ask(Method::GET, path, "")
    }

    fn install(&mut self, wasm: Vec<u8>) {
        let component = self.ask(Method::PUT, "components", wasm)["hash"].clone();
        self.ask(Method::POST, "plugins", json!({ "component": component }).to_string());
    }

    /// Appends one event and tells how long the answer took.
    fn append(&mut self, id: &str, event_type: &str) -> (u64, Duration) {
        let event = json!({ "aggregate_type": "order", "aggregate_id": id, "event_type": event_type, "payload": {} });
        let started = Instant::now();
        let receipt = self.ask(Method::POST, "append", json!({ "events": [event] }).to_string());
        (receipt["events"][0]["position"].as_u64().expect("a position"), started.elapsed())
    }

    /// Asks until a plugin has read up to a position.
    fn query(&mut self, plugin: &str, query: &str, position: u64) -> Value {
        let wait = json!({ "wait": position, "timeout_ms": 120_000 });
        self.ask(Method::POST, &format!("plugins/{plugin}/queries/{query}"), wait.to_string())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }
}

fn guest(name: &str) -> Vec<u8> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let built = eventdbx_plugin_build::build_packages(&root, &[name]).expect("builds");
    std::fs::read(&built[0].component).expect("reads")
}

#[test]
fn each_misbehaviour_is_parked_with_its_reason_and_the_rest_goes_on() {
    let mut node = Node::start();
    node.install(guest("eventdbx-guest-hostile"));
    node.install(guest("event-counter"));
    let (mut good, mut last, mut slowest) = (Vec::new(), 0, Duration::ZERO);
    for (n, (mischief, _)) in (0..).zip(MISCHIEF) {
        // Each bad event has an aggregate to itself, with a good event after it that must wait.
        let (_, took) = node.append(&format!("bad-{n}"), mischief);
        slowest = slowest.max(took);
        node.append(&format!("bad-{n}"), "placed");
        for aggregate in 0..10 {
            let (position, took) = node.append(&format!("good-{aggregate}"), "placed");
            (last, slowest) = (position, slowest.max(took));
            good.push(position);
        }
    }
    // Nobody's append waited for a plugin: the least that one of these loops takes is two seconds, thrice.
    assert!(slowest < Duration::from_secs(2), "an append took {slowest:?}");
    let counts = node.query("event-counter", "counts", last);
    assert_eq!(counts["body"]["placed"], good.len() + MISCHIEF.len(), "{counts}");

    let sum = node.query("hostile", "sum", last);
    assert_eq!(sum["body"], json!({ "sum": good.iter().sum::<u64>(), "count": good.len() }), "{sum}");
    let status = node.get("plugins/hostile");
    assert_eq!((&status["state"], &status["parked"]), (&json!("live"), &json!(MISCHIEF.len())), "{status}");
    let queue = node.get("plugins/hostile/queue");
    for (n, (mischief, code)) in (0..).zip(MISCHIEF) {
        let id = format!("bad-{n}");
        let rows = queue["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["aggregate_id"] == id).unwrap_or_else(|| panic!("{mischief}: {queue}"));
        assert_eq!(row["code"], code, "{row}");
        if let Some(limit) = code.strip_prefix("limit-") {
            assert!(row["reason"].as_str().expect("text").contains(limit), "{row}");
        }
    }
    let logs = node.get("plugins/hostile/logs");
    for (_, code) in MISCHIEF {
        assert!(logs.to_string().contains(&format!("on ({code})")), "{code}: {logs}");
    }
}

#[test]
fn a_flood_of_logs_costs_a_bounded_number_of_lines() {
    let mut node = Node::start();
    node.install(guest("eventdbx-guest-hostile"));
    let (position, _) = node.append("1", "flood_log");
    node.query("hostile", "sum", position);
    let rows = node.get("plugins/hostile/logs?limit=1000")["rows"].clone();
    let rows = rows.as_array().expect("rows");
    assert!(rows.len() <= 102, "{}", rows.len());
    assert!(rows.iter().any(|row| row["message"].as_str().is_some_and(|text| text.contains("99900 more"))));
}

#[test]
fn a_plugin_that_gives_up_says_why_and_goes_on_when_it_is_enabled_again() {
    let mut node = Node::start();
    node.install(guest("eventdbx-guest-hostile"));
    node.append("1", "fatal");
    let stopped = loop {
        let status = node.get("plugins/hostile");
        if status["state"] == "stopped" {
            break status;
        }
        std::thread::yield_now();
    };
    assert!(stopped["reason"].as_str().expect("a reason").contains("gave-up"), "{stopped}");
    let enabled = node.ask(Method::POST, "plugins/hostile/enable", "");
    assert_eq!(enabled["enabled"], true);
}
