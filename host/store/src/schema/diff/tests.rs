//! What changed between two schemas, and whether the new one may refuse what the old one took.

use std::collections::BTreeMap;

use proptest::{prelude::*, sample::select};
use serde_json::{Map, json};

use super::*;
use crate::{
    json::merge,
    schema::{Schema, parse::whole, violation::Findings},
};

fn read(document: &Value) -> SchemaDocument {
    SchemaDocument::parse(&document.to_string()).expect("valid")
}

fn shown(old: &Value, new: &Value) -> Vec<String> {
    diff(&read(old), &read(new)).iter().map(ToString::to_string).collect()
}

#[test]
fn a_schema_does_not_differ_from_itself() {
    assert_eq!(diff(&whole(), &whole()), []);
}

#[test]
fn changes_are_told_with_what_they_mean() {
    let old = json!({
        "aggregate": "order", "snapshot_threshold": 5,
        "fields": {
            "a": {"type": "integer", "range": {"min": 0, "max": 9}},
            "b": {"type": "text", "required": true, "enum": ["x"]},
            "c": {"type": "json"},
            "o": {"type": "object", "properties": {"p": {"type": "text"}}},
        },
        "events": {"placed": {"fields": ["a"]}, "gone": {}},
    });
    let new = json!({
        "aggregate": "order", "note": "Now noted",
        "fields": {
            "a": {"type": "integer", "range": {"min": 0, "max": 10}},
            "b": {"type": "text", "enum": ["x", "y"], "locked": true},
            "d": {"type": "json"},
            "o": {"type": "object", "additional": true, "properties": {"q": {"type": "text", "required": true}}},
        },
        "events": {"placed": {"fields": ["a", "b"], "required": ["a"]}, "new": {}},
    });
    let expected = [
        r#"/note: added, "Now noted""#,
        "/snapshot_threshold: removed, was 5",
        r#"/fields/a/range: changed from {"max":9,"min":0} to {"max":10,"min":0}"#,
        r#"/fields/b/enum: changed from ["x"] to ["x","y"]"#,
        "/fields/b/locked: added, true (narrows)",
        "/fields/b/required: removed, was true",
        r#"/fields/c: removed, was {"type":"json"} (narrows)"#,
        r#"/fields/d: added, {"type":"json"}"#,
        "/fields/o/additional: changed from false to true",
        r#"/fields/o/properties/p: removed, was {"type":"text"}"#,
        r#"/fields/o/properties/q: added, {"required":true,"type":"text"} (narrows)"#,
        "/events/gone: removed, was {} (narrows)",
        "/events/new: added, {}",
        r#"/events/placed/fields: changed from ["a"] to ["a","b"]"#,
        r#"/events/placed/required: added, ["a"] (narrows)"#,
    ];
    assert_eq!(shown(&old, &new), expected);
    let change = &diff(&read(&old), &read(&new))[1];
    let json = json!({"pointer": "/snapshot_threshold", "kind": "removed", "from": 5, "narrows": false});
    assert_eq!(serde_json::to_value(change).expect("serializes"), json);
}

/// Fields that are more or less strict than each other.
fn fields() -> impl Strategy<Value = Value> {
    let properties =
        |city: Value, additional: bool| json!({"type": "object", "additional": additional, "properties": {"a": city}});
    select(vec![
        json!({"type": "json"}),
        json!({"type": "json", "required": true}),
        json!({"type": "integer"}),
        json!({"type": "integer", "range": {"min": 0}}),
        json!({"type": "integer", "range": {"min": 0, "max": 2}}),
        json!({"type": "integer", "enum": [1, 2]}),
        json!({"type": "integer", "enum": [1]}),
        json!({"type": "float"}),
        json!({"type": "float", "range": {"min": 0, "max": 2}}),
        json!({"type": "decimal(4,2)"}),
        json!({"type": "decimal(5,2)"}),
        json!({"type": "decimal(20,2)", "required": true}),
        json!({"type": "text"}),
        json!({"type": "text", "length": {"max": 4}}),
        json!({"type": "text", "length": {"min": 2, "max": 4}}),
        json!({"type": "text", "enum": ["AAAA", "#1"]}),
        json!({"type": "text", "contains": "1"}),
        json!({"type": "text", "does_not_contain": "1", "locked": true}),
        json!({"type": "text", "regex": "1"}),
        json!({"type": "text", "format": "upper-case"}),
        json!({"type": "binary"}),
        json!({"type": "binary", "length": {"max": 4}}),
        json!({"type": "date"}),
        json!({"type": "date", "enum": ["2013-01-01"]}),
        json!({"type": "reference"}),
        json!({"type": "reference", "to": "order"}),
        json!({"type": "object"}),
        properties(json!({"type": "text"}), true),
        properties(json!({"type": "text"}), false),
        properties(json!({"type": "text", "required": true}), true),
        properties(json!({"type": "integer"}), false),
    ])
}

