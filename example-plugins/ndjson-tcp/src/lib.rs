//! Writes each event as one line of JSON to a TCP service, such as a log collector.
//!
//! The lesson: a connection is kept from one event to the next, and what a peer that says nothing has taken cannot be
//! known. So a peer that answers each line with one of its own is supported (`"acknowledged": true`): then an event counts
//! as sent when its answer is there. Without, lines that were on their way when the connection broke are lost.

use std::time::Duration;

use eventdbx_plugin_sdk::*;
use serde::Deserialize;
use serde_json::json;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The target that is written to.
    target: String,
    /// Whether the peer answers each line with a line.
    acknowledged: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { target: "lines".to_owned(), acknowledged: false }
    }
}

/// The plugin, with its connection.
pub struct NdjsonTcp {
    config: Config,
    connection: Option<Box<dyn Connection>>,
}

impl Transport for NdjsonTcp {
    type Config = Config;

    fn describe() -> Descriptor {
        Descriptor::new().every_part().config_schema(json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {"target": {"type": "string"}, "acknowledged": {"type": "boolean"}},
        }))
    }

    fn start(config: Config, _: &StartContext) -> Result<Self, Failure> {
        Ok(Self { config, connection: None })
    }

    fn send(&mut self, event: &Event<'_>, network: &dyn Network) -> Result<(), HandleError> {
        // Taken out, and put back only if all goes well: a connection of which nobody knows how it stands is dropped.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => network.connect(&self.config.target)?,
        };
        connection.send(format!("{}\n", event.to_json()).as_bytes())?;
        if self.config.acknowledged {
            read_line(&mut *connection)?;
        }
        self.connection = Some(connection);
        Ok(())
    }
}

/// Reads up to the end of a line, one byte at a time at most beyond what is there.
fn read_line(connection: &mut dyn Connection) -> Result<(), OutboundError> {
    loop {
        match connection.receive(1, PATIENCE)?.as_slice() {
            [] => return Err(OutboundError::Closed),
            [b'\n'] => return Ok(()),
            _ => {}
        }
    }
}

export_transport!(NdjsonTcp);

#[cfg(test)]
mod tests {
    use eventdbx_plugin_sdk::testing::{Draft, Log, Sender};

    use super::*;

    fn log() -> Log {
        let mut log = Log::new();
        log.append(Draft::new("order", "1", "order_made").payload(json!({"text": "two\nlines"})));
        log.append(Draft::new("order", "2", "order_made"));
        log
    }

    #[test]
    fn writes_a_line_per_event_over_one_connection() {
        let mut lines = Sender::<NdjsonTcp>::new(&json!({}));
        lines.deliver(&log()).unwrap();
        let text = String::from_utf8(lines.outside().bytes()).unwrap();
        let events: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0]["payload"]["text"], "two\nlines");
        assert_eq!(lines.outside().connections(), 1);
    }

    #[test]
    fn an_event_that_is_not_acknowledged_comes_again_over_a_new_connection() {
        let mut lines = Sender::<NdjsonTcp>::new(&json!({"acknowledged": true}));
        let mut answers = [&b"ok\n"[..], b"", b"ok\n"].into_iter();
        lines.outside().peer(move |_| answers.next().unwrap_or(b"ok\n").to_vec());
        assert_eq!(lines.deliver(&log()), Err("timed-out".to_owned()));
        lines.deliver(&log()).unwrap();
        let text = String::from_utf8(lines.outside().bytes()).unwrap();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(lines.outside().connections(), 2);
    }
}
