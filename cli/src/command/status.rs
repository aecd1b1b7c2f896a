//! `dbx status`.

use std::time::Duration;

use eventdbx_node::wire::{RunState, StatusResponse};

use super::domain;
use crate::{
    checkout::DEFAULT,
    output::{self, GREEN, YELLOW},
    session::Session,
};

/// Say whether the daemon runs, and where its log ends
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        session.format.answer(&session.get("/v1/status").await?, |status| text(status, &session.domain))
    }
}

fn text(status: &StatusResponse, current: &str) -> String {
    let state = match status.state {
        RunState::Running => format!("{GREEN}running{GREEN:#}"),
        RunState::Stopping => format!("{YELLOW}stopping{YELLOW:#}"),
    };
    let uptime = output::duration(Duration::from_secs(status.uptime_seconds));
    let mut pairs = vec![
        ("daemon", format!("{state}, process {}, for {uptime}", status.pid)),
        ("version", status.version.clone()),
        ("data", status.data_dir.clone()),
    ];
    if current != DEFAULT {
        pairs.push(("domain", current.to_owned()));
    }
    format!("{}\n\n{}", output::pairs(pairs), domain::table(&status.domains, current))
}
