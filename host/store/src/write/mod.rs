//! The stages of a write: [`Draft`](crate::Draft) → [`Checked`] → queue → committer → [`Receipt`](crate::Receipt).
//!
//! Whatever can be done on the caller's thread is done there ([`check`]): parsing, commitments, sealing, JSON Patch. What
//! is left for the one committer is to find the version, give the position, hash and write.

mod check;
mod committer;
mod evaluate;
mod group;
mod heads;
mod idempotency;
mod lane;
mod parse;
mod queue;
mod references;
mod rows;
mod rules;
mod seal;
mod sequence;
mod snapshots;

pub use check::Checked;
pub(crate) use check::{CheckOutcome, Origin, SystemEvent, check, check_archive, check_system, system_body};
pub(crate) use committer::Committer;
pub(crate) use heads::Heads;
pub use lane::Lane;
pub use queue::Reply;
pub(crate) use queue::{NotTaken, Queue, Submission};
pub(crate) use references::Need;
pub(crate) use sequence::Sequence;
pub(crate) use snapshots::{check_snapshot, is_snapshot_taken};

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    AggregateRef, Body, EventId, EventKind, EventType, Expected, Recipients, Schema, Version, book::Change,
    digest::Commitments, keys::KeptKey,
};

/// One event of a checked request: all of it but what only the committer knows (version, position, time).
pub(crate) struct CheckedEvent {
    pub(crate) aggregate: AggregateRef,
    pub(crate) event_type: EventType,
    pub(crate) event_id: EventId,
    pub(crate) kind: EventKind,
    pub(crate) expected: Expected,
    pub(crate) occurred_at: Option<Arc<str>>,
    pub(crate) recipients: Recipients,
    pub(crate) body: Body,
    pub(crate) effect: Effect,
    /// The schema that it was checked with; none: with none.
    pub(crate) follows: Option<Follows>,
    /// What must be there for it to be written.
    pub(crate) needs: Vec<Need>,
    /// After how many events of its aggregate a snapshot is taken; 0: never.
    pub(crate) snapshot_threshold: u32,
    pub(crate) commitments: Commitments,
    /// How the payload is committed to.
    pub(crate) commitment_kind: u8,
    pub(crate) key: Arc<KeptKey>,
    pub(crate) compressed: bool,
    pub(crate) sealed: Vec<u8>,
}

/// A schema that an event follows.
pub(crate) struct Follows {
    pub(crate) version: u32,
    pub(crate) schema: Arc<Schema>,
    /// Whether it depends on the state that the event meets if all that is required is there after it.
    pub(crate) is_open: bool,
}

/// What an event does to the state of its aggregate.
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// Mode or schema are switched.
    Switch(Change),
    /// Nothing. Its aggregate is archived: those that may refer to it were looked at, at these versions.
    Archive { seen: HashMap<AggregateRef, Version> },
    /// The members are merged in; `growth` bounds by how many bytes the state can grow.
    Merge { members: Map<String, Value>, growth: usize },
    /// It was worked out against the aggregate at version `after`, which must still be where it stands when this event's
    /// turn comes. `state` is there for the last event of a request on its aggregate.
    Evaluated { after: Version, state: Option<Map<String, Value>> },
}

impl Effect {
    /// Takes the switch out, if it is one.
    pub(crate) fn take_switch(&mut self) -> Option<Change> {
        match std::mem::replace(self, Self::None) {
            Self::Switch(change) => Some(change),
            other => {
                *self = other;
                None
            }
        }
    }
}
