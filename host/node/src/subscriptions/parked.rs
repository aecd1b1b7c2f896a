//! Aggregates of which an event failed too often: they wait with all that follows, until somebody decides.

use eventdbx_store::{AggregateNumber, AggregateRef, Micros, Position, Version};
use serde::{Deserialize, Serialize};

use crate::{plugins::source::Found, wire::SubscriptionParked};

/// A parked aggregate, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ParkedRow {
    pub(super) aggregate: AggregateRef,
    /// The first of its events that is not settled.
    pub(super) position: Position,
    pub(super) version: Version,
    pub(super) attempts: u32,
    pub(super) reason: String,
    pub(super) parked_at: Micros,
    pub(super) standing: Standing,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Standing {
    /// It waits for somebody.
    Parked,
    /// It is delivered again, from its position on, beside all else.
    Retried,
    /// It is settled up to a position, and delivered with all else beyond. The row goes once the cursor has come there.
    Settled(Position),
}

impl ParkedRow {
    pub(super) fn new(found: &Found, attempts: u32, reason: String, now: Micros) -> Self {
        Self {
            aggregate: found.aggregate.clone(),
            position: found.position,
            version: found.version,
            attempts,
            reason,
            parked_at: now,
            standing: Standing::Parked,
        }
    }

    /// Whether an event of the aggregate is left out where the log is read for all.
    pub(super) fn covers(&self, position: Position) -> bool {
        match self.standing {
            Standing::Parked | Standing::Retried => true,
            Standing::Settled(to) => position <= to,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// As people see it.
    pub(super) fn told(&self, number: AggregateNumber) -> SubscriptionParked {
        SubscriptionParked {
            id: number.to_string(),
            aggregate_type: self.aggregate.kind.to_string(),
            aggregate_id: self.aggregate.id.to_string(),
            first_position: self.position.get(),
            attempts: self.attempts,
            reason: self.reason.clone(),
            parked_at: self.parked_at.to_rfc3339(),
            retried: self.standing == Standing::Retried,
        }
    }
}
