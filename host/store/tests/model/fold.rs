//! How a state changes, written as naively as the two RFCs allow.

use serde_json::{Map, Value};

/// RFC 7396, as its pseudo code has it.
pub(crate) fn merge(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut members = match target {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            let before = members.remove(name).unwrap_or(Value::Null);
            members.insert(name.clone(), merge(before, value));
        }
    }
    Value::Object(members)
}

/// RFC 6902: the state after a patch, or none where an operation does not apply or no object is left.
pub(crate) fn patch(mut state: Value, operations: &Value) -> Option<Value> {
    for operation in operations.as_array()? {
        apply(&mut state, operation)?;
    }
    state.is_object().then_some(state)
}

fn apply(state: &mut Value, operation: &Value) -> Option<()> {
    let path = operation["path"].as_str()?;
    match operation["op"].as_str()? {
        "add" => add(state, path, operation["value"].clone()),
        "remove" => remove(state, path).map(drop),
        "replace" => {
            *state.pointer_mut(path)? = operation["value"].clone();
            Some(())
        }
        "test" => (*state.pointer(path)? == operation["value"]).then_some(()),
        "copy" => {
            let value = state.pointer(operation["from"].as_str()?)?.clone();
            add(state, path, value)
        }
        "move" => {
            let from = operation["from"].as_str()?;
            if path.starts_with(&format!("{from}/")) {
                return None;
            }
            let value = remove(state, from)?;
            add(state, path, value)
        }
        other => panic!("the model knows no operation {other}"),
    }
}

fn add(state: &mut Value, path: &str, value: Value) -> Option<()> {
    let (parent, last) = path.rsplit_once('/')?;
    match state.pointer_mut(parent)? {
        Value::Object(members) => drop(members.insert(last.to_owned(), value)),
        Value::Array(elements) if last == "-" => elements.push(value),
        Value::Array(elements) => {
            let index = index(last).filter(|index| *index <= elements.len())?;
            elements.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(state: &mut Value, path: &str) -> Option<Value> {
    let (parent, last) = path.rsplit_once('/')?;
    match state.pointer_mut(parent)? {
        Value::Object(members) => members.remove(last),
        Value::Array(elements) => {
            let index = index(last).filter(|index| *index < elements.len())?;
            Some(elements.remove(index))
        }
        _ => None,
    }
}

fn index(text: &str) -> Option<usize> {
    text.parse().ok()
}
