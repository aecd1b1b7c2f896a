//! `dbx aggregate verify`: read, unseal, recompute and compare.

use std::time::{Duration, Instant};

use eventdbx_node::wire::VerifyReport;
use serde_json::json;

use crate::{
    fail::{Failure, Kind},
    output::{self, GREEN},
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Type of the aggregate; without one, the whole domain is verified
    #[arg(value_name = "TYPE", requires = "id")]
    kind: Option<String>,
    /// Id of the aggregate within its type
    #[arg(value_name = "ID")]
    id: Option<String>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let started = Instant::now();
        let answer = request(session, self.kind.as_deref().zip(self.id.as_deref())).await?;
        let report: VerifyReport = serde_json::from_str(&answer)?;
        if report.findings.is_empty() || session.format != output::Format::Table {
            session.format.answer(&answer, |report| sentence(report, started.elapsed()))?;
        }
        judge(report)
    }
}

/// Verifies one aggregate, or the domain.
pub(crate) async fn request(session: &Session, aggregate: Option<(&str, &str)>) -> anyhow::Result<String> {
    let target = match aggregate {
        Some((kind, id)) => session.at(["aggregates", kind, id, "verify"]),
        None => session.at(["verify"]),
    };
    session.post(target, &json!({})).await
}

fn sentence(report: &VerifyReport, elapsed: Duration) -> String {
    let (events, aggregates) = (output::some(report.events, "event"), output::some(report.aggregates, "aggregate"));
    let pairs = output::pairs([("root", report.root.clone()), ("took", output::duration(elapsed))]);
    format!("{GREEN}verified{GREEN:#} {events} of {aggregates}: everything is what was written\n{pairs}")
}

/// Fails when anything does not fit.
pub(crate) fn judge(report: VerifyReport) -> anyhow::Result<()> {
    if report.findings.is_empty() {
        return Ok(());
    }
    let things = output::some(report.findings.len() as u64, "finding");
    Err(Failure::new(Kind::Integrity, format!("what is stored is not what was written: {things}"))
        .details(report.findings)
        .hint("stop writing, keep a copy of the data directory, and restore from a backup")
        .into())
}
