//! Payload modes that are components, in a running daemon: their lives, their users, and what a hostile one costs.

use std::time::{Duration, Instant};

use eventdbx_tests::{Node, guest};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(120);
const CANARY: &str = "CANARY-4711";

fn refused(node: &mut Node, method: Method, path: &str, body: &Value, status: StatusCode) -> String {
    let (told, body) = node.try_ask(method, path, body.to_string());
    assert_eq!(told, status, "{path}: {body}");
    body["error"]["message"].as_str().expect("a message").to_owned()
}

fn add(node: &mut Node, wasm: Vec<u8>) -> Value {
    node.ask(Method::PUT, "components", wasm)["hash"].clone()
}

/// Appends an event whose payload has the canary.
fn secret(node: &mut Node) -> u64 {
    let event = json!({
        "aggregate_type": "order", "aggregate_id": "1", "event_type": "placed", "payload": { "card": CANARY, "n": 1 },
    });
    let receipt = node.ask(Method::POST, "append", json!({ "events": [event] }).to_string());
    receipt["events"][0]["position"].as_u64().expect("a position")
}

/// What a subscription is handed now, without acknowledging it.
fn taken(node: &mut Node, subscription: &str) -> Value {
    node.get(&format!("subscriptions/{subscription}/deliveries?member=m"))
}

#[test]
fn a_hostile_mode_lets_nothing_through_costs_little_and_is_named() {
    let mut node = Node::start();
    node.install_as(
        guest("eventdbx-guest-hostile-mode"),
        &json!({ "name": "hostile-mode", "config": { "what": "nothing" } }),
    );
    node.install_as(guest("event-counter"), &json!({ "payload_mode": "hostile-mode" }));
    let (mut slowest, mut expected) = (Duration::ZERO, 0);
    for (what, reason) in [
        ("loop", "fuel"),
        ("trap", "crashed"),
        ("memory", "memory_bytes"),
        ("words", "the limit `"),
        ("array", "its payload"),
    ] {
        node.ask(Method::PATCH, "plugins/hostile-mode/config", json!({ "config": { "what": what } }).to_string());
        let started = Instant::now();
        let last = secret(&mut node);
        slowest = slowest.max(started.elapsed());
        expected += 1;
        let status = node.until("plugins/event-counter", PATIENCE, |status| {
            ["retrying", "stopped"].iter().any(|state| status["state"] == *state)
        });
        let told = status["reason"].as_str().expect("a reason");
        assert!(told.contains("the payload mode hostile-mode failed") && told.contains(reason), "{what}: {told}");
        assert!(!told.contains(CANARY), "{told}");
        assert!(status["cursor"].as_u64() < Some(last), "{what}: {status}");
        node.ask(Method::PATCH, "plugins/hostile-mode/config", json!({ "config": { "what": "nothing" } }).to_string());
        // It may have been stopped by now.
        node.ask(Method::POST, "plugins/event-counter/enable", "");
        assert_eq!(node.query("event-counter", "counts", last)["body"]["placed"], expected, "{what}");
    }
    assert!(slowest < Duration::from_secs(2), "an append took {slowest:?}");
}

#[test]
fn what_was_not_there_is_not_put_in_and_what_one_receiver_sees_reaches_no_other() {
    let mut node = Node::start();
    node.install_as(
        guest("eventdbx-guest-hostile-mode"),
        &json!({ "name": "hostile-mode", "config": { "what": "put-in" } }),
    );
    secret(&mut node);
    let follow = |node: &mut Node, name: &str| {
        let request = json!({ "name": name, "types": ["order"], "payload_mode": "hostile-mode" });
        node.ask(Method::POST, "subscriptions", request.to_string());
        taken(node, name)["rows"][0].clone()
    };
    let delivery = follow(&mut node, "first");
    assert_eq!(delivery["payload_mode"], "hostile-mode");
    // The state was there and is rewritten; metadata was not.
    assert_eq!(delivery["event"]["state"], json!({ "put": "in" }), "{delivery}");
    assert_eq!(delivery["event"]["metadata"], Value::Null, "{delivery}");

    node.ask(Method::PATCH, "plugins/hostile-mode/config", json!({ "config": { "what": "hoard" } }).to_string());
    let hoarded = follow(&mut node, "second")["event"]["payload"]["hoard"].clone();
    assert_eq!(hoarded, json!([{ "card": CANARY, "n": 1 }]));
    let other = follow(&mut node, "third")["event"]["payload"]["hoard"].clone();
    assert_eq!(other, hoarded, "it begins anew for each receiver");
}

