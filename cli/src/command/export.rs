//! `dbx export`: states or events as files that other programs read.

mod cells;
mod columns;
mod destination;
mod json;
mod pages;
#[cfg(feature = "parquet")]
mod parquet;
mod progress;
mod table;

use std::{io::Write, path::PathBuf, time::Instant};

use clap::ValueEnum;
use serde::Serialize;

use self::{columns::Columns, destination::Destination, pages::Listing, progress::Progress};
use crate::{
    fail::{Failure, Kind, ReaderGone},
    output::{self, GREEN},
    session::Session,
};

/// Write states or events to a file or to standard output, for other programs
///
/// One row per aggregate, with its state as it is now; with --events one row per event. The order is that of the lists, so that
/// the same log makes the same bytes. In csv and parquet each top-level member of the states is a column, state.NAME, and a
/// nested value is JSON text; which columns there are is found by reading everything once before. Events are those up to the
/// position at which the log ended when the export began. States are read page by page, each page at one moment: where
/// writes go on meanwhile, last_position says how new a row is, and the end says that there were some.
///
/// CSV is that of RFC 4180. Cells hold what is stored and nothing is put before it: a spreadsheet may take a text that begins
/// with = + - or @ for a formula. What is absent, null or an empty text is an empty cell.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only aggregates of this type
    #[arg(value_name = "TYPE", required_unless_present = "all", conflicts_with = "all")]
    kind: Option<String>,
    /// Aggregates of every type
    #[arg(long)]
    all: bool,
    /// What to write: csv, one JSON document, one JSON object per line, or parquet
    #[arg(long = "as", value_enum, value_name = "FORMAT")]
    form: Form,
    /// Events instead of states
    #[arg(long)]
    events: bool,
    /// Where to: a file that only you can read, put there when it is whole; without it, standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Archived aggregates too; of the events, none is ever left out
    #[arg(long, conflicts_with = "events")]
    archived: bool,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Csv,
    Json,
    Ndjson,
    Parquet,
}

/// Takes rows, as the JSON objects that the daemon lists.
trait Sink {
    fn row(&mut self, row: &str) -> anyhow::Result<()>;

    /// Writes what is left.
    fn finish(self: Box<Self>) -> anyhow::Result<()>;
}

/// What was done.
#[derive(Serialize)]
struct Done {
    file: Option<PathBuf>,
    rows: u64,
    /// Position at which the log ended when the export began.
    as_of: u64,
    /// Position at which it ended when the export did.
    ended_at: u64,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        self.form.check(self.output.is_none())?;
        let started = Instant::now();
        // A file that is not whole is removed when this is dropped.
        let done = tokio::select! {
            done = self.export(session) => done?,
            _ = tokio::signal::ctrl_c(), if self.output.is_some() => {
                return Err(Failure::new(Kind::Other, "interrupted: nothing is kept").into());
            }
        };
        let sentence = done.sentence(started, self.events);
        if done.file.is_some() {
            session.format.answer(&serde_json::to_string(&done)?, |_: &serde_json::Value| sentence)?;
        } else {
            output::note(&sentence);
        }
        if done.ended_at != done.as_of && !self.events {
            output::note(&format!(
                "the log grew to position {} meanwhile: rows may be of different moments, see last_position",
                done.ended_at
            ));
        }
        Ok(())
    }

    async fn export(&self, session: &Session) -> anyhow::Result<Done> {
        let as_of = pages::head(session).await?;
        let listing =
            Listing { session, kind: self.kind.as_deref(), archived: self.archived, events: self.events, as_of };
        let columns = match self.form {
            Form::Csv | Form::Parquet if self.events => Columns::of_events(),
            Form::Csv | Form::Parquet => self.columns(&listing).await?,
            Form::Json | Form::Ndjson => Columns::default(),
        };
        let mut destination = Destination::open(self.output.as_deref())?;
        let sink = self.form.sink(destination.writer()?, columns, as_of)?;
        let written = write(&listing, sink).await;
        if destination.reader_is_gone() {
            return Err(ReaderGone.into());
        }
        let rows = written?;
        let file = destination.keep()?;
        Ok(Done { file, rows, as_of, ended_at: pages::head(session).await? })
    }

    /// The first reading: which columns the states need.
    async fn columns(&self, listing: &Listing<'_>) -> anyhow::Result<Columns> {
        let progress = Progress::new("state");
        let mut columns = Columns::of_states();
        let mut pages = listing.pages();
        while let Some(rows) = pages.next().await? {
            rows.iter().try_for_each(|row| columns.see(row.get()))?;
            progress.add(rows.len() as u64);
        }
        progress.end();
        Ok(columns)
    }
}

/// The reading that is written. Answers how many rows there were.
async fn write(listing: &Listing<'_>, mut sink: Box<dyn Sink>) -> anyhow::Result<u64> {
    let progress = Progress::new("row");
    let mut pages = listing.pages();
    while let Some(rows) = pages.next().await? {
        rows.iter().try_for_each(|row| sink.row(row.get()))?;
        progress.add(rows.len() as u64);
    }
    sink.finish()?;
    Ok(progress.end())
}

impl Form {
    /// Refuses what cannot be written before anything is read.
    fn check(self, to_stdout: bool) -> anyhow::Result<()> {
        if self != Self::Parquet {
            return Ok(());
        }
        if cfg!(not(feature = "parquet")) {
            return Err(Failure::new(Kind::Other, "this dbx was built without parquet")
                .hint("build it with `cargo build --release --features parquet`, or export as csv")
                .into());
        }
        if to_stdout && std::io::IsTerminal::is_terminal(&std::io::stdout()) {
            return Err(Failure::new(Kind::Usage, "parquet is not for terminals")
                .hint("name a file: --output FILE")
                .into());
        }
        Ok(())
    }

    fn sink(self, out: Box<dyn Write + Send>, columns: Columns, as_of: u64) -> anyhow::Result<Box<dyn Sink>> {
        Ok(match self {
            Self::Csv => Box::new(table::Table::begin(out, columns)?),
            Self::Json => Box::new(json::Document::begin(out, as_of)?),
            Self::Ndjson => Box::new(json::Lines(out)),
            #[cfg(feature = "parquet")]
            Self::Parquet => Box::new(parquet::File::begin(out, columns)?),
            #[cfg(not(feature = "parquet"))]
            Self::Parquet => return self.check(true).map(|()| unreachable!("refused")),
        })
    }
}

impl Done {
    fn sentence(&self, started: Instant, events: bool) -> String {
        let elapsed = started.elapsed();
        let rows = output::some(self.rows, if events { "event" } else { "aggregate" });
        let (took, rate) = (output::duration(elapsed), output::rate(self.rows, elapsed));
        format!("{GREEN}exported{GREEN:#} {rows}, as of position {}, in {took} ({rate})", self.as_of)
    }
}
