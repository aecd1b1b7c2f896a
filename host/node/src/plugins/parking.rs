//! Parked aggregates: what is kept of each, and how it is told.

use std::sync::Arc;

use eventdbx_sandbox::Failure;
use eventdbx_store::{AggregateNumber, AggregateRef, Event, Header, Micros, Position, Version};
use serde::{Deserialize, Serialize};

use super::{
    Parked,
    cut::{Cutter, Extent, Gathered},
    feed::Row,
    states::StateError,
};

/// The row of one parked aggregate: where its first event is that was not handled, and why. The events stay in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ParkedRow {
    #[serde(flatten)]
    pub(super) aggregate: AggregateRef,
    pub(super) position: Position,
    pub(super) version: Version,
    pub(super) attempts: u32,
    pub(super) code: String,
    pub(super) reason: String,
    pub(super) parked_at: Micros,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) edited: Option<Edited>,
}

/// The payload that an operator gave an event for its delivery. The log keeps its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Edited {
    pub(super) position: Position,
    /// JSON.
    pub(super) payload: String,
}

/// Takes an event of a parked stretch into a batch, unless that is full: with the payload that an operator gave it, if one did.
pub(super) fn take(
    cutter: &Cutter<'_>,
    gathered: &mut Gathered,
    parked: &ParkedRow,
    event: Arc<Event>,
    extent: Extent,
) -> Result<bool, StateError> {
    let edited = parked.edited.as_ref().filter(|edited| edited.position == event.header.position);
    cutter.take(gathered, Row::Open(event), edited.map(|edited| edited.payload.as_str()), extent)
}

/// Why an event could not be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grounds {
    /// Machine-readable and of few values.
    pub(super) code: String,
    /// For people.
    pub(super) reason: String,
}

impl From<Failure> for Grounds {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code, reason: failure.message }
    }
}

impl ParkedRow {
    pub(super) fn new(event: &Header, attempts: u32, grounds: Grounds, now: Micros) -> Self {
        Self {
            aggregate: event.aggregate.clone(),
            position: event.position,
            version: event.version,
            attempts,
            code: grounds.code,
            reason: grounds.reason,
            parked_at: now,
            edited: None,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    pub(super) fn told(&self, number: AggregateNumber) -> Parked {
        Parked {
            id: number.to_string(),
            aggregate_type: self.aggregate.kind.to_string(),
            aggregate_id: self.aggregate.id.to_string(),
            first_position: self.position.get(),
            attempts: self.attempts,
            reason: self.reason.clone(),
            code: self.code.clone(),
            parked_at: self.parked_at.to_rfc3339(),
            edited: self.edited.is_some(),
        }
    }
}
