//! Documents that contradict themselves are refused, each fault with its place and its code.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{SchemaDocument, limits};

/// A document of the most that there is to say.
pub(super) const WHOLE: &str = r#"{
    "aggregate": "order", "note": "What is sold", "locked": false, "additional": false, "redactable": true,
    "additional_events": true, "snapshot_threshold": 500,
    "fields": {
        "total": {"type": "decimal(12,2)", "required": true, "range": {"min": "0", "max": 100000.5}, "note": "Net"},
        "count": {"type": "integer", "range": {"min": 1.0}, "enum": [1, 2, 3e0]},
        "ratio": {"type": "float", "range": {"max": 1}},
        "paid": {"type": "boolean", "enum": [true]},
        "email": {"type": "text", "format": "email", "length": {"max": 200}, "hidden": true, "locked": true},
        "code": {"type": "text", "regex": "^[A-Z]+", "contains": "A", "does_not_contain": "B", "enum": ["A", "CA"]},
        "at": {"type": "timestamp", "range": {"min": "2013-01-01T00:00:00Z"}},
        "day": {"type": "date", "range": {"min": "2013-01-01", "max": "2013-01-01"}},
        "blob": {"type": "binary", "length": {"min": 1, "max": 10}},
        "address": {"type": "object", "additional": true, "properties": {"city": {"type": "text", "required": true}}},
        "none": {"type": "object", "properties": {}},
        "any": {"type": "object"},
        "customer": {"type": "reference", "to": "customer", "integrity": "strong", "on_archive": "nullify"},
        "parent": {"type": "reference", "integrity": "weak", "on_archive": "keep"},
        "a/b~c é": {"type": "json"}
    },
    "events": {
        "order_placed": {"fields": ["total", "email"], "required": ["total"], "note": "The first"},
        "order_noted": {"fields": []},
        "order.changed": {}
    },
    "upcasts": [
        {"from": 1, "rename": {"/sum": "/total"}, "default": {"/currency": {"code": "EUR"}, "/a~1b": [null]}},
        {"from": 7}
    ]
}"#;

