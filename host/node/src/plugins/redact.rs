//! A configuration as it may be shown: what is secret in it is not.

use serde_json::{Map, Value};

use super::secrets;

/// What is shown instead of a secret.
const REDACTED: &str = "(redacted)";
/// A member whose name has one of these in it is taken for a secret.
const TELLING: [&str; 6] = ["secret", "token", "password", "passphrase", "credential", "key"];

/// A configuration without its secrets: members that the plugin's schema marks as `writeOnly`, and those whose names say so.
/// A reference to a secret is none itself.
pub(super) fn config(config: &Map<String, Value>, schema: &str) -> Map<String, Value> {
    let schema = serde_json::from_str(schema).unwrap_or_default();
    members(config, &schema)
}

fn members(config: &Map<String, Value>, schema: &Value) -> Map<String, Value> {
    let shown = config.iter().map(|(name, value)| {
        let schema = &schema["properties"][name];
        let lower = name.to_lowercase();
        let secret = schema["writeOnly"] == Value::Bool(true) || TELLING.iter().any(|word| lower.contains(word));
        (name.clone(), if secret { hidden(value) } else { shown(value, schema) })
    });
    shown.collect()
}

fn shown(value: &Value, schema: &Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(members(object, schema)),
        Value::Array(elements) => elements.iter().map(|element| shown(element, &schema["items"])).collect(),
        other => other.clone(),
    }
}

fn hidden(value: &Value) -> Value {
    match value {
        Value::String(text) if secrets::is_reference(text) => value.clone(),
        _ => REDACTED.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_not_shown_and_references_to_them_are() {
        let given = json!({
            "url": "http://x", "signingKey": "CANARY", "pin": "CANARY", "apiToken": "{{secret:api}}",
            "targets": [{"password": "CANARY", "name": "a"}], "keys": ["CANARY"],
        });
        let schema = r#"{"properties":{"pin":{"writeOnly":true}}}"#;
        let shown = Value::Object(config(given.as_object().unwrap(), schema));
        assert!(!shown.to_string().contains("CANARY"), "{shown}");
        assert_eq!((&shown["url"], &shown["apiToken"]), (&json!("http://x"), &json!("{{secret:api}}")));
        assert_eq!(shown["targets"][0]["name"], "a");
    }
}
