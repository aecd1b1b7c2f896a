//! Publishes each event on a NATS subject, `PREFIX.AGGREGATE_TYPE.EVENT_TYPE`.
//!
//! The lesson: a key that the other side understands. With `Nats-Msg-Id` a JetStream stream drops what it has already, so
//! that an event that was sent twice stands there once. With `"acknowledged": true` each event waits for JetStream's own
//! answer; without, for the server's `PONG`, which says that it has read the event.

use std::time::Duration;

use eventdbx_plugin_sdk::*;
use serde::Deserialize;
use serde_json::json;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where JetStream answers to; each connection has subjects of its own account only.
const INBOX: &str = "_INBOX.eventdbx.ack";

/// The configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The target of the server.
    target: String,
    /// What subjects begin with.
    prefix: String,
    /// Whether a stream of JetStream takes these subjects, and is waited for.
    acknowledged: bool,
    /// For `CONNECT`.
    token: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { target: "nats".to_owned(), prefix: "events".to_owned(), acknowledged: false, token: None }
    }
}

/// The plugin, with its connection.
pub struct NatsPublish {
    config: Config,
    connection: Option<Box<dyn Connection>>,
}

impl Transport for NatsPublish {
    type Config = Config;

    fn describe() -> Descriptor {
        Descriptor::new().every_part().config_schema(json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "target": {"type": "string"},
                "prefix": {"type": "string", "minLength": 1},
                "acknowledged": {"type": "boolean"},
                "token": {"type": "string"},
            },
        }))
    }

    fn start(config: Config, _: &StartContext) -> Result<Self, Failure> {
        Ok(Self { config, connection: None })
    }

    fn send(&mut self, event: &Event<'_>, network: &dyn Network) -> Result<(), HandleError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect(network)?,
        };
        let subject = format!("{}.{}.{}", self.config.prefix, token(event.aggregate_type()), token(event.event_type()));
        let headers = format!("NATS/1.0\r\nNats-Msg-Id: {}\r\n\r\n", event.event_id());
        let body = event.to_json();
        let reply = if self.config.acknowledged { format!(" {INBOX}") } else { String::new() };
        let (head, all) = (headers.len(), headers.len() + body.len());
        let mut bytes = format!("HPUB {subject}{reply} {head} {all}\r\n{headers}{body}\r\n").into_bytes();
        if !self.config.acknowledged {
            bytes.extend(b"PING\r\n");
        }
        connection.send(&bytes)?;
        if self.config.acknowledged {
            stored(&mut *connection)?
        } else {
            pong(&mut *connection)?
        }
        self.connection = Some(connection);
        Ok(())
    }
}

impl NatsPublish {
    fn connect(&self, network: &dyn Network) -> Result<Box<dyn Connection>, HandleError> {
        let mut connection = network.connect(&self.config.target)?;
        let greeting = read_line(&mut *connection)?;
        if !greeting.starts_with("INFO ") {
            return Err(HandleError::fatal("no-nats", "what answers does not speak NATS' protocol"));
        }
        let mut options = json!({"verbose": false, "pedantic": false, "headers": true, "no_responders": true,
            "lang": "eventdbx", "version": API_VERSION});
        if let Some(token) = &self.config.token {
            options["auth_token"] = token.as_str().into();
        }
        connection.send(format!("CONNECT {options}\r\nSUB {INBOX} 1\r\nPING\r\n").as_bytes())?;
        pong(&mut *connection)?;
        Ok(connection)
    }
}

/// A part of a subject: what would divide it or match others is replaced.
fn token(name: &str) -> String {
    name.chars().map(|c| if c.is_whitespace() || matches!(c, '.' | '*' | '>') { '_' } else { c }).collect()
}

/// Waits until the server has read all that was sent.
fn pong(connection: &mut dyn Connection) -> Result<(), HandleError> {
    loop {
        let line = read_line(connection)?;
        match line.split(' ').next().unwrap_or_default() {
            "PONG" => return Ok(()),
            "PING" => connection.send(b"PONG\r\n")?,
            "-ERR" => return Err(refused(&line)),
            _ => {}
        }
    }
}

/// Waits until JetStream has stored the event, or says that it had it already.
fn stored(connection: &mut dyn Connection) -> Result<(), HandleError> {
    loop {
        let line = read_line(connection)?;
        let words: Vec<_> = line.split(' ').collect();
        match (words[0], words.last().and_then(|length| length.parse().ok())) {
            ("PING", _) => connection.send(b"PONG\r\n")?,
            ("-ERR", _) => return Err(refused(&line)),
            // With headers: nobody takes this subject.
            ("HMSG", Some(_)) => {
                let failure = Failure::new("no-stream", "no stream of JetStream takes this subject");
                return Err(HandleError::Retry(failure, None));
            }
            ("MSG", Some(length)) => return acknowledged(&read(connection, length)?),
            _ => {}
        }
    }
}

fn acknowledged(answer: &[u8]) -> Result<(), HandleError> {
    let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    if answer["stream"].is_string() && answer["error"].is_null() {
        return Ok(());
    }
    Err(HandleError::Retry(Failure::new("not-stored", "JetStream did not store the event"), None))
}

/// The server closes the connection after it has said so.
fn refused(line: &str) -> HandleError {
    let failure = |code| Failure::new(code, "the server refuses the connection or what was sent over it");
    if line.contains("Authorization") {
        HandleError::Fatal(failure("denied"))
    } else {
        HandleError::Retry(failure("refused"), None)
    }
}

fn read_line(connection: &mut dyn Connection) -> Result<String, OutboundError> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        line.extend(read(connection, 1)?);
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn read(connection: &mut dyn Connection, length: u32) -> Result<Vec<u8>, OutboundError> {
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < u64::from(length) {
        let left = length - bytes.len() as u32;
        match connection.receive(left, PATIENCE)? {
            none if none.is_empty() => return Err(OutboundError::Closed),
            some => bytes.extend(some),
        }
    }
    Ok(bytes)
}

export_transport!(NatsPublish);

#[cfg(test)]
mod tests {
    use eventdbx_plugin_sdk::testing::{Draft, Log, Sender};

    use super::*;

    #[test]
    fn publishes_with_the_event_id_as_key() {
        let mut nats = Sender::<NatsPublish>::new(&json!({"token": "secret"}));
        nats.outside().greets(b"INFO {}\r\n");
        nats.outside().peer(|_| b"PONG\r\n".to_vec());
        let mut log = Log::new();
        log.append(Draft::new("or.der", "1", "order made"));
        nats.deliver(&log).unwrap();
        let text = String::from_utf8(nats.outside().bytes()).unwrap();
        assert!(text.contains("\"auth_token\":\"secret\"") && text.contains("Nats-Msg-Id: event-1\r\n\r\n{"), "{text}");
        assert!(text.contains("HPUB events.or_der.order_made 34 "), "{text}");
    }
}
