//! A proposal accepts all that it was made from.

use proptest::{prelude::*, sample::select};
use serde_json::json;

use super::*;
use crate::{
    json::{apply_patch, merge},
    schema::{Schema, Violation, violation::Findings},
};

fn inference() -> Inference {
    Inference::new("order".parse().expect("a type"))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}

#[test]
fn types_formats_and_lists_are_guessed() {
    let mut seen = inference();
    const STATES: [&str; 3] = ["new", "paid", "sent"];
    for i in 0..24 {
        let payload = object(json!({
            "count": i, "ratio": f64::from(i) / 2.0, "total": format!("{i}.5"), "paid": i % 2 == 0,
            "at": "2013-01-01T05:15:00Z", "day": "2013-01-31", "id": format!("0198c2f0-5a7e-7cc3-98c4-dc0c0c0739{i:02}"),
            "email": format!("a{i}@example.org"), "state": STATES[i as usize % 3], "free": format!("text {i}"),
            "zip": format!("{}", 10_000 + i), "tags": ["a"], "mixed": if i == 3 { json!("a") } else { json!(1) },
            "where": {"city": "London", "zip": if i == 5 { json!(null) } else { json!("SW1Y") }},
        }));
        seen.observe("placed", &payload);
        let mut state = Map::new();
        merge(&mut state, payload);
        seen.observe_state(&state);
    }
    seen.observe("noted", &object(json!({"note": null})));
    seen.observe("noted", &object(json!({"free": "once"})));
    seen.observe("$archived", &object(json!({"reason": "none"})));
    let proposal: Value = serde_json::from_str(&seen.finish().to_json()).expect("JSON");
    let required = |field: Value| {
        let mut field = object(field);
        field.insert("required".into(), true.into());
        Value::Object(field)
    };
    let fields = json!({
        "at": required(json!({"type": "timestamp"})),
        "count": required(json!({"type": "integer"})),
        "day": required(json!({"type": "date"})),
        "email": required(json!({"type": "text", "format": "email"})),
        "free": required(json!({"type": "text"})),
        "id": required(json!({"type": "text", "format": "uuid"})),
        "mixed": required(json!({"type": "json"})),
        "note": {"type": "json"},
        "paid": required(json!({"type": "boolean"})),
        "ratio": required(json!({"type": "float"})),
        "state": required(json!({"type": "text", "enum": ["new", "paid", "sent"]})),
        "tags": required(json!({"type": "json"})),
        "total": required(json!({"type": "decimal(18,1)"})),
        "where": required(json!({"type": "object", "properties": {
            "city": required(json!({"type": "text", "enum": ["London"]})),
            "zip": {"type": "text", "enum": ["SW1Y"]},
        }})),
        "zip": required(json!({"type": "text"})),
    });
    assert_eq!(proposal["fields"], fields);
    assert_eq!(proposal["events"]["noted"], json!({"fields": ["free", "note"]}));
    assert_eq!(proposal["events"]["placed"]["required"].as_array().map(Vec::len), Some(14));
    assert_eq!(proposal["events"].as_object().map(Map::len), Some(2));
}

#[test]
fn what_does_not_fit_makes_the_proposal_wider() {
    let mut seen = inference();
    let wide: Map<String, Value> =
        (0..600).map(|i| (format!("{i}{}", "x".repeat(100)), json!("y".repeat(60)))).collect();
    (0..30).for_each(|i| seen.observe(&format!("e{i}"), &wide));
    (0..2000).for_each(|i| seen.observe(&format!("f{i}"), &Map::new()));
    let document = seen.finish();
    assert!(document.to_json().len() <= limits::SCHEMA_BYTES);
    assert_eq!(SchemaDocument::parse(&document.to_json()), Ok(document.clone()));
    let mut out = Vec::new();
    let schema = Schema::new(document);
    (0..30).for_each(|i| schema.check_payload(&format!("e{i}"), &wide, &mut out));
    (0..2000).for_each(|i| schema.check_payload(&format!("f{i}"), &Map::new(), &mut out));
    assert_eq!(out, []);
}

#[test]
fn deep_objects_are_proposed_down_to_the_limit() {
    let mut seen = inference();
    let mut deep = json!(1);
    for _ in 0..60 {
        deep = json!({"a": deep});
    }
    let deep = object(deep);
    seen.observe("e", &deep);
    seen.observe_state(&deep);
    let document = seen.finish();
    assert_eq!(SchemaDocument::parse(&document.to_json()), Ok(document.clone()));
    let mut out = Vec::new();
    Schema::new(document).check_payload("e", &deep, &mut out);
    assert_eq!(out, []);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-5_i64..5).prop_map(Value::from),
        (-10..10).prop_map(|i| json!(f64::from(i) / 4.0)),
        select(vec![json!(u64::MAX), json!(1e300), json!((1_i64 << 53) - 1), json!(i64::MIN)]),
        select(vec!["2013-01-01", "2013-01-02", "2013-01-01T05:15:00-05:00", "2013-02-30"]).prop_map(Value::from),
        select(vec!["1.5", "12.25", "-3", "0.0", "007", "1e5", "99999999999999999999999999999999999999.5"])
            .prop_map(Value::from),
        select(vec!["a@b.co", "http://a/b", "1.2.3.4", "0198c2f0-5a7e-7cc3-98c4-dc0c0c07398f", "", "é"])
            .prop_map(Value::from),
        "[ab]{1,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 3, |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            4 => members(inner).prop_map(Value::Object),
        ]
    })
}

fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![40 => "[abcd]", 1 => Just(String::new()), 1 => Just("\u{1}".to_owned()), 1 => Just("x".repeat(200))];
    proptest::collection::btree_map(name, value, 0..5).prop_map(|members| members.into_iter().collect())
}

/// Columns of values that are alike, so that formats and choices are guessed.
fn alike() -> impl Strategy<Value = Map<String, Value>> {
    let column =
        |texts: Vec<&'static str>| prop_oneof![9 => select(texts).prop_map(Value::from), 1 => Just(json!(null))];
    let columns = (
        column(vec!["a@b.co", "c@d.ef"]),
        column(vec!["1.2.3.4", "5.6.7.8"]),
        column(vec!["new", "old"]),
        column(vec!["1.5", "22.25"]),
        column(vec!["2013-01-01", "2013-01-02"]),
    );
    columns.prop_map(|(a, b, c, d, e)| object(json!({"a": a, "b": b, "c": c, "o": {"d": d, "e": e}})))
}

#[derive(Debug, Clone)]
enum Happening {
    Payload(Map<String, Value>),
    Patch(Vec<Value>),
}

fn happening() -> impl Strategy<Value = Happening> {
    let operation = prop_oneof![
        4 => ("[abcd]", value()).prop_map(|(name, value)| json!({"op": "add", "path": format!("/{name}"), "value": value})),
        1 => "[abcd]".prop_map(|name| json!({"op": "remove", "path": format!("/{name}")})),
        1 => ("[abcd]", "[abcd]").prop_map(|(from, to)| json!({"op": "move", "from": format!("/{from}"), "path": format!("/{to}")})),
        1 => members(value()).prop_map(|state| json!({"op": "replace", "path": "", "value": state})),
    ];
    prop_oneof![
        4 => members(value()).prop_map(Happening::Payload),
        3 => alike().prop_map(Happening::Payload),
        1 => proptest::collection::vec(operation, 0..3).prop_map(Happening::Patch),
    ]
}

/// Infers a schema from a history and checks the history against it.
fn infer_then_check(history: &[(&str, Happening)]) -> (SchemaDocument, Vec<Violation>) {
    let mut seen = inference();
    let mut state = Value::Object(Map::new());
    let mut states = Vec::new();
    for (event_type, happening) in history {
        match happening {
            Happening::Payload(payload) => {
                seen.observe(event_type, payload);
                merge(state.as_object_mut().expect("an object"), payload.clone());
            }
            // One that does not apply changes nothing.
            Happening::Patch(operations) => {
                let operations = Value::Array(operations.clone());
                let _ = apply_patch(&mut state, &operations.to_string());
                seen.observe_patch(event_type, &operations, state.as_object().expect("an object"));
            }
        }
        states.push(object(state.clone()));
    }
    let state = object(state);
    seen.observe_state(&state);
    let schema = Schema::new(seen.finish());
    let mut out = Vec::new();
    for ((event_type, happening), state_after) in history.iter().zip(&states) {
        match happening {
            Happening::Payload(payload) => schema.check_payload(event_type, payload, &mut out),
            Happening::Patch(operations) => {
                schema.check_patch(event_type, &Value::Array(operations.clone()), state_after, &mut out);
            }
        }
    }
    schema.check_state(&state, Findings::new(&mut out));
    schema.check_required(&[&state], &mut out);
    (schema.document().clone(), out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn what_was_observed_is_accepted(
        history in proptest::collection::vec((select(vec!["e", "f", "g.h"]), happening()), 0..12),
    ) {
        let (document, out) = infer_then_check(&history);
        prop_assert_eq!(out, vec![], "{}", document.to_json());
        prop_assert_eq!(SchemaDocument::parse(&document.to_json()), Ok(document));
    }

    #[test]
    fn columns_that_are_alike_are_guessed_and_accepted(payloads in proptest::collection::vec(alike(), 30..60)) {
        let history: Vec<_> = payloads.into_iter().map(|payload| ("e", Happening::Payload(payload))).collect();
        let (document, out) = infer_then_check(&history);
        prop_assert_eq!(out, vec![]);
        prop_assert!(document.to_json().contains(r#""format":"email""#) && document.to_json().contains(r#""enum""#));
    }
}
