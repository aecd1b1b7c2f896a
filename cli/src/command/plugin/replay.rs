//! `dbx plugin replay`: the whole log once more, into new tables, while the old ones go on answering.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::Plugin;
use crate::{
    fail::{Failure, Kind},
    session::Session,
};

/// How often the daemon is asked how far it is.
const INTERVAL: Duration = Duration::from_millis(50);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the plugin
    name: String,
    /// What each delivery of the replay carries; afterwards it is as installed again [default: as installed]
    #[arg(long, value_name = "MODE")]
    payload_mode: Option<String>,
    /// Return at once; `dbx plugin status` shows how far it is
    #[arg(long)]
    detach: bool,
}

#[derive(Serialize)]
struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_mode: Option<&'a str>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let mode = self.payload_mode.as_deref();
        let (answer, done) = if self.detach {
            (begin(session, &self.name, mode).await?, "replaying")
        } else {
            (replay(session, &self.name, mode).await?, "replayed")
        };
        session
            .format
            .answer(&answer, |plugin: &Plugin| plugin.sentence_with(done, mode.unwrap_or(&plugin.payload_mode)))
    }
}

async fn begin(session: &Session, name: &str, payload_mode: Option<&str>) -> anyhow::Result<String> {
    session.post(session.at(["plugins", name, "replay"]), &Request { payload_mode }).await
}

/// Replays and waits until the new tables are the live ones; the answer is the status after that.
pub(crate) async fn replay(session: &Session, name: &str, payload_mode: Option<&str>) -> anyhow::Result<String> {
    let mut answer = begin(session, name, payload_mode).await?;
    let mut plugin: Plugin = serde_json::from_str(&answer)?;
    let bar = bar();
    while let Some(rebuild) = &plugin.rebuild {
        if let Some(reason) = &rebuild.reason {
            bar.finish_and_clear();
            return Err(halted(name, reason).into());
        }
        bar.set_length(rebuild.head);
        bar.set_position(rebuild.cursor);
        tokio::time::sleep(INTERVAL).await;
        answer = session.get(session.at(["plugins", name])).await?;
        plugin = serde_json::from_str(&answer)?;
    }
    bar.finish_and_clear();
    Ok(answer)
}

fn halted(name: &str, reason: &str) -> Failure {
    Failure::new(Kind::Other, format!("the replay of {name} stands still: {reason}"))
        .hint(format!("the old tables go on answering; `dbx plugin logs {name}` says more"))
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:32.cyan/dim} {percent:>3}%  {human_pos} of {human_len}  {eta} left")
    {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar
}
