//! Both ways, short forms, and the lines of faults.

use eventdbx_node::schema_faults;
use serde_json::{Value, json};

use super::{File, text};

/// Documents of all that there is to say.
fn documents() -> [Value; 3] {
    let fields = json!({
        "total": {"type": "decimal(12,2)", "required": true, "range": {"min": "0", "max": 100_000.5}, "note": "Net"},
        "count": {"type": "integer", "range": {"min": 1}, "enum": [1, 2, 3]},
        "ratio": {"type": "float", "range": {"min": -1.5, "max": 1e300}},
        "paid": {"type": "boolean", "enum": [true]},
        "email": {"type": "text", "format": "email", "length": {"max": 200}, "hidden": true, "locked": true},
        "code": {"type": "text", "regex": "^\\w+\\.\"A\"$", "contains": "A", "does_not_contain": "it's \\"},
        "at": {"type": "timestamp", "range": {"min": "2013-01-01T00:00:00Z"}},
        "day": {"type": "date"},
        "blob": {"type": "binary", "length": {"min": 1, "max": 10}},
        "address": {
            "type": "object", "additional": true, "note": "Where",
            "properties": {
                "city": {"type": "text", "required": true},
                "geo": {"type": "object", "properties": {"point": {"type": "text", "format": "point"}}},
            },
        },
        "none": {"type": "object", "properties": {}},
        "any": {"type": "object"},
        "customer": {"type": "reference", "to": "customer", "integrity": "strong", "on_archive": "nullify"},
        "a/b~c. é \"q\"": {"type": "json", "note": "tab\tline\nend\u{1}"},
        "origin": {"type": "text", "enum": (0..60).map(|n| format!("airport-{n}")).collect::<Vec<_>>()},
    });
    let whole = json!({
        "aggregate": "order", "note": "What is sold", "locked": true, "redactable": true, "additional": true,
        "additional_events": true, "snapshot_threshold": 500,
        "fields": fields,
        "events": {
            "order_placed": {"fields": ["email", "total"], "required": ["total"], "note": "The first"},
            "order_noted": {"fields": []},
            "order.changed": {},
        },
        "upcasts": [
            {"from": 1, "rename": {"/sum": "/total"}, "default": {"/currency": {"code": "EUR"}}},
            {"from": 2, "default": {"/a~1b": [null]}},
            {"from": 7},
        ],
    });
    [whole, json!({"aggregate": "empty"}), json!({"aggregate": "x", "fields": {"n": {"type": "integer"}}})]
}

#[test]
fn what_is_written_reads_as_the_same() {
    let documents = documents();
    for document in &documents {
        assert_eq!(schema_faults(&document.to_string()), []);
        let text = text(document);
        let file = File::parse("schema.dbx", &text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        assert_eq!(&file.types[0].document, document, "{text}");
    }
    let all: String = documents.iter().map(text).collect();
    let file = File::parse("schema.dbx", &all).unwrap();
    let kinds: Vec<_> = file.types.iter().map(|schema| schema.kind.as_str()).collect();
    assert_eq!(kinds, ["order", "empty", "x"]);
}

#[test]
fn short_forms_and_times_are_understood() {
    let text = r#"
        [order]
        [order.fields]
        total = "decimal(12,2)"
        day = { type = "date", range = { min = 2013-01-01, max = 2013-12-31 } }
        at = { type = "timestamp", range = { min = 2013-01-01T00:00:00Z } }
        size = { type = "integer", range = { min = 0x10, max = 1_000 } }
        address = { type = "object", properties = { city = "text" } }
        [order.events]
        placed = ["total"]
        changed = { required = ["day"] }
    "#;
    let file = File::parse("schema.dbx", text).unwrap();
    let expected = json!({
        "aggregate": "order",
        "fields": {
            "total": {"type": "decimal(12,2)"},
            "day": {"type": "date", "range": {"min": "2013-01-01", "max": "2013-12-31"}},
            "at": {"type": "timestamp", "range": {"min": "2013-01-01T00:00:00Z"}},
            "size": {"type": "integer", "range": {"min": 16, "max": 1000}},
            "address": {"type": "object", "properties": {"city": {"type": "text"}}},
        },
        "events": {"placed": {"fields": ["total"]}, "changed": {"required": ["day"]}},
    });
    assert_eq!(file.types[0].document, expected);
    assert_eq!(file.faults().len(), 0);
}

#[test]
fn faults_have_lines() {
    let text = "[order]\n\n[order.fields]\ntotal = \"Decimals\"\nname = { type = \"text\", regex = \"(\" }\n\n\
                [order.events]\nplaced = [\n  \"total\",\n  \"totl\",\n]\n[b]\nfields = 3\n";
    let file = File::parse("schema.dbx", text).unwrap();
    let lines: Vec<_> = file.faults().iter().map(|(schema, fault)| schema.line(&fault.path).unwrap()).collect();
    assert_eq!(lines, [4, 5, 10, 13], "{:?}", file.faults());
    let words = file.faults().iter().map(|(schema, fault)| file.in_words(schema, fault)).next().unwrap();
    assert!(words.starts_with("schema.dbx:4: order/fields/total/type: "), "{words}");
}

#[test]
fn what_is_no_toml_is_told_with_its_lines() {
    for (text, line) in
        [("[order\n", 1), ("[a]\nx = \n", 2), ("[a]\n[a]\n", 2), ("order = 3\n", 1), ("[a]\nn = 1\nm = inf\n", 3)]
    {
        let failure = File::parse("schema.dbx", text).unwrap_err();
        assert!(format!("{failure:?}").contains(&format!("schema.dbx:{line}: ")), "{text:?}: {failure:?}");
    }
}
