//! Payloads against a schema: everything that breaks it is found at once, each at its place.

use serde_json::{Value, json};

use super::*;
use crate::SchemaDocument;

pub(super) fn schema(document: &Value) -> Schema {
    Schema::new(SchemaDocument::parse(&document.to_string()).expect("valid"))
}

fn broken(schema: &Schema, event_type: &str, payload: &Value) -> Vec<String> {
    let mut out = Vec::new();
    schema.check_payload(event_type, payload.as_object().expect("an object"), &mut out);
    out.iter().map(|violation| format!("{} {}", violation.pointer, violation.rule)).collect()
}

/// Values that follow each rule, and values that break it.
#[test]
fn each_rule_takes_the_good_and_refuses_the_bad() {
    type Case = (&'static str, Value, Vec<Value>, Vec<Value>);
    let cases: [Case; 20] = [
        ("type", json!({"type": "integer"}), vec![json!(1)], vec![json!("1"), json!([])]),
        ("format", json!({"type": "text", "format": "email"}), vec![json!("a@b.co")], vec![json!("a")]),
        (
            "length",
            json!({"type": "text", "length": {"min": 2, "max": 3}}),
            vec![json!("éé"), json!("abc")],
            vec![json!("é"), json!("abcd")],
        ),
        ("length", json!({"type": "text", "length": {"max": 1}}), vec![json!(""), json!("𝄞")], vec![json!("ab")]),
        (
            "length",
            json!({"type": "binary", "length": {"min": 1, "max": 2}}),
            vec![json!("AA=="), json!("AAA=")],
            vec![json!(""), json!("AAAA")],
        ),
        (
            "range",
            json!({"type": "integer", "range": {"min": -1, "max": 1}}),
            vec![json!(-1), json!(1.0)],
            vec![json!(-2), json!(2)],
        ),
        (
            "range",
            json!({"type": "float", "range": {"min": 0.1}}),
            vec![json!(0.1), json!(1)],
            vec![json!(0), json!(0.0999)],
        ),
        (
            "range",
            json!({"type": "decimal(38,20)", "range": {"max": "0.10000000000000000001"}}),
            vec![json!("0.10000000000000000001"), json!(0.1)],
            vec![json!("0.10000000000000000002")],
        ),
        (
            "range",
            json!({"type": "timestamp", "range": {"min": "2013-01-01T00:00:00Z"}}),
            vec![json!("2013-01-01T01:00:00+01:00")],
            vec![json!("2013-01-01T00:59:59+01:00")],
        ),
        (
            "range",
            json!({"type": "date", "range": {"max": "2013-01-31"}}),
            vec![json!("2013-01-31")],
            vec![json!("2013-02-01")],
        ),
        ("regex", json!({"type": "text", "regex": "b+"}), vec![json!("abc")], vec![json!("ac")]),
        ("regex", json!({"type": "text", "regex": "^b+$"}), vec![json!("bb")], vec![json!("abc"), json!("b\n")]),
        ("contains", json!({"type": "text", "contains": "ab"}), vec![json!("xaby")], vec![json!("ba")]),
        ("does-not-contain", json!({"type": "text", "does_not_contain": "ab"}), vec![json!("ba")], vec![json!("xaby")]),
        (
            "enum",
            json!({"type": "text", "enum": ["a", "b"]}),
            vec![json!("a"), json!("b")],
            vec![json!("c"), json!("")],
        ),
        (
            "enum",
            json!({"type": "decimal(4,2)", "enum": ["1.50"]}),
            vec![json!("1.5"), json!(1.5)],
            vec![json!("1.51")],
        ),
        ("enum", json!({"type": "integer", "enum": [1, 2]}), vec![json!(2)], vec![json!(3)]),
        ("enum", json!({"type": "boolean", "enum": [true]}), vec![json!(true)], vec![json!(false)]),
        (
            "enum",
            json!({"type": "timestamp", "enum": ["2013-01-01T00:00:00Z"]}),
            vec![json!("2013-01-01T01:00:00+01:00")],
            vec![json!("2013-01-01T01:00:00Z")],
        ),
        (
            "reference",
            json!({"type": "reference", "to": "order"}),
            vec![json!("#1"), json!("order#1"), json!("shop#order#1")],
            vec![json!("customer#1")],
        ),
    ];
    for (rule, field, good, bad) in cases {
        let schema = schema(&json!({"aggregate": "a", "fields": {"f": field}}));
        for value in good {
            assert_eq!(broken(&schema, "e", &json!({"f": value})), Vec::<String>::new(), "{field}: {value}");
        }
        for value in bad {
            assert_eq!(broken(&schema, "e", &json!({"f": value})), [format!("/f {rule}")], "{field}: {value}");
        }
    }
}

fn person() -> Value {
    json!({
        "aggregate": "person",
        "fields": {
            "name": {"type": "text", "required": true, "length": {"max": 5}, "regex": "^[A-Z]"},
            "born": {"type": "date", "locked": true},
            "pin": {"type": "text", "hidden": true, "length": {"max": 4}},
            "tags": {"type": "json"},
            "address": {
                "type": "object",
                "properties": {
                    "city": {"type": "text", "required": true},
                    "zip": {"type": "text", "locked": true},
                    "door": {"type": "object", "hidden": true, "properties": {"code": {"type": "integer"}}},
                },
            },
        },
        "events": {"renamed": {"fields": ["name"], "required": ["name"]}, "changed": {}, "noted": {"fields": []}},
    })
}

#[test]
fn all_violations_are_reported_in_the_order_of_the_payload() {
    let payload = json!({
        "address": {"door": {"code": "x"}, "street": 1, "zip": "1"},
        "born": "1815-12-10",
        "name": "ada lovelace",
        "pin": "12345",
        "tag": [],
    });
    let found = broken(&schema(&person()), "changed", &payload);
    let expected = [
        "/address/door/code type",
        "/address/street unknown-field",
        "/address/zip locked",
        "/born locked",
        "/name length",
        "/name regex",
        "/pin length",
        "/tag unknown-field",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_null_removes_what_may_be_removed() {
    let schema = schema(&person());
    assert_eq!(broken(&schema, "changed", &json!({"tags": null, "pin": null})), Vec::<String>::new());
    assert_eq!(broken(&schema, "changed", &json!({"tags": [null], "address": {"door": null}})), Vec::<String>::new());
    assert_eq!(broken(&schema, "changed", &json!({"name": null})), ["/name required"]);
    assert_eq!(broken(&schema, "changed", &json!({"born": null})), ["/born locked"]);
    // With the address goes its locked part.
    assert_eq!(broken(&schema, "changed", &json!({"address": null})), ["/address locked"]);
    assert_eq!(broken(&schema, "changed", &json!({"address": {"city": null}})), ["/address/city required"]);
}

#[test]
fn events_carry_what_they_list() {
    let schema = schema(&person());
    assert_eq!(broken(&schema, "renamed", &json!({"name": "Ada"})), Vec::<String>::new());
    assert_eq!(broken(&schema, "renamed", &json!({})), ["/name event-required"]);
    assert_eq!(broken(&schema, "renamed", &json!({"name": null})), ["/name required", "/name event-required"]);
    assert_eq!(broken(&schema, "renamed", &json!({"name": "Ada", "tags": 1})), ["/tags not-in-event"]);
    assert_eq!(broken(&schema, "noted", &json!({"tags": 1})), ["/tags not-in-event"]);
    assert_eq!(broken(&schema, "vanished", &json!({"tags": 1})), [" unknown-event"]);
    let mut open = person();
    open["additional_events"] = json!(true);
    assert_eq!(broken(&self::schema(&open), "vanished", &json!({"tags": 1})), Vec::<String>::new());
}

#[test]
fn additional_members_and_locked_schemas() {
    let document = json!({"aggregate": "a", "additional": true, "fields": {"o": {"type": "object", "properties": {}}}});
    assert_eq!(broken(&schema(&document), "e", &json!({"x": {"y": 1}, "o": {}})), Vec::<String>::new());
    assert_eq!(broken(&schema(&document), "e", &json!({"o": {"x": 1}})), ["/o/x unknown-field"]);
    let document = json!({"aggregate": "a", "locked": true});
    assert_eq!(broken(&schema(&document), "e", &json!({"x": 1})), [" schema-locked", "/x unknown-field"]);
}

#[test]
fn what_is_required_is_said_once() {
    let schema = schema(&person());
    let payload = json!({"name": null, "address": {}});
    let payload = payload.as_object().expect("an object");
    let mut out = Vec::new();
    schema.check_payload("changed", payload, &mut out);
    schema.check_required(&[payload, &Map::new()], &mut out);
    let found: Vec<String> = out.iter().map(|v| format!("{} {}", v.pointer, v.rule)).collect();
    assert_eq!(found, ["/name required", "/address/city required"]);
}

#[test]
fn violations_say_what_was_expected_and_never_what_is_hidden() {
    let payload =
        json!({"pin": "s3cr3t!", "address": {"door": {"code": "s3cr3t!"}}, "name": "ada lovelace", "nmae": "x"});
    let mut out = Vec::new();
    schema(&person()).check_payload("changed", payload.as_object().expect("an object"), &mut out);
    let shown: Vec<String> = out.iter().map(ToString::to_string).collect();
    let expected = [
        "/address/door/code: expected an integer within ±(2^53−1), found a value that is hidden",
        "/name: expected at most 5 characters, found \"ada lovelace\"",
        "/name: expected a text that matches \"^[A-Z]\", found \"ada lovelace\"",
        "/nmae: expected a field that the schema declares (did you mean \"name\"?), found another one",
        "/pin: expected at most 4 characters, found a value that is hidden",
    ];
    assert_eq!(shown, expected);
    let locked = json!({"aggregate": "a", "fields": {"pin": {"type": "text", "locked": true, "hidden": true}}});
    out.clear();
    schema(&locked).check_payload("e", json!({"pin": "s3cr3t!"}).as_object().expect("an object"), &mut out);
    assert_eq!((out.len(), out[0].actual.as_str()), (1, "a value that is hidden"));
}

#[test]
fn a_payload_of_nothing_but_mistakes_gets_a_bounded_answer() {
    let payload: Map<String, Value> = (0..5000).map(|i| (format!("name{i}"), json!(i))).collect();
    let mut out = Vec::new();
    schema(&person()).check_payload("changed", &payload, &mut out);
    assert_eq!(out.len(), crate::limits::VIOLATIONS);
}
