//! Schema extensions in a running daemon: what they refuse, and what happens without them.

use std::time::{Duration, Instant};

use eventdbx_tests::{Node, guest};
use hyper::Method;
use serde_json::{Value, json};

const GOOD: &str = "DE89370400440532013000";

fn append(event_type: &str, payload: &Value) -> String {
    append_to("flight", event_type, payload)
}

fn append_to(kind: &str, event_type: &str, payload: &Value) -> String {
    let event = json!({ "aggregate_type": kind, "aggregate_id": "1", "event_type": event_type, "payload": payload });
    json!({ "events": [event] }).to_string()
}

fn schema() -> String {
    let iban = json!({ "type": "iban", "params": { "countries": ["DE"] } });
    let fields = json!({ "refund": iban, "capacity": { "type": "integer" }, "sold": { "type": "integer" } });
    json!({ "aggregate": "flight", "rules": ["seat-rules"], "fields": fields }).to_string()
}

#[test]
fn a_schema_uses_what_extensions_bring() {
    let mut node = Node::start();
    let unknown = node.refused(Method::PUT, "schemas/flight", schema());
    assert!(unknown.contains("unknown-type") && unknown.contains("unknown-rule"), "{unknown}");
    // Some history, of which the schema would refuse a part.
    for sold in [1, 3] {
        node.ask(Method::POST, "append", append("sold", &json!({ "capacity": 2, "sold": sold })));
    }
    node.ask(Method::POST, "append", append("sold", &json!({ "sold": 2 })));
    node.install(guest("iban"));
    node.install(guest("seat-rules"));
    let status = node.get("plugins/iban");
    assert_eq!((&status["kind"], &status["state"]), (&json!("schema-extension"), &json!("live")), "{status}");
    let checked = node.lines(Method::POST, "schemas/flight/check", schema());
    assert!(checked.contains(r#""refused_events":1"#) && checked.contains("oversold: 3 sold of 2"), "{checked}");
    let params = node.refused(Method::PUT, "schemas/flight", schema().replace("DE", "Germany"));
    assert!(params.contains("bad-params") && params.contains("/fields/refund/params"), "{params}");
    node.ask(Method::PUT, "schemas/flight", schema());

    node.ask(Method::POST, "append", append("refunded", &json!({ "refund": GOOD, "sold": 1 })));
    let bad = json!({ "refund": "DE89370400440532013001", "sold": 3 });
    let refused = node.refused(Method::POST, "append", append("refunded", &bad));
    assert!(refused.contains("its check digits do not fit"), "{refused}");
    assert!(refused.contains("oversold: 3 sold of 2"), "all that is wrong at once: {refused}");
    let other = node.refused(Method::POST, "append", append("refunded", &json!({ "refund": GOOD.to_lowercase() })));
    assert!(other.contains("is to be written") && other.contains(GOOD), "{other}");

    let used = node.refused(Method::DELETE, "plugins/iban", "");
    assert!(used.contains("in use by the schema of flight"), "{used}");
    assert!(node.refused(Method::POST, "plugins/iban/replay", "{}").contains("takes no deliveries"));

    let mut node = node.restart();
    node.ask(Method::POST, "append", append("refunded", &json!({ "refund": GOOD })));
    node.ask(Method::POST, "plugins/iban/disable", "");
    let missing = node.refused(Method::POST, "append", append("refunded", &json!({ "refund": GOOD })));
    assert!(missing.contains("extension-missing") && missing.contains("dbx plugin enable"), "{missing}");
    node.ask(Method::POST, "append", append("sold", &json!({ "sold": 2 })));
    node.ask(Method::POST, "plugins/iban/enable", "");
    node.ask(Method::POST, "append", append("refunded", &json!({ "refund": GOOD })));
}

#[test]
fn a_hostile_extension_refuses_its_own_writes_and_nobody_elses() {
    let mut node = Node::start();
    node.install(guest("eventdbx-guest-hostile-extension"));
    let fields = json!({ "what": { "type": "hostile" } });
    node.ask(Method::PUT, "schemas/odd", json!({ "aggregate": "odd", "fields": fields }).to_string());
    let mut slowest = Duration::ZERO;
    for (what, limit) in [("loop", "fuel"), ("memory", "memory_bytes"), ("words", "output_bytes"), ("trap", "crashed")]
        .into_iter()
        .chain([("silent", "0 answers to 1 questions"), ("no-json", "not JSON")])
    {
        let refused = node.refused(Method::POST, "append", append_to("odd", "happened", &json!({ "what": what })));
        assert!(refused.contains("extension-failed"), "{what}: {refused}");
        assert!(refused.contains("hostile-extension") && refused.contains(limit), "{what}: {refused}");
        let started = Instant::now();
        node.ask(Method::POST, "append", append_to("even", "happened", &json!({ "what": what })));
        slowest = slowest.max(started.elapsed());
        node.ask(Method::POST, "append", append_to("odd", "happened", &json!({ "what": "nothing" })));
    }
    assert!(slowest < Duration::from_secs(2), "an append of another type took {slowest:?}");
}
