//! `dbx schema`: what the events of an aggregate type may say, written, compared, checked against history, and rolled back.

mod activate;
mod apply;
mod change;
mod check;
mod declare;
mod diff;
mod document;
mod export;
mod field;
mod history;
mod infer;
mod list;
mod mark;
mod remove;
mod show;
mod validate;

use crate::session::Session;

/// Write schemas, read them, and hold history against them
///
/// A schema says what the events of an aggregate type may carry and what its state must hold. Every change makes a new
/// version; `dbx schema history` lists them, and `activate` and `rollback` go back. docs/SCHEMAS.md tells it by example.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make the first schema of a type; it accepts other fields too, unless --closed
    Create(declare::Create),
    /// List an event type, or more of its fields
    Add(declare::Add),
    /// Declare a field, change its rules, or remove it
    Field(Box<field::Args>),
    /// Change what holds for a type as a whole
    Alter(declare::Alter),
    /// Leave a remark for people, on a type, a field or an event type
    Annotate(mark::Annotate),
    /// Take a field out of everything that is read, unless --hidden is asked for
    Hide(mark::Hide),
    /// Let nobody write a field any more, or anything of the type
    Lock(mark::Lock),
    /// Show a schema
    Show(show::Args),
    /// List schemas
    List(list::Args),
    /// Take a schema out of force; its versions are kept
    Remove(remove::Args),
    /// Make the schemas of a file the active ones
    Apply(apply::Args),
    /// Say everything that is wrong with a file; needs no daemon
    Validate(validate::Args),
    /// Say what of the history a schema would refuse; changes nothing
    Check(check::Args),
    /// List the versions of a schema, and who switched when
    History(history::Args),
    /// Compare two versions, or a file with the active version
    Diff(diff::Args),
    /// Make a version the active one
    Activate(activate::Activate),
    /// Make the version before the active one the active one
    Rollback(activate::Rollback),
    /// Propose a schema that accepts everything that is there, as text for schema.dbx
    Infer(infer::Args),
    /// Write a schema for other tools
    Export(export::Args),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Create(args) => args.run(session).await,
            Self::Add(args) => args.run(session).await,
            Self::Field(args) => args.run(session).await,
            Self::Alter(args) => args.run(session).await,
            Self::Annotate(args) => args.run(session).await,
            Self::Hide(args) => args.run(session).await,
            Self::Lock(args) => args.run(session).await,
            Self::Show(args) => args.run(session).await,
            Self::List(args) => args.run(session).await,
            Self::Remove(args) => args.run(session).await,
            Self::Apply(args) => args.run(session).await,
            Self::Validate(args) => args.run(session),
            Self::Check(args) => args.run(session).await,
            Self::History(args) => args.run(session).await,
            Self::Diff(args) => args.run(session).await,
            Self::Activate(args) => args.run(session).await,
            Self::Rollback(args) => args.run(session).await,
            Self::Infer(args) => args.run(session).await,
            Self::Export(args) => args.run(session).await,
        }
    }
}

/// The type whose schema it is.
#[derive(Debug, clap::Args)]
struct Kind {
    /// Type of the aggregates, e.g. flight
    #[arg(value_name = "TYPE")]
    kind: String,
}
