//! An import that is held: lines go out up to a point, and nothing goes on before the daemon has acknowledged them.

use std::{io, time::Instant};

use anyhow::bail;
use bytes::Bytes;
use eventdbx_node::wire::{ImportDone, ImportProgress, ImportReply};
use tokio::sync::mpsc;

use super::{flights::Flights, story::Story};
use crate::{command::import::Import, fail, output, session::Session};

/// Bytes sent at a time.
const PIECE_BYTES: usize = 64 * 1024;

pub(super) struct HeldImport<'a> {
    flights: &'a Flights,
    import: Import,
    feed: mpsc::Sender<io::Result<Bytes>>,
    sent: u64,
    kept: ImportProgress,
}

impl<'a> HeldImport<'a> {
    pub(super) async fn begin(session: &Session, flights: &'a Flights) -> anyhow::Result<Self> {
        let mut import = Import::begin(session).await?;
        let feed = import.feed();
        let kept = ImportProgress { acknowledged: 0, position: 0, written: 0, duplicates: 0 };
        Ok(Self { flights, import, feed, sent: 0, kept })
    }

    /// Sends the lines up to this one and waits until all of them are kept.
    pub(super) async fn up_to(&mut self, line: u64, story: &mut Story) -> anyhow::Result<()> {
        let (since, before) = (Instant::now(), self.kept.clone());
        self.send(line);
        while self.kept.acknowledged < line {
            match self.import.next().await? {
                ImportReply::Progress(kept) => self.kept = kept,
                ImportReply::Done(_) => bail!("the daemon ended an import that was not at its end"),
                ImportReply::Error(refusal) => return Err(fail::from_answer(&refusal.error).into()),
            }
        }
        let of = output::count(self.flights.lines());
        let detail =
            format!("{} of {of} lines on disk{}", output::count(line), known(before.duplicates, self.kept.duplicates));
        story.rated("import", since, line - before.acknowledged, &detail)
    }

    /// Sends the rest; returns the position of the last event.
    pub(super) async fn finish(mut self, story: &mut Story) -> anyhow::Result<u64> {
        let (since, before) = (Instant::now(), self.kept.clone());
        self.send(self.flights.lines());
        let Self { mut import, feed, .. } = self;
        drop(feed);
        let done: ImportDone = loop {
            match import.next().await? {
                ImportReply::Progress(_) => {}
                ImportReply::Done(done) => break done,
                ImportReply::Error(refusal) => return Err(fail::from_answer(&refusal.error).into()),
            }
        };
        let detail = format!(
            "the last of {} lines on disk, at position {}",
            output::count(done.lines),
            output::count(done.position)
        );
        story.rated("import", since, done.lines - before.acknowledged, &detail)?;
        Ok(done.position)
    }

    /// Sends lines in the background: the daemon acknowledges some while others are still on their way.
    fn send(&mut self, line: u64) {
        let mut rest = self.flights.between(self.sent, line);
        self.sent = line;
        let feed = self.feed.clone();
        tokio::spawn(async move {
            while !rest.is_empty() {
                let piece = rest.split_to(rest.len().min(PIECE_BYTES));
                if feed.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
        });
    }
}

fn known(before: u64, now: u64) -> String {
    match now - before {
        0 => String::new(),
        known => format!("; {} were known, and not written twice", output::count(known)),
    }
}
