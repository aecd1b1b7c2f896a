//! Upcasters in a running daemon: what is shown and delivered of old events, and what happens when one fails.

use eventdbx_tests::{Node, guest, marked};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

fn append(node: &mut Node, kind: &str, payload: &Value) -> Value {
    let event = json!({ "aggregate_type": kind, "aggregate_id": "1", "event_type": "booked", "payload": payload });
    node.ask(Method::POST, "append", json!({ "events": [event] }).to_string())["events"][0].clone()
}

/// The payloads of a type's events.
fn payloads(node: &mut Node, kind: &str, more: &str) -> Vec<Value> {
    let rows = node.get(&format!("events?type={kind}{more}"))["rows"].clone();
    rows.as_array().expect("rows").iter().map(|event| event["payload"].clone()).collect()
}

/// A subscription's next deliveries, as far as they come at once.
fn delivered(node: &mut Node, name: &str, events: usize) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    while found.len() < events {
        let answer = node.get(&format!("subscriptions/{name}/deliveries?wait_ms=30000"));
        found.extend(answer["rows"].as_array().expect("rows").iter().cloned());
    }
    found
}

#[test]
fn old_fares_read_as_cents_wherever_they_are_asked_for_or_delivered() {
    let mut node = Node::start();
    let dollars =
        json!({ "aggregate": "flight", "fields": { "fare": { "type": "float" }, "seat": { "type": "text" } } });
    node.ask(Method::PUT, "schemas/flight", dollars.to_string());
    append(&mut node, "flight", &json!({ "fare": 12.5, "seat": "1A" }));
    append(&mut node, "flight", &json!({ "seat": "1B" }));

    let fields = json!({ "fare_cents": { "type": "integer" }, "seat": { "type": "text" } });
    let upcasts = json!([{ "from": 1, "upcaster": "fare-cents" }]);
    let cents = json!({ "aggregate": "flight", "fields": fields, "upcasts": upcasts }).to_string();
    assert!(node.refused(Method::PUT, "schemas/flight", cents.clone()).contains("unknown-upcaster"));
    node.install(guest("fare-cents"));
    let bad = cents.replace(r#""fare-cents""#, r#""fare-cents","params":{"member":"fare"}"#);
    let refused = node.refused(Method::PUT, "schemas/flight", bad);
    assert!(refused.contains("bad-params") && refused.contains("/upcasts/0/params"), "{refused}");
    // The history is judged in the shape that the candidate gives it; the state stands as it was written.
    let checked = node.lines(Method::POST, "schemas/flight/check", cents.clone());
    assert!(checked.contains(r#""refused_events":0"#) && checked.contains(r#""refused_states":1"#), "{checked}");
    node.ask(Method::PUT, "schemas/flight?force=true", cents);
    append(&mut node, "flight", &json!({ "fare_cents": 700 }));

    let written = json!([{ "fare": 12.5, "seat": "1A" }, { "seat": "1B" }, { "fare_cents": 700 }]);
    let shaped = json!([{ "fare_cents": 1250, "seat": "1A" }, { "seat": "1B" }, { "fare_cents": 700 }]);
    let mut node = node.restart();
    assert_eq!(json!(payloads(&mut node, "flight", "")), written);
    assert_eq!(json!(payloads(&mut node, "flight", "&upcast=true")), shaped);
    let first = node.get("events?type=flight&upcast=true")["rows"][0].clone();
    assert_eq!((&first["upcast"], &first["schema_version"]), (&json!(true), &json!(1)), "{first}");
    let verified = node.ask(Method::POST, "verify", "");
    assert_eq!(verified["findings"], json!([]), "{verified}");

    let definition = json!({ "name": "fares", "types": ["flight"], "payload_mode": "event-and-schema" }).to_string();
    node.ask(Method::POST, "subscriptions", definition);
    let events = delivered(&mut node, "fares", 3);
    let seen: Vec<_> = events.iter().map(|delivery| delivery["event"]["payload"].clone()).collect();
    assert_eq!(json!(seen), shaped);
    assert_eq!(events[0]["schema"]["fields"]["fare_cents"]["type"], "integer", "with the schema whose shape it has");

    let used = node.refused(Method::DELETE, "plugins/fare-cents", "");
    assert!(used.contains("in use by the schema of flight"), "{used}");
}

#[test]
fn an_upcaster_that_misbehaves_fails_those_who_ask_and_nobody_else() {
    let mut node = Node::start();
    node.install(marked("eventdbx-guest-hostile-extension", "hostile-version:", "first"));
    let what = json!({ "what": { "type": "text" }, "upcast": { "type": "integer" } });
    for word in ["fine", "refuse", "trap", "loop", "silent", "no-object", "huge"] {
        let kind = word.replace('-', "_");
        let first = json!({ "aggregate": kind, "fields": what }).to_string();
        node.ask(Method::PUT, &format!("schemas/{kind}"), first);
        append(&mut node, &kind, &json!({ "what": word }));
        let upcasts = json!([{ "from": 1, "upcaster": "hostile-upcast" }]);
        let second = json!({ "aggregate": kind, "fields": what, "upcasts": upcasts }).to_string();
        node.ask(Method::PUT, &format!("schemas/{kind}"), second);
    }
    assert_eq!(payloads(&mut node, "fine", "&upcast=true"), [json!({ "what": "fine", "upcast": 1 })]);
    for (word, said) in [
        ("refuse", "asked to refuse"),
        ("trap", "crashed"),
        ("loop", "fuel"),
        ("silent", "0 answers to 1 questions"),
        ("no-object", "not an object"),
        ("huge", "answers with no payload"),
    ] {
        let kind = word.replace('-', "_");
        let (status, body) = node.try_ask(Method::GET, &format!("events?type={kind}&upcast=true"), "");
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{word}: {body}");
        let told = body["error"].to_string();
        assert!(told.contains("hostile-extension") && told.contains(said) && told.contains("upcast"), "{word}: {told}");
        assert_eq!(
            payloads(&mut node, &kind, ""),
            [json!({ "what": word })],
            "as it was written it reads all the same"
        );
        append(&mut node, &kind, &json!({ "what": "new" }));
    }
}
