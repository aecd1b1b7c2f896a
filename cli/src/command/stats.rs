//! `dbx stats`.

use std::time::Duration;

use eventdbx_node::wire::{DomainStats, StatsResponse};

use super::plugin::{self, Plugin};
use crate::{output, session::Session};

/// Count events, bytes, syncs and the lag of plugins
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        session.format.answer(&session.get("/v1/stats").await?, text)
    }
}

fn text(stats: &StatsResponse) -> String {
    let memory = output::pairs([("memory", output::bytes(stats.memory_bytes))]);
    let domains = stats.domains.iter().map(domain);
    std::iter::once(memory).chain(domains).collect::<Vec<_>>().join("\n\n")
}

fn domain(stats: &DomainStats) -> String {
    let commit = Duration::from_micros(stats.commit_micros.checked_div(stats.commits).unwrap_or(0));
    let per_event = stats.disk_bytes.checked_div(stats.events).unwrap_or(0);
    let pairs = output::pairs([
        ("domain", stats.name.clone()),
        ("events", output::count(stats.events)),
        ("aggregates", output::count(stats.aggregates)),
        ("on disk", format!("{} ({per_event} B an event)", output::bytes(stats.disk_bytes))),
        ("commits", format!("{}, {} µs each", output::count(stats.commits), commit.as_micros())),
        ("waiting", output::some(stats.queued, "request")),
    ]);
    let plugins: Vec<Plugin> = stats.plugins.iter().filter_map(|raw| serde_json::from_str(raw.get()).ok()).collect();
    if plugins.is_empty() { pairs } else { format!("{pairs}\n\n{}", plugin::table(&plugins)) }
}
