//! `dbx status`.

use std::time::Duration;

use eventdbx_node::wire::{RunState, StatusResponse};

use crate::{
    output::{self, GREEN, YELLOW},
    session::Session,
};

/// Say whether the daemon runs, and where its log ends
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        session.format.answer(&session.get("/v1/status").await?, text)
    }
}

fn text(status: &StatusResponse) -> String {
    let state = match status.state {
        RunState::Running => format!("{GREEN}running{GREEN:#}"),
        RunState::Stopping => format!("{YELLOW}stopping{YELLOW:#}"),
    };
    let uptime = output::duration(Duration::from_secs(status.uptime_seconds));
    let pairs = output::pairs([
        ("daemon", format!("{state}, process {}, for {uptime}", status.pid)),
        ("version", status.version.clone()),
        ("data", status.data_dir.clone()),
    ]);
    let mut table = output::table(["domain", "position", "events", "aggregates", "plugins", "durability", "root"]);
    output::numbers(&mut table, &[1, 2, 3, 4]);
    for domain in &status.domains {
        table.add_row([
            domain.name.clone(),
            output::count(domain.position),
            output::count(domain.events),
            output::count(domain.aggregates),
            domain.plugins.to_string(),
            domain.durability.clone(),
            domain.root.chars().take(16).collect(),
        ]);
    }
    format!("{pairs}\n\n{}", output::render(&table))
}
