//! Posts each event as JSON to an HTTP endpoint: a webhook, or a serverless function.
//!
//! The lesson: a transport is one function. It says what it sends; where to, over which address and with which
//! credentials is the operator's business (`--grant http=hook=https://…`). The event id goes along as idempotency key, so
//! that the receiver can tell a repetition, and the body is signed with a key from the configuration, so that it can tell
//! us from anybody else.

use std::fmt::Write;

use eventdbx_plugin_sdk::*;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;

/// The configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The target that is posted to.
    target: String,
    /// Appended to the target's URL.
    path: String,
    /// Key of the signatures; without, there are none.
    key: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { target: "hook".to_owned(), path: "/".to_owned(), key: None }
    }
}

/// The plugin.
pub struct Webhook(Config);

impl Transport for Webhook {
    type Config = Config;

    fn describe() -> Descriptor {
        Descriptor::new().every_part().config_schema(json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "target": {"type": "string"},
                "path": {"type": "string", "pattern": "^/"},
                "key": {"type": "string", "minLength": 16},
            },
        }))
    }

    fn start(config: Config, _: &StartContext) -> Result<Self, Failure> {
        if config.key.as_ref().is_some_and(|key| key.len() < 16) {
            return Err(Failure::new("short-key", "the key of the signatures has less than 16 bytes"));
        }
        Ok(Self(config))
    }

    fn send(&mut self, event: &Event<'_>, network: &dyn Network) -> Result<(), HandleError> {
        let body = event.to_json();
        let mut request = Request::post(&self.0.target, &self.0.path, body.as_bytes())
            .header("content-type", "application/json")
            .header("idempotency-key", event.event_id())
            .header("x-eventdbx-event", event.event_type());
        if let Some(key) = &self.0.key {
            request = request.header("x-eventdbx-signature", signature(key, body.as_bytes()));
        }
        network.http(&request)?.accepted()
    }
}

/// HMAC-SHA256 over the body, as `sha256=` and hexadecimal digits.
fn signature(key: &str, body: &[u8]) -> String {
    // An HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(body);
    let mut text = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

export_transport!(Webhook);

#[cfg(test)]
mod tests {
    use eventdbx_plugin_sdk::testing::{Draft, Log, Sender};

    use super::*;

    fn log(events: usize) -> Log {
        let mut log = Log::new();
        for n in 0..events {
            log.append(Draft::new("order", "1", "order_changed").payload(json!({ "n": n })));
        }
        log
    }

    #[test]
    fn posts_each_event_once_and_signed() {
        let mut hook = Sender::<Webhook>::new(&json!({"path": "/in", "key": "0123456789abcdef"}));
        hook.deliver(&log(2)).unwrap();
        hook.deliver(&log(2)).unwrap();
        let requests = hook.outside().requests();
        assert_eq!(requests.len(), 2);
        assert_eq!((requests[0].target.as_str(), requests[0].path.as_str()), ("hook", "/in"));
        let body: serde_json::Value = serde_json::from_slice(&requests[1].body).unwrap();
        assert_eq!((&body["payload"], &body["version"]), (&json!({"n": 1}), &json!(2)));
        let expected = signature("0123456789abcdef", &requests[1].body);
        assert!(requests[1].headers.contains(&("x-eventdbx-signature".to_owned(), expected)));
        assert!(requests[1].headers.contains(&("idempotency-key".to_owned(), "event-2".to_owned())));
    }

    #[test]
    fn what_was_not_taken_comes_again_and_nothing_before_it() {
        let mut hook = Sender::<Webhook>::new(&json!({}));
        hook.outside().status(200);
        hook.outside().status(503);
        assert_eq!(hook.deliver(&log(3)), Err("http-503".to_owned()));
        hook.deliver(&log(3)).unwrap();
        let ids = hook.outside().requests();
        let ids: Vec<_> = ids.iter().map(|request| request.headers[1].1.as_str()).collect();
        assert_eq!(ids, ["event-1", "event-2", "event-2", "event-3"]);
    }

    #[test]
    fn a_signature_is_the_one_of_rfc_4231() {
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", b"what do ya want for nothing?"), expected);
    }
}
