//! The collector: takes the outcomes in the order of the lines, and tells the client how far it is.

use std::sync::Arc;

use bytes::Bytes;
use eventdbx_store::Receipt;
use tokio::sync::mpsc::{self, error::TryRecvError};

use super::InFlight;
use crate::{
    api::{ApiError, ndjson},
    append::{self, Outcome},
    node::DomainNode,
    wire::{ImportDone, ImportProgress, ImportReply},
};

pub(super) struct Collector {
    domain: Arc<DomainNode>,
    outcomes: mpsc::Receiver<InFlight>,
    replies: mpsc::Sender<Bytes>,
    so_far: ImportProgress,
    /// Lines that the client was told of.
    told: u64,
}

impl Collector {
    pub(super) fn new(
        domain: Arc<DomainNode>,
        outcomes: mpsc::Receiver<InFlight>,
        replies: mpsc::Sender<Bytes>,
    ) -> Self {
        let so_far = ImportProgress { acknowledged: 0, position: 0, written: 0, duplicates: 0 };
        Self { domain, outcomes, replies, so_far, told: 0 }
    }

    /// Collects until the feeder has ended or a line is refused.
    pub(super) async fn run(mut self) {
        let last = match self.collect().await {
            Ok(()) => {
                let ImportProgress { acknowledged, position, written, duplicates } = self.so_far;
                ImportReply::Done(ImportDone { done: true, lines: acknowledged, written, duplicates, position })
            }
            Err(error) => {
                self.tell();
                ImportReply::Error(error.into_body())
            }
        };
        let Self { domain, replies, .. } = self;
        // A client that does not read its answer must not keep the domain open.
        drop(domain);
        drop(replies.send(ndjson::line(&last)).await);
    }

    async fn collect(&mut self) -> Result<(), ApiError> {
        loop {
            let in_flight = match self.outcomes.try_recv() {
                Ok(in_flight) => in_flight,
                Err(TryRecvError::Disconnected) => return Ok(()),
                Err(TryRecvError::Empty) => match self.next().await {
                    Some(in_flight) => in_flight,
                    None => return Ok(()),
                },
            };
            let InFlight { line, outcome, window: _window } = in_flight;
            match self.settle(outcome).await {
                Ok(receipt) => self.count(line, &receipt),
                Err(error) => {
                    // IMPORTANT: the feeder must see that nobody waits before the window opens to it again.
                    self.outcomes.close();
                    return Err(error.at_line(line));
                }
            }
        }
    }

    /// Waits for the next line in flight. Until it comes, the client is told how far it is as soon as it can take that: it may
    /// be waiting for just this before it sends more.
    async fn next(&mut self) -> Option<InFlight> {
        while self.told < self.so_far.acknowledged {
            let progress = ndjson::line(&ImportReply::Progress(self.so_far.clone()));
            tokio::select! {
                biased;
                in_flight = self.outcomes.recv() => return in_flight,
                permit = self.replies.reserve() => {
                    // A client that went away is told nothing any more.
                    if let Ok(permit) = permit {
                        permit.send(progress);
                    }
                    self.told = self.so_far.acknowledged;
                }
            }
        }
        self.outcomes.recv().await
    }

    async fn settle(&mut self, outcome: Result<Outcome, ApiError>) -> Result<Receipt, ApiError> {
        let outcome = outcome?;
        if outcome.is_empty() {
            self.tell();
        }
        Ok(append::settle(&self.domain.log, outcome).await?)
    }

    fn count(&mut self, line: u64, receipt: &Receipt) {
        let events = receipt.events.len() as u64;
        let count = if receipt.duplicate { &mut self.so_far.duplicates } else { &mut self.so_far.written };
        *count += events;
        self.so_far.acknowledged = line;
        let last = receipt.events.last().map_or(0, |event| event.position.get());
        self.so_far.position = self.so_far.position.max(last);
    }

    /// Tells the client how far it is, unless it has not read what it was told before.
    fn tell(&mut self) {
        if self.told < self.so_far.acknowledged {
            let progress = ImportReply::Progress(self.so_far.clone());
            if self.replies.try_send(ndjson::line(&progress)).is_ok() {
                self.told = self.so_far.acknowledged;
            }
        }
    }
}
