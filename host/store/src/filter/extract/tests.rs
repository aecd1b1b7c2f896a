//! What is taken out of a text equals what a JSON parser finds there, whatever the text.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn extracted<'t>(paths: &[&str], text: &'t str) -> Vec<Option<Datum<'t>>> {
    let mut tree = Tree::default();
    for (slot, path) in paths.iter().enumerate() {
        tree.want(&Path::parse(path).expect("a path"), slot);
    }
    let mut slots = vec![None; paths.len()];
    tree.extract(text, &mut slots);
    slots
}

#[test]
fn wanted_values_are_found() {
    let text =
        r#" { "a" : {"b\"": [ 1 , {"c":"x\ty"} ], "z": null } , "skip": [{"a":[]},"}"], "n" : -1.5e1, "t":true } "#;
    let paths = ["a", r#"a."b""".1.c"#, "a.z", "n", "t", "a.z.y", "missing", "skip.0.a"];
    let expected = [
        Some(Datum::Nested(r#"{"b\"": [ 1 , {"c":"x\ty"} ], "z": null }"#)),
        Some(Datum::text("x\ty")),
        Some(Datum::Null),
        Some(Datum::Number(-15.0)),
        Some(Datum::Bool(true)),
        None,
        None,
        Some(Datum::Nested("[]")),
    ];
    assert_eq!(extracted(&paths, text), expected);
}

#[test]
fn reading_ends_with_the_last_wanted_value() {
    assert_eq!(extracted(&["a"], r#"{"a":1,and here it is no JSON"#), [Some(Datum::Number(1.0))]);
}

#[test]
fn what_is_no_json_is_read_as_far_as_it_goes() {
    let broken =
        ["", "{", "[", "\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":\"\\", "{\"a\":1", "{\"a\" 1}", "{a:1}", "[1 2]"];
    for text in broken.into_iter().chain(["}", "]", "{]", "{\"a\":}", "{\"a\":[}", "{\"b\":{{{", "[,]", "é"]) {
        extracted(&["a", "a.b", "1"], text);
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ab\"\\\\\n{}\\[\\],é]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[ab0\"\\\\\n]{0,1}", inner), 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// What a slot holds, as a value.
fn held(slot: Option<&Datum<'_>>) -> Value {
    match slot {
        None | Some(Datum::Null | Datum::Time(_)) => Value::Null,
        Some(Datum::Bool(value)) => json!(value),
        Some(Datum::Number(value)) => json!(value),
        Some(Datum::Text(text)) => json!(text),
        Some(Datum::Nested(text)) => serde_json::from_str(text).expect("JSON"),
    }
}

/// Numbers as doubles, as slots hold them.
fn as_doubles(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn extracted_values_are_those_of_the_parsed_text(
        value in value(),
        pretty: bool,
        paths in prop::collection::btree_set(prop::collection::vec("[ab0\"\\\\\n]{0,1}|1", 0..4), 1..6),
    ) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.expect("serializes");
        let (mut tree, mut slots) = (Tree::default(), vec![None; paths.len()]);
        let pointers = paths.iter().map(|path| path.iter().map(|step| format!("/{step}")).collect::<String>());
        let pointers: Vec<String> = pointers.collect();
        for (slot, pointer) in pointers.iter().enumerate() {
            let path = Path::parse(pointer).unwrap_or_else(|_| Path::parse("a").expect("a path").rest());
            tree.want(&path, slot);
        }
        tree.extract(&text, &mut slots);
        for (pointer, slot) in pointers.iter().zip(&slots) {
            prop_assert_eq!(held(slot.as_ref()), value.pointer(pointer).map_or(Value::Null, as_doubles), "{} {}", pointer, text);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\a01é ]{0,24}") {
        extracted(&["a", "a.a", "0", "a.0.1"], &text);
    }
}
