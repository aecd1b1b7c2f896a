//! Hidden fields: what is taken out of every output unless the caller may see it.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    compiled::Schema,
    place::{Path, steps},
};

impl Schema {
    /// The hidden fields, as JSON Pointers in the order of the schema, and then under the names that they had before
    /// (`upcasts`). What lies in a hidden field is hidden with it and not listed.
    #[must_use]
    pub fn hidden_pointers(&self) -> Vec<String> {
        self.hidden.iter().map(Path::to_string).collect()
    }

    /// Whether there are hidden fields.
    #[must_use]
    pub fn hides(&self) -> bool {
        !self.hidden.is_empty()
    }

    /// Takes the hidden fields out of a payload or a state.
    pub fn remove_hidden(&self, value: &mut Value) {
        let Value::Object(members) = value else { return };
        for path in &self.hidden {
            path.remove(members);
        }
    }

    /// The parsed JSON Patch without the operations that touch hidden fields or read them (`from` included), and without the
    /// hidden members of the values that the others set.
    pub fn remove_hidden_from_patch(&self, operations: &mut Value) {
        let Value::Array(operations) = operations else { return };
        operations.retain_mut(|operation| !self.touches_hidden(operation));
    }

    /// Whether an operation is to be left out; if not, hidden members are taken out of its value.
    fn touches_hidden(&self, operation: &mut Value) -> bool {
        let at = |operation: &Value, member: &str| {
            let pointer = operation.get(member)?.as_str()?;
            Some(steps(pointer)?.into_iter().map(Cow::into_owned).collect::<Vec<String>>())
        };
        let (path, from) = (at(operation, "path"), at(operation, "from"));
        let into_hidden = |steps: &[String]| self.hidden.iter().any(|hidden| steps.starts_with(hidden.steps()));
        // A value that was moved or copied is not in the patch; whether it holds hidden members cannot be seen.
        let over_hidden = |steps: &[String]| self.hidden.iter().any(|hidden| hidden.steps().starts_with(steps));
        if path.as_deref().is_some_and(into_hidden)
            || from.as_deref().is_some_and(|from| into_hidden(from) || over_hidden(from))
        {
            return true;
        }
        let (Some(path), Some(value)) = (path, operation.get_mut("value")) else { return false };
        for hidden in &self.hidden {
            if let Some((last, above)) = hidden.steps().strip_prefix(path.as_slice()).and_then(<[String]>::split_last)
                && let Some(holder) = above.iter().try_fold(&mut *value, |value, step| value.get_mut(step))
                && let Some(members) = holder.as_object_mut()
            {
                members.remove(last);
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::SchemaDocument;

    fn schema() -> Schema {
        let document = json!({
            "aggregate": "person",
            "fields": {
                "name": {"type": "text"},
                "a/b": {"type": "text", "hidden": true},
                "address": {
                    "type": "object",
                    "properties": {
                        "city": {"type": "text"},
                        "door": {
                            "type": "object", "hidden": true,
                            "properties": {"code": {"type": "text", "hidden": true}},
                        },
                    },
                },
            },
        });
        Schema::new(SchemaDocument::parse(&document.to_string()).expect("valid"))
    }

    #[test]
    fn hidden_fields_are_listed_and_removed() {
        assert_eq!(schema().hidden_pointers(), ["/a~1b", "/address/door"]);
        let mut state = json!({"name": "Ada", "a/b": "x", "address": {"city": "London", "door": {"code": "1"}}});
        schema().remove_hidden(&mut state);
        assert_eq!(state, json!({"name": "Ada", "address": {"city": "London"}}));
        let mut odd = json!({"address": "none"});
        schema().remove_hidden(&mut odd);
        assert_eq!(odd, json!({"address": "none"}));
    }

    #[test]
    fn a_hidden_field_is_hidden_under_its_old_names_too() {
        let document = json!({
            "aggregate": "person",
            "fields": {
                "mail": {"type": "text", "hidden": true},
                "home": {"type": "object", "properties": {"door": {"type": "text", "hidden": true}}},
                "keys": {"type": "object", "hidden": true},
            },
            "upcasts": [
                {"from": 1, "rename": {"/post": "/email", "/code": "/keys/code"}},
                {"from": 2, "rename": {"/email": "/mail", "/address": "/home"}},
            ],
        });
        let schema = Schema::new(SchemaDocument::parse(&document.to_string()).expect("valid"));
        let expected = ["/home/door", "/keys", "/mail", "/address/door", "/email", "/post", "/code"];
        let (mut found, mut all) = (schema.hidden_pointers(), expected.map(str::to_owned));
        found.sort_unstable();
        all.sort_unstable();
        assert_eq!(found, all);
        let mut state = json!({"email": "x", "post": "x", "code": 1, "address": {"door": "x", "city": "Rome"}});
        schema.remove_hidden(&mut state);
        assert_eq!(state, json!({"address": {"city": "Rome"}}));
    }

    #[test]
    fn a_patch_loses_what_touches_hidden_fields() {
        let mut patch = json!([
            {"op": "add", "path": "/a~1b", "value": "x"},
            {"op": "replace", "path": "/address/door/code", "value": "x"},
            {"op": "copy", "from": "/a~1b", "path": "/name"},
            {"op": "move", "from": "/address", "path": "/old"},
            {"op": "test", "path": "/address/door", "value": {"code": "1"}},
            {"op": "add", "path": "/address", "value": {"city": "London", "door": {"code": "1"}}},
            {"op": "replace", "path": "", "value": {"name": "Ada", "a/b": "x"}},
            {"op": "copy", "from": "/name", "path": "/address/city"},
            {"op": "remove", "path": "/address"},
        ]);
        schema().remove_hidden_from_patch(&mut patch);
        let left = json!([
            {"op": "add", "path": "/address", "value": {"city": "London"}},
            {"op": "replace", "path": "", "value": {"name": "Ada"}},
            {"op": "copy", "from": "/name", "path": "/address/city"},
            {"op": "remove", "path": "/address"},
        ]);
        assert_eq!(patch, left);
    }
}
