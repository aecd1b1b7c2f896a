//! `dbx aggregate get`: an aggregate as it is, or as it was.

use std::fmt::Write as _;

use eventdbx_node::wire::{AggregateView, ResolvedReference};

use super::{Name, When};
use crate::{
    command::events,
    json,
    output::{self, DIM},
    session::Session,
};

/// Most characters of the state of a referred aggregate that people are shown.
const STATE_CHARS: usize = 72;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    name: Name,
    #[command(flatten)]
    when: When,
    /// With its events
    #[arg(long)]
    include_events: bool,
    /// With what the references in the state lead to, followed so many steps, at most 8
    #[arg(long, value_name = "STEPS")]
    resolve: Option<usize>,
    /// With the fields that schemas hide
    #[arg(long)]
    hidden: bool,
    /// With --include-events: old events in the shape that the active schema gives them
    #[arg(long, requires = "include_events")]
    upcast: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let target = session.at(["aggregates", &self.name.kind, &self.name.id]);
        let target = self
            .when
            .of(target)
            .flag("include_events", self.include_events)
            .query("resolve", self.resolve)
            .flag("hidden", self.hidden)
            .flag("upcast", self.upcast);
        session.format.answer(&session.get(target).await?, text)
    }
}

fn text(aggregate: &AggregateView) -> String {
    let archived = if aggregate.archived { " (archived)" } else { "" };
    let mut text = output::pairs([
        ("aggregate", format!("{}/{}{archived}", aggregate.aggregate_type, aggregate.aggregate_id)),
        ("version", aggregate.version.to_string()),
        ("created", aggregate.created_at.clone()),
        ("updated", aggregate.updated_at.clone()),
        ("root", aggregate.root.clone()),
        ("state", json::pretty(aggregate.state.get())),
    ]);
    if let Some(references) = &aggregate.references {
        text.push_str("\n\nreferences");
        add_references(references, 1, &mut text);
    }
    if let Some(rows) = &aggregate.events {
        text.push_str("\n\n");
        text.push_str(&events::table(rows));
    }
    text
}

/// One line for each reference, those of what it leads to below it.
fn add_references(references: &[ResolvedReference], depth: usize, text: &mut String) {
    if references.is_empty() && depth == 1 {
        text.push_str(": none");
    }
    for reference in references {
        let ResolvedReference { path, domain, aggregate_type, aggregate_id, status, .. } = reference;
        let indent = "  ".repeat(depth);
        let state = reference.state.as_ref().map(|state| output::cut(&json::compact(state.get()), STATE_CHARS));
        let archived = if reference.archived == Some(true) { " (archived)" } else { "" };
        let what = state.unwrap_or_else(|| status.as_str().to_owned());
        let _ = write!(text, "\n{indent}{path} {domain}#{aggregate_type}#{aggregate_id}{archived} {DIM}{what}{DIM:#}");
        add_references(&reference.references, depth + 1, text);
    }
}
