//! `dbx aggregate`: write to aggregates and read them.

mod archive;
mod get;
mod list;
mod referrers;
mod select;
pub(crate) mod verify;
mod write;

pub(super) use write::receipt;

use crate::session::{Session, Target};

/// Write to aggregates and read them
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Write the first event of a new aggregate
    Create(write::Create),
    /// Write an event; a missing aggregate is created
    Apply(write::Apply),
    /// Write an event that changes the state by a JSON Patch (RFC 6902)
    Patch(write::Patch),
    /// Read an aggregate: its version, its root and its state
    Get(get::Args),
    /// Read some values of the state
    Select(select::Args),
    /// List aggregates
    List(list::Args),
    /// List the aggregates whose state refers to this one, which need not exist
    Referrers(referrers::Args),
    /// Read, unseal and recompute everything of an aggregate, or of the domain, and compare
    Verify(verify::Args),
    /// Close an aggregate: it stays readable, lists hide it, and appends to it are refused
    Archive(archive::Args),
    /// Open an archived aggregate again
    Restore(archive::Args),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Create(args) => args.run(session).await,
            Self::Apply(args) => args.run(session).await,
            Self::Patch(args) => args.run(session).await,
            Self::Get(args) => args.run(session).await,
            Self::Select(args) => args.run(session).await,
            Self::List(args) => args.run(session).await,
            Self::Referrers(args) => args.run(session).await,
            Self::Verify(args) => args.run(session).await,
            Self::Archive(args) => args.run(session, "archive").await,
            Self::Restore(args) => args.run(session, "restore").await,
        }
    }
}

/// An aggregate on the command line.
#[derive(Debug, clap::Args)]
pub(super) struct Name {
    /// Type of the aggregate, e.g. flight
    #[arg(value_name = "TYPE")]
    pub(super) kind: String,
    /// Id of the aggregate within its type
    #[arg(value_name = "ID")]
    pub(super) id: String,
}

/// Which state of it; without any option, that which it has now.
#[derive(Debug, clap::Args)]
struct When {
    /// As it was right after this version
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// As it was at this time, going by when events were recorded: RFC 3339, or a date, which begins in UTC
    #[arg(long, value_name = "TIME", conflicts_with = "version")]
    at: Option<String>,
    /// With --at, going by when events occurred: right after the last version that had occurred by then, with all before
    /// it. An event that does not say when it occurred did so when it was recorded
    #[arg(long, requires = "at")]
    occurred: bool,
}

impl When {
    fn of(&self, target: Target) -> Target {
        target.query("version", self.version).query("at", self.at.as_ref()).flag("occurred", self.occurred)
    }
}
