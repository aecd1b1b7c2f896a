//! The JSON Schema of a schema, compared by value.

use super::*;
use crate::schema::parse::whole;

fn of(document: &Value) -> Value {
    json_schema(&SchemaDocument::parse(&document.to_string()).expect("valid"))
}

#[test]
fn a_state_and_its_events_are_described() {
    let document = json!({
        "aggregate": "order", "note": "What is sold",
        "fields": {
            "count": {"type": "integer", "required": true, "range": {"min": 1}, "enum": [1, 2]},
            "email": {"type": "text", "format": "email", "length": {"max": 200}, "regex": "x", "contains": "@.", "note": "Whose"},
            "total": {"type": "decimal(4,2)", "enum": ["1.50"], "locked": true},
            "where": {"type": "object", "properties": {"city": {"type": "text", "required": true}}},
        },
        "events": {"placed": {"fields": ["count", "where"], "required": ["where"]}},
    });
    let count = json!({"type": "integer", "minimum": 1, "maximum": MAX_INTEGER, "enum": [1, 2]});
    let place = |required: Value| {
        let mut place =
            json!({"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": false});
        place.as_object_mut().expect("an object").extend(required.as_object().expect("an object").clone());
        place
    };
    let expected = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "order",
        "description": "What is sold",
        "type": "object",
        "required": ["count"],
        "additionalProperties": false,
        "properties": {
            "count": count,
            "email": {
                "type": "string", "format": "email", "maxLength": 200, "description": "Whose",
                "allOf": [{"pattern": "x"}, {"pattern": "@\\."}],
            },
            "total": {"type": ["string", "number"], "pattern": "^-?(0|[1-9][0-9]{0,1})(\\.[0-9]{1,2})?$", "readOnly": true},
            "where": place(json!({"required": ["city"]})),
        },
        "$defs": {
            "placed": {
                "type": "object",
                "required": ["where"],
                "additionalProperties": false,
                "properties": {"count": count, "where": {"anyOf": [place(json!({})), {"type": "null"}]}},
            },
        },
    });
    assert_eq!(of(&document), expected);
}

#[test]
fn each_type_has_its_words() {
    let schema = json_schema(&whole());
    let kind = |name: &str| schema["properties"][name]["type"].clone();
    assert_eq!([kind("ratio"), kind("paid"), kind("blob"), kind("any")], ["number", "boolean", "string", "object"]);
    assert_eq!(schema["properties"]["at"]["format"], "date-time");
    assert_eq!(schema["properties"]["a/b~c é"], json!({}));
    let pattern = |name: &str| regex::Regex::new(schema["properties"][name]["pattern"].as_str().expect("a text"));
    let customer = pattern("customer").expect("an expression");
    assert!(["#1", "customer#1", "shop#customer#c.1"].iter().all(|text| customer.is_match(text)));
    assert!(["1", "order#1", "#"].iter().all(|text| !customer.is_match(text)));
    assert!(pattern("parent").expect("an expression").is_match("shop#order#1"));
}
