//! Adds each event to a Redis stream (`XADD`).
//!
//! The lesson: a protocol of one's own over a connection that the host opens, with each event acknowledged before the next
//! one is sent. An event may stand twice in the stream if the connection broke between the command and its answer; its id
//! stands beside it, by which a reader tells.

#[path = "../../redis.rs"]
mod redis;

use eventdbx_plugin_sdk::*;
use serde::Deserialize;
use serde_json::json;

use self::redis::Redis;

/// The configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The target of the server.
    target: String,
    /// The stream that is added to.
    stream: String,
    /// Entries that the stream keeps, about; none: all.
    max_length: Option<u64>,
    /// For `AUTH`.
    password: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { target: "redis".to_owned(), stream: "events".to_owned(), max_length: None, password: None }
    }
}

/// The plugin, with its connection.
pub struct RedisStream {
    redis: Redis,
    stream: String,
    max_length: Option<String>,
}

impl Transport for RedisStream {
    type Config = Config;

    fn describe() -> Descriptor {
        Descriptor::new().every_part().config_schema(json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "target": {"type": "string"},
                "stream": {"type": "string", "minLength": 1},
                "max_length": {"type": "integer", "minimum": 1},
                "password": {"type": "string"},
            },
        }))
    }

    fn start(config: Config, _: &StartContext) -> Result<Self, Failure> {
        Ok(Self {
            redis: Redis::new(config.target, config.password),
            stream: config.stream,
            max_length: config.max_length.map(|length| length.to_string()),
        })
    }

    fn send(&mut self, event: &Event<'_>, network: &dyn Network) -> Result<(), HandleError> {
        let mut words = vec!["XADD", self.stream.as_str()];
        if let Some(length) = &self.max_length {
            words.extend(["MAXLEN", "~", length]);
        }
        let body = event.to_json();
        words.extend(["*", "event_id", event.event_id(), "type", event.event_type(), "event", &body]);
        self.redis.command(network, &words)
    }
}

export_transport!(RedisStream);

#[cfg(test)]
mod tests {
    use eventdbx_plugin_sdk::testing::{Draft, Log, Sender};

    use super::*;

    fn log() -> Log {
        let mut log = Log::new();
        log.append(Draft::new("order", "1", "order_made"));
        log.append(Draft::new("order", "1", "order_paid"));
        log
    }

    #[test]
    fn adds_each_event_after_the_one_before_was_acknowledged() {
        let mut redis = Sender::<RedisStream>::new(&json!({"stream": "s", "max_length": 9}));
        redis.outside().peer(|_| b"$3\r\n1-0\r\n".to_vec());
        redis.deliver(&log()).unwrap();
        let text = String::from_utf8(redis.outside().bytes()).unwrap();
        let start = "*12\r\n$4\r\nXADD\r\n$1\r\ns\r\n$6\r\nMAXLEN\r\n$1\r\n~\r\n$1\r\n9\r\n$1\r\n*\r\n";
        assert!(text.starts_with(start), "{text}");
        assert_eq!(text.matches("XADD").count(), 2);
    }

    #[test]
    fn an_error_of_the_server_says_what_becomes_of_the_event() {
        for (answer, code) in
            [("-LOADING wait\r\n", "redis"), ("-NOAUTH no\r\n", "redis"), ("HTTP/1.1\r\n", "no-redis")]
        {
            let mut redis = Sender::<RedisStream>::new(&json!({}));
            redis.outside().peer(move |_| answer.as_bytes().to_vec());
            assert_eq!(redis.deliver(&log()), Err(code.to_owned()));
        }
        let mut redis = Sender::<RedisStream>::new(&json!({"password": "secret"}));
        redis.outside().peer(|_| b"+OK\r\n".to_vec());
        redis.deliver(&log()).unwrap();
        assert!(redis.outside().bytes().starts_with(b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"));
    }
}
