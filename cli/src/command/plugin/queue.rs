//! `dbx plugin queue`: what a plugin could not handle, parked until somebody decides.

use serde::Deserialize;
use serde_json::json;

use crate::{
    command::rows,
    input, json,
    output::{self, GREEN, YELLOW},
    session::Session,
};

/// Look after what a plugin could not handle
///
/// An event that fails again and again is parked, and with it all that follow in its aggregate; the rest goes on.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List parked aggregates
    List(Plugin),
    /// Show a parked aggregate with what the plugin would be given
    Show(Entry),
    /// Give a parked aggregate to the plugin again
    Retry(Choice),
    /// Have the first event of a parked aggregate delivered with another payload from now on
    ///
    /// The log keeps the payload that was written, and a replay into new tables reads that one. Then retry the entry.
    Edit(Edit),
    /// Let the plugin go on without what is parked
    Discard(Choice),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Plugin {
    /// Name of the plugin
    name: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Entry {
    /// Name of the plugin
    name: String,
    /// The entry, as `dbx plugin queue list` names it
    id: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Choice {
    /// Name of the plugin
    name: String,
    /// The entry, as `dbx plugin queue list` names it, or all
    id: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Edit {
    /// Name of the plugin
    name: String,
    /// The entry, as `dbx plugin queue list` names it
    id: String,
    /// The payload, as JSON: @FILE to read it from a file, - for standard input
    #[arg(value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    payload: String,
}

#[derive(Deserialize)]
struct Parked {
    id: String,
    aggregate_type: String,
    aggregate_id: String,
    first_position: u64,
    attempts: u32,
    reason: String,
    code: String,
    parked_at: String,
    edited: bool,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(flatten)]
    parked: Parked,
    deliveries: Vec<serde_json::Value>,
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::List(Plugin { name }) => {
                rows::print(session.format, &session.get(session.at(["plugins", &name, "queue"])).await?, table)
            }
            Self::Show(Entry { name, id }) => {
                let answer = session.get(session.at(["plugins", &name, "queue", &id])).await?;
                session.format.answer(&answer, detail)
            }
            Self::Edit(edit) => edit.run(session).await,
            Self::Retry(choice) => choice.settle(session, "retry", retried).await,
            Self::Discard(choice) => choice.settle(session, "discard", discarded).await,
        }
    }
}

impl Choice {
    async fn settle(self, session: &Session, verb: &str, told: fn(&Self, u64) -> String) -> anyhow::Result<()> {
        let answer = session.post(session.at(["plugins", &self.name, "queue", &self.id, verb]), &json!({})).await?;
        session.format.answer(&answer, |dealt: &Dealt| told(&self, dealt.entries))
    }
}

/// How many entries went through, or were given up.
#[derive(Deserialize)]
struct Dealt {
    entries: u64,
}

fn retried(Choice { name, id }: &Choice, entries: u64) -> String {
    match entries {
        0 => format!(
            "{YELLOW}nothing went through{YELLOW:#}: {id} of {name}; `dbx plugin queue list {name}` says what is parked, and why"
        ),
        _ => format!("{GREEN}retried{GREEN:#} {id} of {name}: {} went through", output::some(entries, "aggregate")),
    }
}

fn discarded(Choice { name, id }: &Choice, entries: u64) -> String {
    format!("{GREEN}discarded{GREEN:#} {id} of {name}: {}", output::some(entries, "aggregate"))
}

impl Edit {
    async fn run(self, session: &Session) -> anyhow::Result<()> {
        let payload = input::json("the payload", &self.payload)?;
        let target = session.at(["plugins", &self.name, "queue", &self.id, "edit"]);
        let answer = session.post(target, &json!({ "payload": payload })).await?;
        session.format.answer(&answer, |parked: &Parked| {
            let Parked { id, first_position, .. } = parked;
            format!(
                "{GREEN}edited{GREEN:#} {id} of {}: position {first_position} has another payload for it",
                self.name
            )
        })
    }
}

fn table(rows: &[Parked]) -> String {
    let mut table = output::table(["entry", "aggregate", "position", "attempts", "parked", "reason"]);
    output::numbers(&mut table, &[2, 3]);
    for parked in rows {
        table.add_row([
            &parked.id,
            &format!("{}/{}", parked.aggregate_type, parked.aggregate_id),
            &parked.first_position.to_string(),
            &parked.attempts.to_string(),
            &parked.parked_at,
            &if parked.edited { format!("{} (edited since)", parked.reason) } else { parked.reason.clone() },
        ]);
    }
    output::render(&table)
}

fn detail(detail: &Detail) -> String {
    let parked = &detail.parked;
    let pairs = output::pairs([
        ("entry", parked.id.clone()),
        ("aggregate", format!("{}/{}", parked.aggregate_type, parked.aggregate_id)),
        ("position", parked.first_position.to_string()),
        ("attempts", parked.attempts.to_string()),
        ("parked", parked.parked_at.clone()),
        ("code", parked.code.clone()),
        ("reason", parked.reason.clone()),
    ]);
    let deliveries = detail.deliveries.iter().map(|delivery| json::pretty(&delivery.to_string()));
    format!("{pairs}\n\n{}", deliveries.collect::<Vec<_>>().join("\n"))
}
