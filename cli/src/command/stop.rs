//! `dbx stop`: ask the daemon to end, and see it off.

use eventdbx_node::client::ClientError;
use serde_json::json;

use crate::{
    daemon::{self, Process},
    output::GREEN,
    session::Session,
};

/// Stop the daemon, once what is in hand is finished
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let pid = stop(session).await?;
        let answer = json!({ "stopped": true, "pid": pid }).to_string();
        session.format.answer(&answer, |_: &serde_json::Value| format!("{GREEN}stopped{GREEN:#} process {pid}"))
    }
}

/// Stops the daemon and waits until its process is gone; returns the process id.
pub(crate) async fn stop(session: &Session) -> anyhow::Result<u32> {
    let pid = daemon::status(session).await?.pid;
    let process = Process::of(pid)?;
    session.post("/v1/shutdown", &json!({})).await?;
    if let Some(process) = process {
        process.ended().await?;
    }
    Ok(pid)
}

/// Whether an error says that there is no daemon to stop.
pub(super) fn none_runs(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ClientError::Unreachable { .. }))
}
