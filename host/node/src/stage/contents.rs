//! What lies in the file: the staged events, the key of their commit, and how far that commit got.

use eventdbx_store::Receipt;
use serde::{Deserialize, Serialize};

use super::refusal::{Staged, Which};
use crate::{
    api::ApiError,
    wire::{self, AppendEvent, CommitRequest, ErrorCode, Raw, StagedEvent},
};

/// The file, opened.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Contents {
    /// The id that was given last.
    last_id: u64,
    /// Idempotency key of the batch, made with its first event: a commit that is repeated is the same request.
    key: String,
    pub(super) events: Vec<StagedEvent>,
    /// A commit that was begun, until it is known what became of it.
    pub(super) begun: Option<Attempt>,
    /// The last commit that was written.
    pub(super) last: Option<Written>,
}

/// What makes a commit the same request when it is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) key: String,
    pub(super) note: Option<String>,
}

/// Where a commit went.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) key: String,
    pub(super) first_position: u64,
    pub(super) events: u64,
}

impl Contents {
    /// Adds an event behind all others.
    pub(super) fn add(&mut self, event: AppendEvent, at: &str, by: &str) -> StagedEvent {
        if self.events.is_empty() {
            self.key = format!("stage-{:032x}", rand::random::<u128>());
        }
        self.last_id += 1;
        let staged = StagedEvent { id: self.last_id, staged_at: at.to_owned(), staged_by: by.to_owned(), event };
        self.events.push(staged.clone());
        staged
    }

    /// Fails while it is not known what became of a commit: its events must stay as they are.
    pub(super) fn settled(&self) -> Result<(), ApiError> {
        if self.begun.is_none() {
            return Ok(());
        }
        let message = "a commit of what is staged was begun, and it is not known whether it was written";
        Err(in_doubt(message.to_owned()))
    }

    /// The commit that is to be tried. One that was begun is tried again as it was, and no other.
    pub(super) fn attempt(&self, request: CommitRequest) -> Result<Attempt, ApiError> {
        let CommitRequest { key, note } = request;
        let Some(begun) = &self.begun else {
            return Ok(Attempt { key: key.unwrap_or_else(|| self.key.clone()), note });
        };
        let other_key = key.is_some_and(|key| key != begun.key);
        if other_key || (note.is_some() && note != begun.note) {
            let message = format!(
                "a commit with the key {:?} was begun, and it is not known whether it was written: \
                                   another key or note would make it another request",
                begun.key
            );
            return Err(in_doubt(message));
        }
        Ok(begun.clone())
    }

    /// Takes note of a commit: nothing is staged any more.
    pub(super) fn written(&mut self, key: String, receipt: &Receipt) {
        let first_position = receipt.events.first().map_or(0, |event| event.position.get());
        self.last = Some(Written { key, first_position, events: receipt.events.len() as u64 });
        self.empty();
    }

    /// Forgets the events and a commit of them.
    pub(super) fn empty(&mut self) {
        self.events.clear();
        self.begun = None;
    }

    /// The events by their ids.
    pub(super) fn staged(&self) -> impl Iterator<Item = Staged<'_>> {
        self.events.iter().map(|staged| Staged::new(Which::Staged(staged.id), &staged.event))
    }

    /// What anybody is told, with these rows.
    pub(super) fn told(&self, rows: Vec<StagedEvent>) -> wire::Stage {
        wire::Stage {
            rows,
            events: self.events.len() as u64,
            bytes: self.events.iter().map(|staged| bytes(&staged.event)).sum(),
            in_doubt: self.begun.is_some(),
            warnings: Vec::new(),
        }
    }
}

/// What counts for `REQUEST_BYTES`.
fn bytes(event: &AppendEvent) -> u64 {
    let length = |raw: &Option<Raw>| raw.as_ref().map_or(0, |raw| raw.get().len() as u64);
    [&event.payload, &event.patch, &event.metadata, &event.extensions].into_iter().map(length).sum()
}

fn in_doubt(message: String) -> ApiError {
    ApiError::new(ErrorCode::Conflict, message)
        .hint("`dbx commit` settles it and writes nothing twice; `dbx stage drop all` forgets what is staged")
}
