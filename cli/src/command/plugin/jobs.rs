//! `dbx plugin jobs`: replays, as they go on in the daemon.

use serde_json::json;

use super::job::{self, Job};
use crate::{command::rows, session::Session};

/// List, show and call off replays
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// Also those that have ended, as far as they are kept
    #[arg(long)]
    all: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say everything about a job
    Show(Which),
    /// Call a job off: what it delivered stays delivered, and new tables that it was building go
    Cancel(Which),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Number of the job
    id: u64,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self.command {
            None => {
                let target = session.at(["jobs"]).flag("all", self.all);
                rows::print(session.format, &session.get(target).await?, job::table)
            }
            Some(Command::Show(Which { id })) => {
                let answer = session.get(session.at(["jobs", &id.to_string()])).await?;
                session.format.answer(&answer, Job::details)
            }
            Some(Command::Cancel(Which { id })) => {
                let answer = session.post(session.at(["jobs", &id.to_string(), "cancel"]), &json!({})).await?;
                session.format.answer(&answer, Job::outcome)
            }
        }
    }
}
