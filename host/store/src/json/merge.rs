//! Merge-patch (RFC 7396): how a payload changes the state.

use serde_json::{Map, Value};

/// Merges `patch` into `target`: a null removes its member, an object is merged into what is there, anything else takes
/// its place. Recursion is bounded by the depth of the patch, which was checked when it was parsed.
pub(crate) fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.remove(&name);
            }
            Value::Object(members) => merge(object_at(target, name), members),
            other => {
                target.insert(name, other);
            }
        }
    }
}

/// The object under a name; an empty one takes the place of anything else.
fn object_at(target: &mut Map<String, Value>, name: String) -> &mut Map<String, Value> {
    let slot = target.entry(name).or_insert(Value::Null);
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    match slot {
        Value::Object(members) => members,
        _ => unreachable!("an object was put there if none was"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn merged(original: &Value, patch: &Value) -> Value {
        let (Value::Object(mut target), Value::Object(patch)) = (json!({"_": original}), json!({"_": patch})) else {
            unreachable!("both are objects")
        };
        merge(&mut target, patch);
        target.remove("_").unwrap_or(Value::Null)
    }

    /// RFC 7396, appendix A, one level down: the state itself is always an object.
    #[test]
    fn the_examples_of_the_rfc() {
        let examples = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ];
        for (original, patch, result) in examples {
            assert_eq!(merged(&original, &patch), result, "{original} + {patch}");
        }
    }
}
