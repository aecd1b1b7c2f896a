//! Staging: events that are put aside, and the commit that writes them all.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppendEvent;

/// Events to be put aside: all of them or none.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StageRequest {
    /// The events, in the order in which they will be written.
    pub events: Vec<AppendEvent>,
}

/// An event that is put aside.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StagedEvent {
    /// Its number in the stage, counted from 1 and never given twice.
    pub id: u64,
    /// When it was staged (RFC 3339).
    pub staged_at: String,
    /// Who staged it. The event itself will name who commits it.
    pub staged_by: String,
    /// The event.
    pub event: AppendEvent,
}

/// What is put aside in a domain.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Stage {
    /// The events in the order in which they will be written; in the answer to a staging, the new ones.
    pub rows: Vec<StagedEvent>,
    /// Events that are put aside in all.
    pub events: u64,
    /// Bytes of payload, metadata and extensions among them.
    pub bytes: u64,
    /// A commit was begun, and it is not known whether it was written. To commit again settles that, and writes nothing
    /// twice; until then nothing is staged and no single event dropped.
    pub in_doubt: bool,
    /// What may not be as it was meant in what was put aside now: a recipient that there is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// How to commit what is staged.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitRequest {
    /// Idempotency key of the batch. Without it, the one that was made when the staging began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A remark for people, for the events that have none of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What was dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dropped {
    /// How many staged events.
    pub dropped: u64,
}