#[test]
fn a_mode_in_use_stays_and_its_name_is_the_only_one() {
    let mut node = Node::start();
    let (mode, counter) = (guest("coarse-times"), guest("event-counter"));
    let component = add(&mut node, mode.clone());
    let conflict = StatusCode::CONFLICT;
    let bad = StatusCode::UNPROCESSABLE_ENTITY;

    for (name, says) in [("all", "built-in"), ("with_line", "names no payload mode")] {
        let request = json!({ "component": component, "name": name });
        assert!(refused(&mut node, Method::POST, "plugins", &request, bad).contains(says), "{name}");
    }
    node.ask(Method::PUT, "payload-modes/coarse-times", json!({ "parts": ["payload"] }).to_string());
    let request = json!({ "component": component });
    let clash = refused(&mut node, Method::POST, "plugins", &request, bad);
    assert!(clash.contains("has a payload mode coarse-times already"), "{clash}");
    node.try_ask(Method::DELETE, "payload-modes/coarse-times", "");
    let globs = json!({ "component": component, "aggregates": ["order"] });
    assert!(refused(&mut node, Method::POST, "plugins", &globs, bad).contains("no deliveries of its own"));
    node.ask(Method::POST, "plugins", request.to_string());
    let clash = refused(&mut node, Method::PUT, "payload-modes/coarse-times", &json!({ "parts": ["payload"] }), bad);
    assert!(clash.contains("is a component"), "{clash}");
    let shown = node.get("payload-modes/coarse-times");
    assert_eq!((&shown["parts"], &shown["version"]), (&json!(["payload", "state"]), &json!("0.1.0")));
    assert_eq!((&shown["problem"], &shown["used_by"]), (&Value::Null, &json!([])));
    let ceiling = json!({ "component": add(&mut node, counter.clone()), "max_mode": "coarse-times" });
    assert!(refused(&mut node, Method::POST, "plugins", &ceiling, bad).contains("--max-mode"));

    node.install_as(counter, &json!({ "payload_mode": "coarse-times" }));
    let request = json!({ "name": "mail", "types": ["order"], "payload_mode": "coarse-times" });
    node.ask(Method::POST, "subscriptions", request.to_string());
    for (method, path) in [
        (Method::DELETE, "plugins/coarse-times"),
        (Method::POST, "plugins/coarse-times/disable"),
        (Method::POST, "plugins/coarse-times/pause"),
    ] {
        let told = refused(&mut node, method, path, &json!({}), conflict);
        assert!(told.contains("event-counter, subscription mail"), "{path}: {told}");
    }
    assert!(refused(&mut node, Method::POST, "plugins/coarse-times/replay", &json!({}), bad).contains("payload mode"));
    let other = json!({ "events": ["placed"] });
    let told = refused(&mut node, Method::PATCH, "plugins/coarse-times/config", &other, bad);
    assert!(told.contains("nothing to select of them"), "{told}");

    node.ask(Method::PATCH, "plugins/event-counter/config", json!({ "payload_mode": "all" }).to_string());
    node.try_ask(Method::DELETE, "subscriptions/mail", "");
    node.ask(Method::POST, "plugins/coarse-times/disable", "");
    let gone = json!({ "payload_mode": "coarse-times" });
    let told = refused(&mut node, Method::PATCH, "plugins/event-counter/config", &gone, bad);
    assert!(told.contains("no payload mode coarse-times"), "{told}");
    node.ask(Method::POST, "plugins/coarse-times/enable", "");
    node.ask(Method::PATCH, "plugins/event-counter/config", gone.to_string());
    let mut node = node.restart();
    assert_eq!(node.get("plugins/coarse-times")["state"], "live");
    let last = node.append("1", "placed").0;
    assert_eq!(node.query("event-counter", "counts", last)["body"]["placed"], 1);
}

#[test]
fn another_component_takes_over_a_mode_and_can_be_taken_back() {
    let mut node = Node::start();
    node.install_as(guest("coarse-times"), &json!({ "name": "slim" }));
    let component = add(&mut node, guest("redact-emails"));
    let upgrade = json!({ "component": component });
    let asks = refused(&mut node, Method::POST, "plugins/slim/upgrade", &upgrade, StatusCode::FORBIDDEN);
    assert!(asks.contains("--grant part=envelope") && asks.contains("--grant part=extensions"), "{asks}");
    let reader = add(&mut node, guest("event-counter"));
    let told = refused(
        &mut node,
        Method::POST,
        "plugins/slim/upgrade",
        &json!({ "component": reader }),
        StatusCode::UNPROCESSABLE_ENTITY,
    );
    assert!(told.contains("slim is a payload mode, and this component is a read model"), "{told}");

    let request = json!({ "name": "mail", "types": ["order"], "payload_mode": "slim", "max_attempts": 9 });
    node.ask(Method::POST, "subscriptions", request.to_string());
    let write = |node: &mut Node| {
        let payload = json!({ "at": "2013-01-01T05:29:00Z", "to": "ada@example.org" });
        let event =
            json!({ "aggregate_type": "order", "aggregate_id": "1", "event_type": "placed", "payload": payload });
        node.ask(Method::POST, "append", json!({ "events": [event] }).to_string());
        let delivery = taken(node, "mail")["rows"][0].clone();
        node.ask(Method::POST, "subscriptions/mail/ack", json!({ "acks": [delivery["ack"]] }).to_string());
        delivery["event"]["payload"].clone()
    };
    let (coarse, redacted) = (
        json!({ "at": "2013-01-01T05:00:00Z", "to": "ada@example.org" }),
        json!({ "at": "2013-01-01T05:29:00Z", "to": "[e-mail]" }),
    );
    assert_eq!(write(&mut node), coarse);
    let grants = ["part=schema", "part=envelope", "part=extensions"];
    node.ask(Method::POST, "plugins/slim/upgrade", json!({ "component": component, "grants": grants }).to_string());
    assert_eq!(write(&mut node), redacted);
    node.ask(Method::POST, "plugins/slim/rollback", "{}");
    assert_eq!(write(&mut node), coarse);
    let log = node.get("events?type=%24plugin&id=slim&system=true");
    let told: Vec<_> = log["rows"].as_array().expect("rows").iter().map(|event| event["event_type"].clone()).collect();
    assert_eq!(told, ["$plugin_installed", "$plugin_upgraded", "$plugin_rolled_back"]);
}
