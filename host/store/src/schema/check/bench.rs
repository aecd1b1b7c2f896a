//! What checking costs: `cargo test --release -p eventdbx-store --lib schema -- --ignored --nocapture`.

use std::{hint::black_box, time::Instant};

use serde_json::json;

use super::tests::schema;
use super::*;

const ROUNDS: u32 = 200_000;

fn ns_per_event(mut check: impl FnMut()) -> u128 {
    let fastest = (0..5).map(|_| {
        let start = Instant::now();
        (0..ROUNDS).for_each(|_| check());
        start.elapsed().as_nanos() / u128::from(ROUNDS)
    });
    fastest.min().unwrap_or_default()
}

#[test]
#[ignore = "measures; run it in release"]
fn checking_an_event_of_ten_columns() {
    let fields = json!({
        "total": {"type": "decimal(12,2)", "required": true, "range": {"min": "0", "max": "100000"}},
        "count": {"type": "integer", "required": true, "range": {"min": 1}},
        "email": {"type": "text", "required": true, "format": "email", "length": {"max": 200}},
        "currency": {"type": "text", "format": "currency"},
        "code": {"type": "text", "regex": "^[A-Z]{2}-[0-9]+$"},
        "state": {"type": "text", "enum": ["new", "paid", "sent", "done"]},
        "at": {"type": "timestamp"},
        "day": {"type": "date"},
        "gift": {"type": "boolean"},
        "address": {"type": "object", "properties": {"city": {"type": "text", "required": true}, "zip": {"type": "text"}}},
    });
    let names: Vec<&str> = fields.as_object().expect("an object").keys().map(String::as_str).collect();
    let document =
        json!({"aggregate": "order", "fields": fields, "events": {"placed": {"fields": names, "required": ["total"]}}});
    let schema = schema(&document);
    let payload = json!({
        "total": "123.45", "count": 3, "email": "ada.lovelace@example.org", "currency": "EUR", "code": "AB-12345",
        "state": "paid", "at": "2013-01-01T05:15:00-05:00", "day": "2013-01-01", "gift": false,
        "address": {"city": "London", "zip": "SW1Y 4JH"},
    });
    let payload = payload.as_object().expect("an object");
    let text = serde_json::to_string(payload).expect("serializes");
    let mut out = Vec::new();
    let parse = ns_per_event(|| drop(black_box(serde_json::from_str::<Value>(black_box(&text)))));
    let check = ns_per_event(|| schema.check_payload("placed", black_box(payload), &mut out));
    let (old, sparse) = (payload.clone(), json!({"state": "sent"}));
    let sparse = sparse.as_object().expect("an object");
    let required = ns_per_event(|| schema.check_required(black_box(&[sparse, &old]), &mut out));
    assert!(out.is_empty(), "{out:?}");
    println!("parse {parse} ns, check_payload {check} ns, check_required {required} ns per event");
}
