//! A payload mode that takes e-mail addresses out of what other plugins see: in any text, at any depth.

use eventdbx_plugin_sdk::{
    Descriptor, NoConfig, export_payload_mode,
    shape::{About, Content, PayloadMode},
};
use serde_json::Value;

export_payload_mode!(RedactEmails);

/// The mode.
pub struct RedactEmails;

impl PayloadMode for RedactEmails {
    type Config = NoConfig;

    fn describe() -> Descriptor {
        Descriptor::new().every_part()
    }

    fn shape(_: &NoConfig, _: &About<'_>, content: &mut Content) -> bool {
        content.parts().for_each(redact);
        true
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('@') => *text = redacted(text),
        Value::Array(elements) => elements.iter_mut().for_each(redact),
        Value::Object(members) => members.values_mut().for_each(redact),
        _ => {}
    }
}

/// The text with a mark in the place of every word that is an address.
fn redacted(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.split_once('@') {
        Some((name, host)) if !name.is_empty() && host.contains('.') => "[e-mail]",
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_go_and_the_rest_stays() {
        let about = About { aggregate_type: "customer", aggregate_id: "c-1", event_type: "moved" };
        let payload = json!({"to": ["ada@example.org", "x"], "note": "ask ada@example.org @ noon", "n": 1});
        let mut content = Content { payload: Some(payload), ..Content::default() };
        assert!(RedactEmails::shape(&NoConfig {}, &about, &mut content));
        let expected = json!({"to": ["[e-mail]", "x"], "note": "ask [e-mail] @ noon", "n": 1});
        assert_eq!(content, Content { payload: Some(expected), ..Content::default() });
    }
}
