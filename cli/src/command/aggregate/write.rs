//! `dbx aggregate create|apply|patch`: one event, written and acknowledged, or put aside.

use eventdbx_node::wire::{
    AppendEvent, AppendRequest, AppendResponse, EventReceipt, Expect, Priority, Publish, Raw, StageRequest,
};
use serde::Deserialize;

use super::Name;
use crate::{
    command::stage,
    input,
    output::{self, GREEN, YELLOW},
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    #[command(flatten)]
    name: Name,
    /// Type of the event
    #[arg(long, value_name = "EVENT")]
    event: String,
    #[command(flatten)]
    body: Body,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    name: Name,
    /// Type of the event
    #[arg(value_name = "EVENT")]
    event: String,
    #[command(flatten)]
    body: Body,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Patch {
    #[command(flatten)]
    name: Name,
    /// Type of the event
    #[arg(value_name = "EVENT")]
    event: String,
    /// The operations: a JSON array, @FILE to read it from a file, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    patch: String,
    #[command(flatten)]
    options: Options,
}

/// The payload, in one of two ways; without both it is an empty object.
#[derive(Debug, clap::Args)]
struct Body {
    /// The payload: a JSON object, @FILE to read it from a file, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-", conflicts_with = "field", allow_hyphen_values = true)]
    payload: Option<String>,
    /// A member of the payload; may be repeated. A value that is JSON counts as such (42, true, "42"), any other is text
    #[arg(long, value_name = "NAME=VALUE")]
    field: Vec<String>,
}

impl Body {
    fn read(&self) -> anyhow::Result<Raw> {
        match &self.payload {
            Some(payload) => input::json("--payload", payload),
            None => input::fields(&self.field),
        }
    }
}

#[derive(Debug, clap::Args)]
struct Options {
    /// Refuse the write unless the aggregate is at this version (none: it does not exist)
    #[arg(long, value_name = "none|N", value_parser = expectation)]
    expect: Option<Expect>,
    /// Idempotency key: repeating the command with the same key writes nothing twice
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Put the event aside, sealed, until `dbx commit` writes everything that is staged
    #[arg(long, conflicts_with = "key")]
    stage: bool,
    /// Deliver the event to this plugin or subscription, and to no other that is not named too; may be repeated. MODE is the
    /// most that it gets of this event; PRIORITY is normal or urgent: NAME::urgent has no mode
    #[arg(long, value_name = "NAME[:MODE[:PRIORITY]]", value_parser = publish)]
    publish: Vec<Publish>,
    /// Deliver the event to no plugin and no subscription
    #[arg(long, conflicts_with = "publish")]
    no_emit: bool,
    /// About the event rather than of it: a JSON object, @FILE or -
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    metadata: Option<String>,
    /// A JSON object whose keys begin with @; or @FILE or -
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    extensions: Option<String>,
    /// A remark for people
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// When it happened, in RFC 3339, e.g. 2013-01-01T05:17:00-05:00
    #[arg(long, value_name = "TIME")]
    occurred_at: Option<String>,
}

/// Reads `--expect`.
fn expectation(text: &str) -> Result<Expect, String> {
    match text {
        "none" => Ok(Expect::None),
        "existing" => Ok(Expect::Existing),
        _ => text.parse().map(Expect::Version).map_err(|_| "none, existing, or a version: 1, 2, 3 …".to_owned()),
    }
}

/// Reads `--publish`.
fn publish(text: &str) -> Result<Publish, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (plugin, mode, priority) = match parts[..] {
        [plugin] => (plugin, "", ""),
        [plugin, mode] => (plugin, mode, ""),
        [plugin, mode, priority] => (plugin, mode, priority),
        _ => return Err("a name, and at most a payload mode and a priority behind it: mailer:event-only:urgent".into()),
    };
    let priority = match priority {
        "" | "normal" => Priority::Normal,
        "urgent" => Priority::Urgent,
        other => return Err(format!("{other:?} is no priority: normal or urgent")),
    };
    let mode = Some(mode.to_owned()).filter(|mode| !mode.is_empty());
    Ok(Publish { plugin: plugin.to_owned(), mode, priority })
}

impl Create {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let payload = Some(self.body.read()?);
        let event = AppendEvent { event_type: self.event, payload, expect: Expect::None, ..AppendEvent::default() };
        write(session, self.name, event, self.options).await
    }
}

impl Apply {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let payload = Some(self.body.read()?);
        let event = AppendEvent { event_type: self.event, payload, ..AppendEvent::default() };
        write(session, self.name, event, self.options).await
    }
}

impl Patch {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let patch = Some(input::json("--patch", &self.patch)?);
        let event = AppendEvent { event_type: self.event, patch, expect: Expect::Existing, ..AppendEvent::default() };
        write(session, self.name, event, self.options).await
    }
}

/// Completes the event by name and options, and writes it or puts it aside.
async fn write(session: &Session, name: Name, event: AppendEvent, options: Options) -> anyhow::Result<()> {
    let json = |what, text: Option<String>| text.map(|text| input::json(what, &text)).transpose();
    let event = AppendEvent {
        aggregate_type: name.kind,
        aggregate_id: name.id,
        metadata: json("--metadata", options.metadata)?,
        extensions: json("--extensions", options.extensions)?,
        note: options.note,
        occurred_at: options.occurred_at,
        emit: options.no_emit.then_some(false),
        publish: options.publish,
        expect: options.expect.unwrap_or(event.expect),
        ..event
    };
    if options.stage {
        let answer = session.post(session.at(["stage"]), &StageRequest { events: vec![event] }).await?;
        session.format.answer(&answer, stage::staged)?;
        return warn(&answer);
    }
    let request = AppendRequest { events: vec![event], key: options.key };
    let answer = session.post(session.at(["append"]), &request).await?;
    session.format.answer(&answer, receipt)?;
    warn(&answer)
}

/// Passes on what an answer warns of.
fn warn(answer: &str) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Warnings {
        #[serde(default)]
        warnings: Vec<String>,
    }

    for warning in serde_json::from_str::<Warnings>(answer)?.warnings {
        output::note(&format!("{YELLOW}warning:{YELLOW:#} {warning}"));
    }
    Ok(())
}

/// A receipt for people.
pub(in crate::command) fn receipt(receipt: &AppendResponse) -> String {
    let verb = if receipt.duplicate { format!("{YELLOW}known{YELLOW:#}") } else { format!("{GREEN}written{GREEN:#}") };
    let lines = receipt.events.iter().map(|event| {
        let EventReceipt { aggregate_type, aggregate_id, version, position, event_id, .. } = event;
        format!("{verb} {aggregate_type}/{aggregate_id} version {version}, position {position}, event {event_id}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_read_from_left_to_right() {
        let read = |text: &str| {
            let Publish { plugin, mode, priority } = publish(text).unwrap();
            (plugin, mode.unwrap_or_default(), priority)
        };
        for (text, plugin, mode, priority) in [
            ("mailer", "mailer", "", Priority::Normal),
            ("mailer:event-only", "mailer", "event-only", Priority::Normal),
            ("mailer:event-only:urgent", "mailer", "event-only", Priority::Urgent),
            ("mailer::urgent", "mailer", "", Priority::Urgent),
            ("mailer::normal", "mailer", "", Priority::Normal),
        ] {
            assert_eq!(read(text), (plugin.to_owned(), mode.to_owned(), priority), "{text}");
        }
        assert!(publish("a:b:urgent:d").is_err());
        assert!(publish("a:b:soon").unwrap_err().contains("normal or urgent"));
    }
}