fn faults(document: &Value) -> Vec<(String, &'static str)> {
    let faults = SchemaDocument::parse(&document.to_string()).err().unwrap_or_default();
    assert!(faults.iter().all(|fault| !fault.message.is_empty() && fault.to_string().ends_with(&fault.message)));
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

#[test]
fn a_document_is_the_same_when_read_again() {
    let document = SchemaDocument::parse(WHOLE).expect("valid");
    let text = document.to_json();
    let again = SchemaDocument::parse(&text).expect("valid");
    assert_eq!(again, document);
    assert_eq!(again.to_json(), text);
    assert_eq!((document.aggregate().as_str(), document.snapshot_threshold()), ("order", Some(500)));
    assert!(document.is_redactable() && !document.is_locked() && document.note() == Some("What is sold"));
    assert_eq!(document.event_types().collect::<Vec<_>>(), ["order.changed", "order_noted", "order_placed"]);
    // What goes without saying is not said.
    assert!(!text.contains("false") && !text.contains("weak") && !text.contains("keep"), "{text}");
    assert!(text.contains(r#""none":{"properties":{},"type":"object"}"#), "{text}");
}

#[test]
fn every_fault_of_a_field_has_its_code() {
    // (the field, where in it, the code)
    let cases = [
        (json!("text"), "", "wrong-type"),
        (json!({}), "", "missing"),
        (json!({"type": "txet"}), "/type", "unknown-type"),
        (json!({"type": "money-amount"}), "/type", "unknown-type"),
        (json!({"type": 1}), "/type", "wrong-type"),
        (json!({"type": "text", "requird": true}), "/requird", "unknown-member"),
        (json!({"type": "text", "required": "yes"}), "/required", "wrong-type"),
        (json!({"type": "text", "note": 1}), "/note", "wrong-type"),
        (json!({"type": "text", "note": "x".repeat(129)}), "/note", "note-chars"),
        (json!({"type": "text", "required": true, "locked": true}), "", "locked-required"),
        (json!({"type": "decimal"}), "/type", "bad-decimal"),
        (json!({"type": "decimal(2,3)"}), "/type", "bad-decimal"),
        (json!({"type": "decimal(39,0)"}), "/type", "bad-decimal"),
        (json!({"type": "decimal(0,0)"}), "/type", "bad-decimal"),
        (json!({"type": "decimal(+5,2)"}), "/type", "bad-decimal"),
        (json!({"type": "decimal(5)"}), "/type", "bad-decimal"),
        (json!({"type": "decimal(5,2"}), "/type", "bad-decimal"),
        (json!({"type": "integer", "regex": "a"}), "/regex", "rule-does-not-apply"),
        (json!({"type": "integer", "format": "email"}), "/format", "rule-does-not-apply"),
        (json!({"type": "integer", "length": {}}), "/length", "rule-does-not-apply"),
        (json!({"type": "text", "range": {}}), "/range", "rule-does-not-apply"),
        (json!({"type": "date", "contains": "a"}), "/contains", "rule-does-not-apply"),
        (json!({"type": "date", "does_not_contain": "a"}), "/does_not_contain", "rule-does-not-apply"),
        (json!({"type": "json", "enum": [1]}), "/enum", "rule-does-not-apply"),
        (json!({"type": "text", "properties": {}}), "/properties", "rule-does-not-apply"),
        (json!({"type": "object", "additional": true}), "/additional", "rule-does-not-apply"),
        (json!({"type": "text", "to": "order"}), "/to", "rule-does-not-apply"),
        (json!({"type": "text", "integrity": "weak"}), "/integrity", "rule-does-not-apply"),
        (json!({"type": "text", "on_archive": "nullify"}), "/on_archive", "rule-does-not-apply"),
        (json!({"type": "reference", "to": "Order"}), "/to", "bad-name"),
        (json!({"type": "reference", "to": "$domain"}), "/to", "bad-name"),
        (json!({"type": "reference", "integrity": "firm"}), "/integrity", "unknown-value"),
        (json!({"type": "reference", "on_archive": 1}), "/on_archive", "wrong-type"),
        (json!({"type": "text", "length": {"min": 3, "max": 2}}), "/length", "empty-range"),
        (json!({"type": "text", "length": {"min": -1}}), "/length/min", "wrong-type"),
        (json!({"type": "text", "length": {"mni": 1}}), "/length/mni", "unknown-member"),
        (json!({"type": "text", "length": 3}), "/length", "wrong-type"),
        (json!({"type": "integer", "range": {"min": 3, "max": 2}}), "/range", "empty-range"),
        (json!({"type": "integer", "range": {"min": 1.5}}), "/range/min", "bad-bound"),
        (json!({"type": "decimal(5,2)", "range": {"min": "0.01", "max": "-0.01"}}), "/range", "empty-range"),
        (json!({"type": "decimal(5,2)", "range": {"max": "1000"}}), "/range/max", "bad-bound"),
        (json!({"type": "date", "range": {"max": "2013-02-30"}}), "/range/max", "bad-bound"),
        (
            json!({"type": "timestamp", "range": {"min": "2013-01-01T01:00:00Z", "max": "2013-01-01T01:00:00+01:00"}}),
            "/range",
            "empty-range",
        ),
        (json!({"type": "text", "format": "emial"}), "/format", "unknown-format"),
        (json!({"type": "text", "regex": "("}), "/regex", "bad-regex"),
        (json!({"type": "text", "regex": "(?=a)"}), "/regex", "bad-regex"),
        (json!({"type": "text", "regex": "\\w{1000}"}), "/regex", "bad-regex"),
        (json!({"type": "text", "regex": "a".repeat(1025)}), "/regex", "regex-bytes"),
        (json!({"type": "text", "contains": ""}), "/contains", "empty-text"),
        (json!({"type": "text", "does_not_contain": ""}), "/does_not_contain", "empty-text"),
        (json!({"type": "text", "contains": "abc", "does_not_contain": "b"}), "/contains", "contradiction"),
        (json!({"type": "text", "contains": "abc", "length": {"max": 2}}), "/contains", "contradiction"),
        (json!({"type": "text", "enum": []}), "/enum", "empty-enum"),
        (json!({"type": "text", "enum": "a"}), "/enum", "wrong-type"),
        (json!({"type": "text", "enum": vec!["a"; 257]}), "/enum", "enum-values"),
        (json!({"type": "text", "enum": ["a", 1]}), "/enum/1", "enum-type"),
        (json!({"type": "text", "enum": ["a", "a"]}), "/enum/1", "repeated"),
        (json!({"type": "decimal(5,2)", "enum": ["1.0", 1]}), "/enum/1", "repeated"),
        (json!({"type": "text", "enum": ["a", "bb"], "length": {"max": 1}}), "/enum/1", "enum-breaks-rule"),
        (json!({"type": "text", "enum": ["a"], "format": "email"}), "/enum/0", "enum-breaks-rule"),
        (json!({"type": "integer", "enum": [1, 5], "range": {"max": 4}}), "/enum/1", "enum-breaks-rule"),
        (json!({"type": "reference", "to": "order", "enum": ["customer#1"]}), "/enum/0", "enum-breaks-rule"),
        (json!({"type": "object", "properties": {"a": {"type": "x"}}}), "/properties/a/type", "unknown-type"),
        (json!({"type": "object", "properties": {"": {"type": "text"}}}), "/properties/", "bad-name"),
    ];
    for (field, at, code) in cases {
        let found = faults(&json!({"aggregate": "order", "fields": {"f": field}}));
        assert_eq!(found, [(format!("/fields/f{at}"), code)], "{field}");
    }
}

#[test]
fn every_fault_of_the_rest_has_its_code() {
    let field = json!({"a": {"type": "text"}, "l": {"type": "text", "locked": true}});
    let cases = [
        (json!({"aggregate": null}), "/aggregate", "wrong-type"),
        (json!({"aggregate": "Order"}), "/aggregate", "bad-name"),
        (json!({"aggregate": "$domain"}), "/aggregate", "bad-name"),
        (json!({"agregate": "order"}), "/agregate", "unknown-member"),
        (json!({"snapshot_threshold": 0}), "/snapshot_threshold", "zero-threshold"),
        (json!({"snapshot_threshold": 5e9}), "/snapshot_threshold", "wrong-type"),
        (json!({"snapshot_threshold": 1.5}), "/snapshot_threshold", "wrong-type"),
        (json!({"locked": 1}), "/locked", "wrong-type"),
        (json!({"fields": []}), "/fields", "wrong-type"),
        (json!({"fields": {"a\n": {"type": "text"}}}), "/fields/a\n", "bad-name"),
        (json!({"events": []}), "/events", "wrong-type"),
        (json!({"events": {"Placed": {}}}), "/events/Placed", "bad-name"),
        (json!({"events": {"$erased": {}}}), "/events/$erased", "bad-name"),
        (json!({"events": {"e": {"field": []}}}), "/events/e/field", "unknown-member"),
        (json!({"events": {"e": {"fields": ["b"]}}}), "/events/e/fields/0", "unknown-field"),
        (json!({"events": {"e": {"fields": ["a", "a"]}}}), "/events/e/fields/1", "repeated"),
        (json!({"events": {"e": {"fields": [1]}}}), "/events/e/fields/0", "wrong-type"),
        (json!({"events": {"e": {"required": ["b"]}}}), "/events/e/required/0", "unknown-field"),
        (json!({"events": {"e": {"fields": [], "required": ["a"]}}}), "/events/e/required/0", "required-not-listed"),
        (json!({"events": {"e": {"required": ["l"]}}}), "/events/e/required/0", "locked-required"),
        (json!({"upcasts": {}}), "/upcasts", "wrong-type"),
        (json!({"upcasts": [{"rename": {}}]}), "/upcasts/0", "missing"),
        (json!({"upcasts": [{"from": 0}]}), "/upcasts/0/from", "bad-version"),
        (json!({"upcasts": [{"from": 2}, {"from": 2}]}), "/upcasts/1", "upcast-order"),
        (json!({"upcasts": [{"from": 1, "rename": {"a": "/b"}}]}), "/upcasts/0/rename/a", "bad-pointer"),
        (json!({"upcasts": [{"from": 1, "rename": {"/a": ""}}]}), "/upcasts/0/rename/~1a", "bad-pointer"),
        (json!({"upcasts": [{"from": 1, "rename": {"/a": "/c", "/b": "/c"}}]}), "/upcasts/0/rename/~1b", "repeated"),
        (json!({"upcasts": [{"from": 1, "default": {"/a": null}}]}), "/upcasts/0/default/~1a", "wrong-type"),
        (json!({"upcasts": [{"from": 1, "default": {"/x".repeat(18): 1}}]}), "", "too-deep"),
    ];
    for (part, at, code) in cases {
        let mut document = json!({"aggregate": "order", "fields": field});
        document.as_object_mut().expect("an object").extend(part.as_object().expect("an object").clone());
        let found = faults(&document);
        assert_eq!(found.len(), 1, "{part}: {found:?}");
        assert!(found[0].1 == code && (at.is_empty() || found[0].0 == at), "{part}: {found:?}");
    }
    assert_eq!(faults(&json!({})), [(String::new(), "missing")]);
}

#[test]
fn text_that_is_not_a_document_is_refused() {
    for (text, code) in
        [("", "wrong-shape"), ("[]", "wrong-shape"), ("{", "not-json"), (r#"{"a":1,"a":1}"#, "duplicate-member")]
    {
        let faults = SchemaDocument::parse(text).expect_err("refused");
        assert_eq!((faults.len(), faults[0].code), (1, code), "{text}");
    }
    let long = " ".repeat(limits::SCHEMA_BYTES) + "{}";
    assert_eq!(SchemaDocument::parse(&long).expect_err("refused")[0].code, "too-large");
}

#[test]
fn limits_hold() {
    let mut deep = json!({"type": "text"});
    for _ in 0..=limits::SCHEMA_DEPTH {
        deep = json!({"type": "object", "properties": {"a": deep}});
    }
    assert_eq!(faults(&json!({"aggregate": "a", "fields": {"a": deep}}))[0].1, "too-deep");
    let many: Value = (0..=limits::SCHEMA_FIELDS).map(|i| (format!("f{i}"), json!({"type": "json"}))).collect();
    assert_eq!(faults(&json!({"aggregate": "a", "fields": many})), [("/fields".to_owned(), "too-many-fields")]);
    let regex = json!({"type": "text", "regex": "a"});
    let many: Value = (0..=limits::SCHEMA_REGEXES).map(|i| (format!("f{i:03}"), regex.clone())).collect();
    assert_eq!(faults(&json!({"aggregate": "a", "fields": many}))[0].1, "too-many-regexes");
    let many: Value = (0..=limits::SCHEMA_EVENTS).map(|i| (format!("e{i}"), json!({}))).collect();
    assert_eq!(faults(&json!({"aggregate": "a", "events": many})), [("/events".to_owned(), "too-many-events")]);
    let many: Vec<Value> = (0..=limits::SCHEMA_UPCASTS).map(|i| json!({"from": i + 1})).collect();
    assert_eq!(faults(&json!({"aggregate": "a", "upcasts": many})), [("/upcasts".to_owned(), "too-many-upcasts")]);
}

#[test]
fn all_faults_are_reported_at_once_and_the_nearest_name_is_suggested() {
    let document = json!({
        "aggregate": "order",
        "fields": {
            "total": {"type": "decimla(12,2)", "requierd": true},
            "email": {"type": "text", "format": "e-mail", "range": {}},
        },
        "events": {"placed": {"fields": ["totl"]}},
        "snapshot_threshold": 0,
    });
    let faults = SchemaDocument::parse(&document.to_string()).expect_err("refused");
    let codes: Vec<&str> = faults.iter().map(|fault| fault.code).collect();
    assert_eq!(
        codes,
        ["rule-does-not-apply", "unknown-format", "unknown-member", "unknown-type", "unknown-field", "zero-threshold"]
    );
    assert!(faults[2].message.contains("did you mean \"required\""), "{}", faults[2]);
    assert!(faults[1].message.contains("did you mean \"email\""), "{}", faults[1]);
    assert!(faults[4].message.contains("did you mean \"total\""), "{}", faults[4]);
}

#[test]
fn in_a_locked_schema_what_no_event_could_meet_contradicts_nothing() {
    let fields = json!({"a": {"type": "text", "required": true, "locked": true}});
    let document = json!({"aggregate": "a", "locked": true, "fields": fields, "events": {"e": {"required": ["a"]}}});
    assert_eq!(faults(&document), []);
}

proptest! {
    /// Nothing panics, whatever stands where.
    #[test]
    fn documents_that_were_tampered_with_are_read_or_refused(index in 0_usize..200, to in 0_usize..8) {
        let others = [json!(null), json!(0), json!(-1.5), json!(""), json!("a"), json!([]), json!({}), json!([{"a": null}])];
        let mut document: Value = serde_json::from_str(WHOLE).expect("JSON");
        let mut left = index;
        tamper(&mut document, &mut left, &others[to]);
        if let Ok(document) = SchemaDocument::parse(&document.to_string()) {
            prop_assert_eq!(SchemaDocument::parse(&document.to_json()), Ok(document));
        }
    }
}

/// Puts `other` in the place of the value that comes after `left` others.
fn tamper(value: &mut Value, left: &mut usize, other: &Value) {
    if *left == 0 {
        *value = other.clone();
    }
    *left = left.wrapping_sub(1);
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| tamper(member, left, other)),
        Value::Array(elements) => elements.iter_mut().for_each(|element| tamper(element, left, other)),
        _ => {}
    }
}
