//! `dbx snapshots`: states that are kept, so that nobody has to fold them from the first event.

use eventdbx_node::wire::{Raw, SnapshotInfo, SnapshotReport, SnapshotView, Snapshots};
use hyper::Method;
use serde::Serialize;

use super::{aggregate::Name, rows};
use crate::{
    fail::{Failure, Kind},
    json,
    output::{self, Format, GREEN},
    session::{Session, Target},
};

/// Keep states of an aggregate, read them, and hold them against its events
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Take a snapshot of an aggregate as it is now, unless there is one of its version already
    Create {
        #[command(flatten)]
        name: Name,
    },
    /// List the snapshots of an aggregate
    List {
        #[command(flatten)]
        name: Name,
    },
    /// Read a snapshot: its hash and the state that it holds
    Get(Get),
    /// Fold the events anew, and compare with a snapshot, or with all of the aggregate
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Get {
    #[command(flatten)]
    name: Name,
    /// The version of the aggregate whose state it holds
    version: u64,
    /// With the fields that schemas hide
    #[arg(long)]
    hidden: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    name: Name,
    /// The version of the aggregate whose state it holds; without one, all snapshots are verified
    version: Option<u64>,
}

/// The document of a verification.
#[derive(Serialize)]
struct Reports {
    rows: Vec<SnapshotReport>,
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Create { name } => {
                let answer = session.call(Method::POST, at(session, &name).as_ref(), bytes::Bytes::new()).await?;
                session.format.answer(&answer, |info| created(&name, info))
            }
            Self::List { name } => rows::print(session.format, &session.get(at(session, &name)).await?, table),
            Self::Get(Get { name, version, hidden }) => {
                let target = at(session, &name).segment(&version.to_string()).flag("hidden", hidden);
                session.format.answer(&session.get(target).await?, text)
            }
            Self::Verify(args) => args.run(session).await,
        }
    }
}

impl Verify {
    async fn run(self, session: &Session) -> anyhow::Result<()> {
        let versions = match self.version {
            Some(version) => vec![version],
            None => {
                let list: Snapshots = serde_json::from_str(&session.get(at(session, &self.name)).await?)?;
                list.rows.iter().map(|info| info.version).collect()
            }
        };
        let mut reports = Reports { rows: Vec::with_capacity(versions.len()) };
        for version in versions {
            let target = at(session, &self.name).segment(&version.to_string()).segment("verify");
            let answer = session.call(Method::POST, target.as_ref(), bytes::Bytes::new()).await?;
            reports.rows.push(serde_json::from_str(&answer)?);
        }
        let findings: Vec<_> = reports.rows.iter().flat_map(|report| report.findings.iter().cloned()).collect();
        if findings.is_empty() || session.format != Format::Table {
            rows::print(session.format, &serde_json::to_string(&reports)?, |rows: &[Raw]| verified(&self.name, rows))?;
        }
        judge(findings)
    }
}

/// The snapshots of an aggregate.
fn at(session: &Session, name: &Name) -> Target {
    session.at(["aggregates", &name.kind, &name.id, "snapshots"])
}

fn created(name: &Name, info: &SnapshotInfo) -> String {
    let SnapshotInfo { version, hash, recorded_at, position } = info;
    let pairs =
        output::pairs([("taken", recorded_at.clone()), ("position", output::count(*position)), ("hash", hash.clone())]);
    format!("{GREEN}kept{GREEN:#} {}/{} as it is at version {version}\n{pairs}", name.kind, name.id)
}

fn table(rows: &[SnapshotInfo]) -> String {
    let mut table = output::table(["version", "taken", "position", "hash"]);
    output::numbers(&mut table, &[0, 2]);
    for SnapshotInfo { version, hash, recorded_at, position } in rows {
        table.add_row([&version.to_string(), recorded_at, &output::count(*position), hash]);
    }
    output::render(&table)
}

fn text(snapshot: &SnapshotView) -> String {
    output::pairs([
        ("aggregate", format!("{}/{}", snapshot.aggregate_type, snapshot.aggregate_id)),
        ("version", snapshot.version.to_string()),
        ("taken", snapshot.recorded_at.clone()),
        ("position", output::count(snapshot.position)),
        ("hash", snapshot.hash.clone()),
        ("salt", snapshot.salt.clone().unwrap_or_else(|| "not shown, since a field is hidden".to_owned())),
        ("state", json::pretty(snapshot.state.get())),
    ])
}

fn verified(name: &Name, rows: &[Raw]) -> String {
    let snapshots = output::some(rows.len() as u64, "snapshot");
    format!("{GREEN}verified{GREEN:#} {snapshots} of {}/{}: what the events fold to", name.kind, name.id)
}

/// Fails when anything does not fit.
fn judge(findings: Vec<String>) -> anyhow::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let things = output::some(findings.len() as u64, "finding");
    Err(Failure::new(Kind::Integrity, format!("a snapshot is not what the events fold to: {things}"))
        .details(findings)
        .hint("the events count: `dbx aggregate verify` says whether they are what was written")
        .into())
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::*;
    use crate::fail;

    #[test]
    fn findings_are_an_integrity_failure() {
        assert!(judge(Vec::new()).is_ok());
        let error = judge(vec!["order/1: its snapshot at version 2 does not open".to_owned()]).unwrap_err();
        assert_eq!(fail::report(&error), ExitCode::from(9));
    }
}
