//! Sends each change of an aggregate, with what it was before and after, to a Redis stream, in the envelope that users of
//! Debezium know.
//!
//! The lesson: a transport has no tables. What stands in `after` comes with the delivery; what stood there before is
//! remembered from the last event of the aggregate, as long as the instance lives and the memory lasts. Where it is not
//! known, `before` is null, as it is with databases that do not log it, and consumers are prepared for that.

#[path = "../../redis.rs"]
mod redis;

use std::collections::HashMap;

use eventdbx_plugin_sdk::*;
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use self::redis::Redis;

/// States that are remembered. When there are as many, all are forgotten.
const REMEMBERED: usize = 10_000;

/// The configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The target of the server.
    target: String,
    /// What the names of streams begin with; the type of the aggregate follows.
    prefix: String,
    /// For `AUTH`.
    password: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { target: "redis".to_owned(), prefix: "cdc".to_owned(), password: None }
    }
}

/// The plugin, with its connection and what it remembers: version and state.
pub struct Cdc {
    redis: Redis,
    prefix: String,
    last: HashMap<(String, String), (u64, Box<RawValue>)>,
}

impl Transport for Cdc {
    type Config = Config;

    fn describe() -> Descriptor {
        Descriptor::new().state().config_schema(json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "target": {"type": "string"},
                "prefix": {"type": "string", "minLength": 1},
                "password": {"type": "string"},
            },
        }))
    }

    fn start(config: Config, _: &StartContext) -> Result<Self, Failure> {
        Ok(Self { redis: Redis::new(config.target, config.password), prefix: config.prefix, last: HashMap::new() })
    }

    fn send(&mut self, event: &Event<'_>, network: &dyn Network) -> Result<(), HandleError> {
        let after: Box<RawValue> = event.state()?;
        let key = (event.aggregate_type().to_owned(), event.aggregate_id().to_owned());
        let before = self.last.get(&key).filter(|(version, _)| version + 1 == event.version()).map(|(_, state)| state);
        let change = json!({
            "before": before,
            "after": after,
            "op": operation(event),
            "ts_ms": event.recorded_at_ms(),
            "source": {
                "connector": "eventdbx",
                "name": event.domain(),
                "table": event.aggregate_type(),
                "ts_ms": event.recorded_at_ms(),
                "position": event.position(),
                "event_id": event.event_id(),
                "event_type": event.event_type(),
            },
        });
        let (stream, change) = (format!("{}.{}", self.prefix, event.aggregate_type()), change.to_string());
        self.redis.command(network, &["XADD", &stream, "*", "key", event.aggregate_id(), "value", &change])?;
        if self.last.len() >= REMEMBERED {
            self.last.clear();
        }
        self.last.insert(key, (event.version(), after));
        Ok(())
    }
}

/// `c` for the first event of an aggregate, `r` in a replay, `u` for the rest.
fn operation(event: &Event<'_>) -> &'static str {
    match (event.mode(), event.version()) {
        (Mode::Replay, _) => "r",
        (_, 1) => "c",
        _ => "u",
    }
}

export_transport!(Cdc);

#[cfg(test)]
mod tests {
    use eventdbx_plugin_sdk::testing::{Draft, Log, Sender};
    use serde_json::Value;

    use super::*;

    #[test]
    fn before_is_what_after_was() {
        let mut log = Log::new();
        log.append(Draft::new("order", "1", "order_made").payload(json!({"n": 1})));
        log.append(Draft::new("order", "2", "order_made").payload(json!({"n": 7})));
        log.append(Draft::new("order", "1", "order_changed").payload(json!({"n": 2})));
        let mut cdc = Sender::<Cdc>::new(&json!({}));
        cdc.outside().peer(|_| b"$3\r\n1-0\r\n".to_vec());
        cdc.deliver(&log).unwrap();
        let text = String::from_utf8(cdc.outside().bytes()).unwrap();
        let changes = text.lines().filter(|line| line.starts_with('{'));
        let changes: Vec<Value> = changes.map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&changes[0]["op"], &changes[0]["before"]), (&json!("c"), &Value::Null));
        assert_eq!(
            (&changes[2]["op"], &changes[2]["before"], &changes[2]["after"]),
            (&json!("u"), &json!({"n": 1}), &json!({"n": 2}))
        );
        assert!(text.contains("cdc.order"));
    }
}
