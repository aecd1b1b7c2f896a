//! JSON Patch against a schema: what it touches, and what it makes.

use serde_json::json;

use super::*;
use crate::SchemaDocument;

fn schema() -> Schema {
    let document = json!({
        "aggregate": "person",
        "fields": {
            "name": {"type": "text", "required": true},
            "born": {"type": "date", "locked": true},
            "age": {"type": "integer", "range": {"min": 0}},
            "tags": {"type": "json"},
            "address": {"type": "object", "properties": {
                "city": {"type": "text"},
                "zip": {"type": "text", "locked": true, "hidden": true},
            }},
        },
        "events": {"renamed": {"fields": ["name"], "required": ["name"]}, "changed": {}},
    });
    Schema::new(SchemaDocument::parse(&document.to_string()).expect("valid"))
}

fn broken(event_type: &str, operations: &Value, state_after: &Value) -> Vec<String> {
    let mut out = Vec::new();
    schema().check_patch(event_type, operations, state_after.as_object().expect("an object"), &mut out);
    out.iter().map(|violation| format!("{} {}", violation.pointer, violation.rule)).collect()
}

#[test]
fn locked_fields_are_not_touched() {
    let state = json!({"name": "Ada", "born": "1815-12-10"});
    let cases = [
        (json!([{"op": "replace", "path": "/born", "value": "1815-12-10"}]), vec!["/born locked"]),
        (
            json!([{"op": "remove", "path": "/born"}, {"op": "add", "path": "/born", "value": "x"}]),
            vec!["/born locked"],
        ),
        (json!([{"op": "move", "from": "/born", "path": "/tags"}]), vec!["/born locked"]),
        (json!([{"op": "remove", "path": "/address"}]), vec!["/address locked"]),
        (json!([{"op": "add", "path": "/address/zip/x", "value": 1}]), vec!["/address/zip/x locked"]),
        (json!([{"op": "replace", "path": "", "value": {}}]), vec![" locked"]),
        (json!([{"op": "test", "path": "/born", "value": "1815-12-10"}]), vec![]),
        (json!([{"op": "copy", "from": "/born", "path": "/tags"}]), vec![]),
        (json!([{"op": "add", "path": "/address/city", "value": "x"}]), vec![]),
        (json!([{"op": "add", "path": "/tags/-", "value": "x"}]), vec![]),
        (json!([{"op": "spin", "path": "/born"}, 1, {"op": "add"}, {"op": "add", "path": "born"}]), vec![]),
    ];
    for (operations, expected) in cases {
        assert_eq!(broken("changed", &operations, &state), expected, "{operations}");
    }
}

#[test]
fn events_touch_what_they_list() {
    let state = json!({"name": "Ada", "age": 3});
    let set = json!({"op": "replace", "path": "/name", "value": "Ada"});
    assert_eq!(broken("renamed", &json!([set]), &state), Vec::<String>::new());
    assert_eq!(
        broken("renamed", &json!([set, {"op": "test", "path": "/age", "value": 3}]), &state),
        Vec::<String>::new()
    );
    assert_eq!(
        broken("renamed", &json!([set, {"op": "add", "path": "/age", "value": 3}]), &state),
        ["/age not-in-event"]
    );
    assert_eq!(broken("renamed", &json!([]), &state), ["/name event-required"]);
    assert_eq!(broken("renamed", &json!([{"op": "remove", "path": "/name"}]), &json!({})), ["/name event-required"]);
    assert_eq!(broken("unknown", &json!([set]), &state), [" unknown-event"]);
}

#[test]
fn the_state_that_a_patch_makes_is_checked_as_a_whole() {
    let state = json!({"age": -1, "tags": null, "name": null, "address": {"city": 5, "zip": 77}, "old": 1});
    let expected = ["/address/city type", "/address/zip type", "/age range", "/name type", "/old unknown-field"];
    assert_eq!(broken("changed", &json!([]), &state), expected);
    let mut out = Vec::new();
    schema().check_patch("changed", &json!([]), state.as_object().expect("an object"), &mut out);
    assert!(!out.iter().any(|violation| violation.actual.contains("77")), "{out:?}");
}
