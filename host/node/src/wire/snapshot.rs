//! Snapshots of aggregates.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Raw;

/// What stands in clear about a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotInfo {
    /// The version of the aggregate whose state it holds.
    pub version: u64,
    /// The salted hash of the state, in hex, as the log records it.
    pub hash: String,
    /// When it was taken (RFC 3339).
    pub recorded_at: String,
    /// Position of the event that tells of it.
    pub position: u64,
}

/// The snapshots of an aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snapshots {
    /// All of them, the oldest version first.
    pub rows: Vec<SnapshotInfo>,
}

/// One snapshot with the state that it holds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SnapshotView {
    /// Type of the aggregate.
    pub aggregate_type: String,
    /// Id of the aggregate.
    pub aggregate_id: String,
    /// The version of the aggregate whose state it holds.
    pub version: u64,
    /// The salted hash of the state, in hex, as the log records it.
    pub hash: String,
    /// The salt of the hash, in hex; `null`: a field is hidden, and with the salt its value could be guessed and tried.
    pub salt: Option<String>,
    /// When it was taken (RFC 3339).
    pub recorded_at: String,
    /// Position of the event that tells of it.
    pub position: u64,
    /// State right after `version`: canonical JSON, which is what was hashed unless a field is hidden.
    #[schema(value_type = Object)]
    pub state: Raw,
}

/// What the verification of one snapshot found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotReport {
    /// Its version.
    pub version: u64,
    /// Everything that does not fit; empty: it is what the events fold to, and what the log records.
    pub findings: Vec<String>,
}
