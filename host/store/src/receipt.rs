//! What became of a request.

use serde::Serialize;

use crate::{AggregateRef, Digest, EventId, Micros, Position, ReadError, Version};

/// When a write is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// After `fdatasync`: a power cut loses nothing that was answered.
    #[default]
    Sync,
    /// After the operating system took it: a crash of the process loses nothing, a power cut may.
    Os,
}

/// Where one event went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventReceipt {
    /// The aggregate.
    #[serde(flatten)]
    pub aggregate: AggregateRef,
    /// Id of the event.
    pub event_id: EventId,
    /// Place in the domain.
    pub position: Position,
    /// Place in the aggregate.
    pub version: Version,
    /// When it was committed, in microseconds since 1970.
    pub recorded_at: Micros,
    /// The event digest.
    pub digest: Digest,
}

/// A request that is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// One per event, in the order of the request.
    pub events: Vec<EventReceipt>,
    /// What the answer means after a power cut.
    pub durability: Durability,
    /// The request was known already, by its idempotency key: nothing was written now.
    pub duplicate: bool,
}

/// One reason why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Index of the event in the request.
    pub event: usize,
    /// Where: a JSON Pointer into the event, e.g. `/payload/total` or `/aggregate_id`.
    pub path: String,
    /// Machine-readable and stable, e.g. `duplicate-member`, `payload-bytes`.
    pub code: &'static str,
    /// For people: what is wrong and what to do.
    pub message: String,
}

/// Why a request was not committed, or not known to be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// Nothing was written: the request breaks rules. Every reason is listed.
    #[error("refused: {}", summary(.0))]
    Refused(Vec<Reason>),
    /// Nothing was written: an aggregate is not at the expected version.
    #[error("{aggregate} is at version {actual}, not {expected}")]
    WrongVersion {
        /// Index of the event in the request.
        event: usize,
        /// The aggregate.
        aggregate: AggregateRef,
        /// What the request expected, in words (`4`, `a new aggregate`, `an existing aggregate`).
        expected: String,
        /// The version that it has; 0: it does not exist.
        actual: Version,
    },
    /// Nothing was written: the idempotency key belongs to a request with other content.
    #[error("the idempotency key {key:?} was used before, for other content: take a new key for a new request")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// Nothing was written: the aggregate is archived.
    #[error("{aggregate} is archived: restore it first")]
    Archived {
        /// The aggregate.
        aggregate: AggregateRef,
    },
    /// Nothing was written: too many requests wait, or the aggregate moved on in every round. Try again.
    #[error("busy: {0}")]
    Busy(&'static str),
    /// Nothing was written: what the request builds on could not be read.
    #[error("the log could not be read: {0}")]
    Unreadable(String),
    /// Nothing was written, and nothing will be until the domain is opened again: an earlier write failed.
    #[error("writes are stopped since an earlier one failed ({0}): restart the daemon once the disk is mended")]
    Stopped(String),
    /// The disk failed while the request was written: it may be there or not. Try again with the same key after a restart.
    #[error(
        "the outcome is unknown, since the disk failed ({0}): repeat the request with the same key after a restart"
    )]
    OutcomeUnknown(String),
}

impl From<ReadError> for AppendError {
    fn from(error: ReadError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl AppendError {
    /// The answer to a request whose aggregates moved on in every round.
    pub const MOVED_ON: Self = Self::Busy("others write to the same aggregate without pause: try again");
}

fn summary(reasons: &[Reason]) -> String {
    let lines = reasons.iter().map(|r| format!("event {}{}: {}", r.event, r.path, r.message));
    lines.collect::<Vec<_>>().join("; ")
}
