//! Snapshots: the state of an aggregate right after a version, kept so that nobody has to fold it from the first event.
//!
//! A snapshot is derived: whatever is read with its help is what folding gives, byte for byte, and one that does not open is
//! passed over. Its hash, salted like every other commitment, stands in the log (`$snapshot_taken` in `$domain/snapshots`),
//! so that a snapshot which is handed on can be held against it. The committer takes them
//! (`write/snapshots.rs`): on demand, and when a version reaches a multiple of the threshold.

mod read;
mod take;
#[cfg(test)]
mod tests;
mod verify;

pub(crate) use read::{Folded, nearest};
pub(crate) use verify::{compare, stored};

use serde::Serialize;

use crate::{AggregateRef, Digest, Json, Micros, Position, Version, merkle};

/// What stands in clear about a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotInfo {
    /// The version of the aggregate whose state it holds.
    pub version: Version,
    /// The salted commitment to the state, as the log records it.
    pub hash: Digest,
    /// When it was taken.
    pub recorded_at: Micros,
    /// Position of its `$snapshot_taken`.
    pub position: Position,
}

/// A snapshot, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Whose state it is.
    pub aggregate: AggregateRef,
    /// What stands in clear about it.
    pub info: SnapshotInfo,
    /// The salt of its hash.
    pub salt: [u8; 32],
    /// The state as canonical JSON (RFC 8785).
    pub state: Json,
}

impl Snapshot {
    /// The hash that salt and state have: that of `info`, unless the snapshot was changed.
    #[must_use]
    pub fn computed_hash(&self) -> Digest {
        merkle::snapshot(&self.salt, self.state.as_str().as_bytes())
    }
}
