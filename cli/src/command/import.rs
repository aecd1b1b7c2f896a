//! `dbx import`: events from a file, streamed while the acknowledgements come back.

mod progress;
mod source;

use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use eventdbx_node::{
    client::{self, Client, ClientError, Lines},
    wire::{ImportDone, ImportReply},
};
use hyper::Method;
use tokio::sync::mpsc;

use self::{progress::Progress, source::Source};
use crate::{
    fail,
    output::{self, GREEN},
    session::Session,
};

/// Pieces of the body that may wait between reader and socket.
const BUFFERED_PIECES: usize = 16;

/// Write events from a file, one JSON object per line
///
/// A line looks like {"aggregate_type":…,"aggregate_id":…,"event_type":…,"payload":{…}} and may also carry metadata,
/// extensions, note, occurred_at, expect and key. Plain text and gzip are told apart by their first bytes. Repeating an
/// import writes nothing twice: a line without a key gets one from what it says and how often the same stood before it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, or - for standard input
    file: String,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let source = Source::open(&self.file).with_context(|| format!("reading {}", self.file))?;
        let mut import = Import::begin(session).await?;
        let progress = Progress::over(&source);
        let started = Instant::now();
        let reader = source.feed(import.feed());
        let done = loop {
            match import.next().await? {
                ImportReply::Progress(kept) => progress.show(&kept),
                ImportReply::Done(done) => break done,
                ImportReply::Error(refusal) => {
                    progress.end();
                    return Err(refused(&refusal.error));
                }
            }
        };
        progress.end();
        reader.await?.with_context(|| format!("reading {}", self.file))?;
        session.format.answer(&serde_json::to_string(&done)?, |done| sentence(done, started.elapsed()))
    }
}

fn sentence(done: &ImportDone, elapsed: Duration) -> String {
    let rate = output::rate(done.lines, elapsed);
    let known = if done.duplicates == 0 {
        String::new()
    } else {
        format!(", {} were there already", output::count(done.duplicates))
    };
    let written = output::some(done.written, "event");
    let took = output::duration(elapsed);
    format!("{GREEN}written{GREEN:#} {written}{known}, in {took} ({rate}); the log ends at position {}", done.position)
}

fn refused(error: &eventdbx_node::wire::WireError) -> anyhow::Error {
    let failure = fail::from_answer(error);
    let Some(line) = error.line else { return failure.into() };
    let hint = "what came before that line is kept; mend it and run the import again: nothing is written twice";
    failure.at(&format!("line {line}")).hint(hint).into()
}

/// A running import: lines go in, acknowledgements come out.
pub(crate) struct Import {
    // NOTE: the lines of the answer end when the client is dropped.
    _client: Client,
    replies: Lines,
    feed: Option<mpsc::Sender<std::io::Result<Bytes>>>,
}

impl Import {
    pub(crate) async fn begin(session: &Session) -> Result<Self, ClientError> {
        let mut client = session.connect().await?;
        let (feed, body) = client::pieces(BUFFERED_PIECES);
        let replies = client.lines(Method::POST, session.at(["import"]).as_ref(), body).await?;
        Ok(Self { _client: client, replies, feed: Some(feed) })
    }

    /// Where the input goes, in pieces of any size. The input ends when this and all clones of it are dropped.
    ///
    /// # Panics
    ///
    /// When it was taken before.
    pub(crate) fn feed(&mut self) -> mpsc::Sender<std::io::Result<Bytes>> {
        self.feed.take().expect("the input of an import is taken once")
    }

    /// What the daemon says next.
    pub(crate) async fn next(&mut self) -> anyhow::Result<ImportReply> {
        let line = self.replies.next().await?.context("the daemon ended the import without a word")?;
        Ok(serde_json::from_slice(&line)?)
    }
}
