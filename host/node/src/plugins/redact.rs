//! Taking what is secret out of a configuration, for whoever shows it or hands it on.

use serde_json::{Map, Value};

use super::secrets;

/// A member whose name has one of these in it is taken for a secret, whatever the schema of the configuration says.
const TELLING: [&str; 7] = ["secret", "password", "passphrase", "token", "credential", "private", "key"];

/// A configuration as it is shown: with `(redacted)` for its secrets. A reference to a secret is none itself.
pub(super) fn config(config: &Map<String, Value>, schema: &str) -> Map<String, Value> {
    let (mut config, schema) = (config.clone(), serde_json::from_str(schema).unwrap_or_default());
    each_secret(&mut config, &schema, &mut |_, value| {
        if !value.as_str().is_some_and(secrets::is_reference) {
            *value = "(redacted)".into();
        }
    });
    config
}

/// Calls `found` with the place (a JSON Pointer) and the value of each secret: what the schema marks with
/// `"writeOnly": true` or `"format": "password"`, and what is called like one.
pub(super) fn each_secret(
    members: &mut Map<String, Value>,
    schema: &Value,
    found: &mut impl FnMut(String, &mut Value),
) {
    walk(members, schema, "", found);
}

fn walk(members: &mut Map<String, Value>, schema: &Value, at: &str, found: &mut impl FnMut(String, &mut Value)) {
    for (name, value) in members {
        let schema = &schema["properties"][name.as_str()];
        let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        if is_secret(name, schema) { found(at, value) } else { within(value, schema, &at, found) }
    }
}

fn within(value: &mut Value, schema: &Value, at: &str, found: &mut impl FnMut(String, &mut Value)) {
    match value {
        Value::Object(object) => walk(object, schema, at, found),
        Value::Array(array) => {
            for (index, value) in array.iter_mut().enumerate() {
                within(value, &schema["items"], &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn is_secret(name: &str, schema: &Value) -> bool {
    let name = name.to_lowercase();
    schema["writeOnly"] == true || schema["format"] == "password" || TELLING.iter().any(|word| name.contains(word))
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
