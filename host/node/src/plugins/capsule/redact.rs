//! Taking secrets out of a configuration, and saying where they were.

use serde_json::{Map, Value};

use crate::plugins::redact::each_secret;

/// What stands in the place of a secret.
const REDACTED: &str = "<redacted>";

/// The configuration without its secrets, and where those were, as JSON Pointers.
pub(super) fn redacted(config: &Map<String, Value>, schema: &Value) -> (Map<String, Value>, Vec<String>) {
    let (mut config, mut places) = (config.clone(), Vec::new());
    each_secret(&mut config, schema, &mut |place, value| {
        *value = REDACTED.into();
        places.push(place);
    });
    (config, places)
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