/// What a document is made of.
type Parts = (BTreeMap<String, Value>, Value, (bool, bool, bool));

fn parts() -> impl Strategy<Value = Parts> {
    let events = select(vec![
        json!({}),
        json!({"e": {}}),
        json!({"f": {}}),
        json!({"e": {}, "f": {}}),
        json!({"e": {"fields": []}}),
        json!({"e": {"fields": ["a"]}}),
        json!({"e": {"required": ["a"]}}),
    ]);
    let flags = (any::<bool>(), any::<bool>(), proptest::bool::weighted(0.1));
    (proptest::collection::btree_map("[ab]", fields(), 0..3), events, flags)
}

fn document((fields, events, (additional, others, locked)): &Parts) -> SchemaDocument {
    let document = |events: &Value| {
        let text = json!({
            "aggregate": "order", "additional": additional, "additional_events": others, "locked": locked,
            "fields": fields, "events": events,
        });
        SchemaDocument::parse(&text.to_string())
    };
    // Events that list what is not declared, or require what is locked, are left out.
    document(events).or_else(|_| document(&json!({}))).expect("valid")
}

/// Two documents that differ in one field, in their events or in their flags.
fn documents() -> impl Strategy<Value = (SchemaDocument, SchemaDocument)> {
    (parts(), parts(), 0..4).prop_map(|(old, other, what)| {
        let mut new = old.clone();
        match what {
            0 => new.1 = other.1,
            1 => new.2 = other.2,
            2 => new.0.extend(other.0.into_iter().take(1)),
            _ => drop(new.0.pop_first()),
        }
        (document(&old), document(&new))
    })
}

fn payloads() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = select(vec![
        json!(null),
        json!(1),
        json!(3),
        json!(-1),
        json!(1.5),
        json!(1234),
        json!("1"),
        json!("AAAA"),
        json!("aaaa"),
        json!("#1"),
        json!("item#1"),
        json!("2013-01-01"),
        json!([1]),
        json!({}),
    ]);
    let value =
        prop_oneof![3 => leaf.clone(), 1 => leaf.prop_map(|leaf| json!({"a": leaf})), 1 => Just(json!({"b": 1}))];
    proptest::collection::btree_map("[ab]", value, 0..3).prop_map(|members| members.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    /// What a change that narrows nothing was told of, the new schema accepts if the old one did.
    #[test]
    fn what_does_not_narrow_refuses_nothing(
        (old, new) in documents(),
        payloads in proptest::collection::vec(payloads(), 8),
        event_type in select(vec!["e", "g"]),
    ) {
        prop_assume!(!diff(&old, &new).iter().any(|change| change.narrows));
        let (old, new) = (Schema::new(old), Schema::new(new));
        // The state before is one that the old schema let come about.
        let (mut state, mut out) = (Map::new(), Vec::new());
        merge(&mut state, payloads[0].clone());
        old.check_state(&state, Findings::new(&mut out));
        prop_assume!(out.is_empty());
        for payload in &payloads {
            let refused = |schema: &Schema| {
                let mut out = Vec::new();
                schema.check_payload(event_type, payload, &mut out);
                schema.check_required(&[payload, &state], &mut out);
                out
            };
            if refused(&old).is_empty() {
                prop_assert_eq!(refused(&new), vec![], "{} -> {}", old.document().to_json(), new.document().to_json());
            }
        }
    }
}
