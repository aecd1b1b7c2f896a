//! `dbx plugin replay`: the log, or a stretch of it, once more, as a job of the daemon.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::job::Job;
use crate::{
    fail::{Failure, Kind},
    session::Session,
};

/// How often the daemon is asked how far it is.
const INTERVAL: Duration = Duration::from_millis(50);

/// Deliver the log to a plugin again, or a stretch of it
///
/// The whole log goes into new tables beside the live ones, which they then replace. A stretch goes into the live tables of
/// a plugin that says that it is idempotent, and out of one that keeps none. It runs in the daemon, beside live delivery,
/// and goes on after a restart: see `dbx plugin jobs`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the plugin
    name: String,
    /// Only aggregates of this type
    #[arg(value_name = "TYPE")]
    aggregate_type: Option<String>,
    /// Only the aggregate with this id
    #[arg(value_name = "ID")]
    aggregate_id: Option<String>,
    /// From this position on
    #[arg(long, value_name = "P")]
    from: Option<u64>,
    /// Up to this position [default: the end of the log as it is now]
    #[arg(long, value_name = "P")]
    to: Option<u64>,
    /// Only what was recorded at this time or later
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what was recorded before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// What each delivery of the replay carries; afterwards it is as installed again [default: as installed]
    #[arg(long, value_name = "MODE")]
    payload_mode: Option<String>,
    /// Deliver into tables that are thrown away, and say how they differ from the live ones
    #[arg(long)]
    dry_run: bool,
    /// At most so many events a second
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// Return at once; `dbx plugin jobs` shows how far it is
    #[arg(long)]
    detach: bool,
}

/// What is to be replayed, and how.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Request {
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregate_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregate_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_mode: Option<String>,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
}

impl Request {
    /// The whole log, cut in a mode of its own.
    pub(crate) fn with_mode(payload_mode: &str) -> Self {
        Self { payload_mode: Some(payload_mode.to_owned()), ..Self::default() }
    }
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let request = Request {
            aggregate_type: self.aggregate_type,
            aggregate_id: self.aggregate_id,
            from: self.from,
            to: self.to,
            since: self.since,
            until: self.until,
            payload_mode: self.payload_mode,
            dry_run: self.dry_run,
            rate: self.rate,
        };
        let answer = if self.detach {
            begin(session, &self.name, &request).await?
        } else {
            replay(session, &self.name, &request).await?
        };
        session.format.answer(&answer, Job::outcome)
    }
}

async fn begin(session: &Session, name: &str, request: &Request) -> anyhow::Result<String> {
    session.post(session.at(["plugins", name, "replay"]), request).await
}

/// Replays and waits until the job has ended; the answer is how it stood then.
pub(crate) async fn replay(session: &Session, name: &str, request: &Request) -> anyhow::Result<String> {
    let mut answer = begin(session, name, request).await?;
    let mut job: Job = serde_json::from_str(&answer)?;
    let (bar, id) = (bar(), job.id.to_string());
    while job.is_running() {
        bar.set_length((job.to + 1).saturating_sub(job.from));
        bar.set_position((job.position + 1).saturating_sub(job.from));
        bar.set_message(job.reason.clone().unwrap_or_default());
        tokio::time::sleep(INTERVAL).await;
        answer = session.get(session.at(["jobs", &id])).await?;
        job = serde_json::from_str(&answer)?;
    }
    bar.finish_and_clear();
    if job.state == "done" { Ok(answer) } else { Err(halted(&job).into()) }
}

fn halted(job: &Job) -> Failure {
    let Job { id, plugin, state, reason, .. } = job;
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    Failure::new(Kind::Other, format!("job {id}, the replay of {plugin}, is {state}{reason}"))
        .hint(format!("the live tables are as they were; `dbx plugin logs {plugin}` says more"))
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(
        "{bar:32.cyan/dim} {percent:>3}%  {human_pos} of {human_len}  {eta} left  {wide_msg}",
    ) {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar
}
