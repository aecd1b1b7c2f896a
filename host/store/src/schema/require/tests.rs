//! What is required, decided by layers, is what a fold would find.

use proptest::prelude::*;
use serde_json::json;

use super::{super::Schema, *};
use crate::{SchemaDocument, json::merge};

/// A schema that requires things at three depths, beside each other and below what is not required.
fn schema() -> Schema {
    let inner =
        json!({"type": "object", "properties": {"a": {"type": "json", "required": true}, "b": {"type": "json"}}});
    let required = json!({
        "type": "object", "required": true,
        "properties": {"a": {"type": "json", "required": true}, "b": inner, "c": {"type": "json"}},
    });
    let optional = json!({"type": "object", "properties": {"a": inner, "c": {"type": "json", "required": true}}});
    let document = json!({
        "aggregate": "thing",
        "fields": {"a": {"type": "json", "required": true}, "b": required, "c": optional},
    });
    Schema::new(SchemaDocument::parse(&document.to_string()).expect("valid"))
}

/// What is missing from a folded state, by looking at it.
fn missing_in(members: &Members, state: &Map<String, Value>, above: &str, missing: &mut Vec<String>) {
    for (name, field) in &members.fields {
        let pointer = format!("{above}/{name}");
        let value = state.get(name).filter(|value| !value.is_null());
        if field.required && value.is_none() {
            missing.push(pointer.clone());
        }
        if let (Some(members), Some(Value::Object(state))) = (field.column.members(), value) {
            missing_in(members, state, &pointer, missing);
        }
    }
}

fn value(depth: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![2 => Just(json!(null)), 1 => Just(json!(1)), 1 => Just(json!([null]))];
    leaf.prop_recursive(depth, 32, 3, |inner| {
        proptest::collection::btree_map("[abc]", inner, 0..4)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
    })
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::btree_map("[abc]", value(3), 0..4).prop_map(|members| members.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Looking at the layers decides what folding them would.
    #[test]
    fn requirements_are_those_of_the_folded_state(layers in proptest::collection::vec(object(), 1..6)) {
        let schema = schema();
        let mut folded = layers.last().cloned().unwrap_or_default();
        for layer in layers.iter().rev().skip(1) {
            merge(&mut folded, layer.clone());
        }
        let mut expected = Vec::new();
        missing_in(&schema.document().members, &folded, "", &mut expected);
        let layers: Vec<&Map<String, Value>> = layers.iter().collect();
        prop_assert_eq!(schema.required().missing(&layers), expected, "{:?}", folded);
    }
}

#[test]
fn no_layers_are_an_empty_state() {
    assert_eq!(schema().required().missing(&[]), ["/a", "/b"]);
    assert!(!schema().required().is_empty());
}
