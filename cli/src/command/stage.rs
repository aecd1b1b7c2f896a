//! `dbx stage`: what is put aside for one commit.

use eventdbx_node::wire::{AppendEvent, Dropped, Expect, Stage, StagedEvent};
use hyper::Method;

use super::rows;
use crate::{
    json,
    output::{self, Format, GREEN},
    session::Session,
};

/// Most characters of a body that people are shown.
const BODY_CHARS: usize = 72;

/// Look after the events that were put aside with --stage
///
/// They lie sealed in the daemon, one stage per domain, and survive its restart. `dbx commit` writes all of them at once.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List what is staged, in the order in which it will be written
    List,
    /// Drop a staged event, or all of them
    Drop(Choice),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Choice {
    /// The event, as `dbx stage list` numbers it, or all
    #[arg(value_name = "ID|all")]
    id: String,
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::List => list(session).await,
            Self::Drop(choice) => {
                let all = choice.id == "all";
                let target = session.at(["stage"].into_iter().chain((!all).then_some(choice.id.as_str())));
                let answer = session.call(Method::DELETE, target.as_ref(), bytes::Bytes::new()).await?;
                session.format.answer(&answer, |dropped: &Dropped| {
                    format!("{GREEN}dropped{GREEN:#} {}", output::some(dropped.dropped, "staged event"))
                })
            }
        }
    }
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let answer = session.get(session.at(["stage"])).await?;
    rows::print(session.format, &answer, table)?;
    let stage: Stage = serde_json::from_str(&answer)?;
    if stage.in_doubt {
        output::note("a commit was begun, and it is not known whether it was written: `dbx commit` settles it");
    } else if session.format == Format::Table && stage.events > 0 {
        let (events, size) = (output::some(stage.events, "event"), output::bytes(stage.bytes));
        output::note(&format!("{events}, {size}: `dbx commit` writes all of them at once"));
    }
    Ok(())
}

fn table(rows: &[StagedEvent]) -> String {
    let mut table = output::table(["id", "aggregate", "event", "expect", "staged", "body"]);
    output::numbers(&mut table, &[0]);
    for StagedEvent { id, staged_at, event, .. } in rows {
        let name = format!("{}/{}", event.aggregate_type, event.aggregate_id);
        table.add_row([&id.to_string(), &name, &event.event_type, &expected(event.expect), staged_at, &body(event)]);
    }
    output::render(&table)
}

fn expected(expect: Expect) -> String {
    match expect {
        Expect::Any => String::new(),
        Expect::None => "none".to_owned(),
        Expect::Existing => "existing".to_owned(),
        Expect::Version(version) => version.to_string(),
    }
}

fn body(event: &AppendEvent) -> String {
    let raw = event.payload.as_ref().or(event.patch.as_ref());
    output::cut(&raw.map(|raw| json::compact(raw.get())).unwrap_or_default(), BODY_CHARS)
}

/// What was staged just now, for people.
pub(super) fn staged(stage: &Stage) -> String {
    let lines = stage.rows.iter().map(|StagedEvent { id, event, .. }| {
        let AppendEvent { aggregate_type, aggregate_id, event_type, .. } = event;
        let all = output::some(stage.events, "event");
        format!("{GREEN}staged{GREEN:#} {aggregate_type}/{aggregate_id} {event_type}, id {id}; {all} in all")
    });
    lines.collect::<Vec<_>>().join("\n")
}
