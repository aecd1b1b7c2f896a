//! Taking secrets out of a configuration.

use serde_json::{Map, Value};

/// What stands in the place of a secret.
const REDACTED: &str = "<redacted>";
/// A member whose name has one of these words in it is a secret, whatever the schema of the configuration says.
const SECRET_WORDS: [&str; 7] = ["secret", "password", "passphrase", "token", "credential", "private", "key"];

/// The configuration without its secrets, and where those were, as JSON Pointers. A secret is what the schema marks with
/// `"writeOnly": true` or `"format": "password"`, and what is called like one.
pub(super) fn redacted(config: &Map<String, Value>, schema: &Value) -> (Map<String, Value>, Vec<String>) {
    let (mut config, mut places) = (config.clone(), Vec::new());
    members(&mut config, schema, "", &mut places);
    (config, places)
}

fn members(members: &mut Map<String, Value>, schema: &Value, at: &str, places: &mut Vec<String>) {
    for (name, value) in members {
        let schema = &schema["properties"][name.as_str()];
        let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        if is_secret(name, schema) {
            *value = REDACTED.into();
            places.push(at);
        } else {
            within(value, schema, &at, places);
        }
    }
}

fn within(value: &mut Value, schema: &Value, at: &str, places: &mut Vec<String>) {
    match value {
        Value::Object(object) => members(object, schema, at, places),
        Value::Array(array) => {
            for (index, value) in array.iter_mut().enumerate() {
                within(value, &schema["items"], &format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
}

fn is_secret(name: &str, schema: &Value) -> bool {
    let name = name.to_lowercase();
    schema["writeOnly"] == true || schema["format"] == "password" || SECRET_WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_taken_out_wherever_they_are() {
        let config = json!({
            "url": "https://example.org", "API_Token": "t-1", "pin": 7, "retries": 3,
            "targets": [{ "name": "a", "Password": "p", "deep": { "hidden/one": "x" } }],
        });
        let deep = json!({ "properties": { "hidden/one": { "format": "password" } } });
        let schema = json!({ "properties": {
            "pin": { "writeOnly": true },
            "targets": { "items": { "properties": { "deep": deep } } },
        } });
        let (config, places) = redacted(config.as_object().unwrap(), &schema);
        assert_eq!(places, ["/API_Token", "/pin", "/targets/0/Password", "/targets/0/deep/hidden~1one"]);
        let text = Value::Object(config).to_string();
        assert!(!["t-1", "\"p\"", "\"x\"", "7"].iter().any(|secret| text.contains(secret)), "{text}");
        assert!(text.contains("https://example.org") && text.contains("\"retries\":3"), "{text}");
    }
}
