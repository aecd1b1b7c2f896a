//! `dbx schema create|add|alter`: types and their events.

use serde_json::{Map, Value, json};

use super::{
    Kind,
    document::{How, Put, edit, flag, show},
};
use crate::{
    fail::{self, Failure},
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    #[command(flatten)]
    kind: Kind,
    /// An event type that may be written; may be repeated. Without any, all may
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<String>,
    /// Refuse fields that are not declared
    #[arg(long)]
    closed: bool,
    /// A remark for people
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    #[command(flatten)]
    kind: Kind,
    /// The event type
    #[arg(long, value_name = "EVENT")]
    event: String,
    /// A field that it may carry; may be repeated. Without any, it may carry all that are declared
    #[arg(long = "field", value_name = "FIELD")]
    fields: Vec<String>,
    /// A field that each such event must set; may be repeated
    #[arg(long = "required", value_name = "FIELD")]
    required: Vec<String>,
    /// Take the event type off the list instead
    #[arg(long, conflicts_with_all = ["fields", "required"])]
    remove: bool,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Alter {
    #[command(flatten)]
    kind: Kind,
    /// Whether fields that are not declared are accepted
    #[arg(long, value_name = "BOOL")]
    additional: Option<bool>,
    /// Whether event types that are not listed are accepted
    #[arg(long, value_name = "BOOL")]
    additional_events: Option<bool>,
    /// Whether payloads are committed to member by member, so that one can be taken out later
    #[arg(long, value_name = "BOOL")]
    redactable: Option<bool>,
    /// After how many events of an aggregate a snapshot is taken; none: as the domain has it
    #[arg(long, value_name = "N|none")]
    snapshot_threshold: Option<String>,
    #[command(flatten)]
    how: How,
}

impl Create {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let mut document = Map::from_iter([("aggregate".to_owned(), Value::from(self.kind.kind.as_str()))]);
        flag(&mut document, "additional", !self.closed);
        if let Some(note) = &self.note {
            document.insert("note".to_owned(), note.as_str().into());
        }
        if !self.events.is_empty() {
            let events: Map<_, _> = self.events.iter().map(|event| (event.clone(), json!({}))).collect();
            document.insert("events".to_owned(), Value::Object(events));
        }
        let document = Value::Object(document).to_string();
        let put = Put { kind: &self.kind.kind, document, expect: Some(0), note: None, how: &self.how };
        let answer = put.send(session).await?;
        show(session, &answer, self.how.dry_run)
    }
}

impl Add {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let Self { kind, event, fields, required, remove, how } = self;
        let change = |document: &mut Map<String, Value>| {
            let events = document.entry("events").or_insert_with(|| json!({}));
            let Value::Object(events) = events else { return Ok(()) };
            if remove {
                let known = events.remove(&event).is_some();
                return if known { Ok(()) } else { Err(unknown_event(&event).into()) };
            }
            let rules = events.entry(event).or_insert_with(|| json!({}));
            list(rules, "fields", fields.iter().chain(&required), !fields.is_empty());
            list(rules, "required", required.iter(), !required.is_empty());
            Ok(())
        };
        edit(session, &kind.kind, &how, change).await
    }
}

/// Adds names to a list of an event's rules. `make`: a list that is not there is made.
fn list<'n>(rules: &mut Value, name: &str, names: impl Iterator<Item = &'n String>, make: bool) {
    let Value::Object(rules) = rules else { return };
    if make {
        rules.entry(name).or_insert_with(|| json!([]));
    }
    let Some(Value::Array(list)) = rules.get_mut(name) else { return };
    for name in names {
        if !list.iter().any(|known| known == name) {
            list.push(name.as_str().into());
        }
    }
}

pub(super) fn unknown_event(event: &str) -> Failure {
    Failure::new(fail::Kind::NotFound, format!("the schema lists no event {event}"))
        .hint("`dbx schema add TYPE --event EVENT` lists one")
}

impl Alter {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let Self { kind, additional, additional_events, redactable, snapshot_threshold, how } = self;
        let threshold = snapshot_threshold.map(|text| threshold(&text)).transpose()?;
        let change = |document: &mut Map<String, Value>| {
            let flags =
                [("additional", additional), ("additional_events", additional_events), ("redactable", redactable)];
            for (name, set) in flags {
                if let Some(set) = set {
                    flag(document, name, set);
                }
            }
            match threshold {
                None => {}
                Some(None) => drop(document.remove("snapshot_threshold")),
                Some(Some(count)) => drop(document.insert("snapshot_threshold".to_owned(), count.into())),
            }
            Ok(())
        };
        edit(session, &kind.kind, &how, change).await
    }
}

/// None: no threshold.
fn threshold(text: &str) -> anyhow::Result<Option<u64>> {
    if text == "none" {
        return Ok(None);
    }
    let bad = |_| Failure::new(fail::Kind::Usage, format!("--snapshot-threshold {text:?} is no number of events"));
    Ok(text.parse().map(Some).map_err(bad)?)
}
