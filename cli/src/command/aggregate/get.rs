//! `dbx aggregate get`: an aggregate as it is, or as it was.

use eventdbx_node::wire::AggregateView;

use super::{Name, When};
use crate::{command::events, json, output, session::Session};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    name: Name,
    #[command(flatten)]
    when: When,
    /// With its events
    #[arg(long)]
    include_events: bool,
    /// With the fields that schemas hide
    #[arg(long)]
    hidden: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let target = session.at(["aggregates", &self.name.kind, &self.name.id]);
        let target = self.when.of(target).flag("include_events", self.include_events).flag("hidden", self.hidden);
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
    if let Some(rows) = &aggregate.events {
        text.push_str("\n\n");
        text.push_str(&events::table(rows));
    }
    text
}
