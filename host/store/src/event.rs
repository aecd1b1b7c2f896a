//! An event as it is read back.

use std::sync::Arc;

use crate::{
    AggregateNumber, AggregateRef, Digest, EventId, EventReceipt, EventType, Json, Micros, Position, Recipients,
    Version, merkle,
};

/// How the state changes by an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EventKind {
    /// The payload is an object, merged into the state (RFC 7396).
    Payload = 0,
    /// The payload is a JSON Patch (RFC 6902), applied to the state.
    Patch = 1,
    /// One of EventDBX's own (`$archived`, …): the state stays as it is.
    System = 2,
}

/// What stands in clear in the log row: all that routing and proving need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Place in the domain.
    pub position: Position,
    /// Number of the aggregate.
    pub number: AggregateNumber,
    /// Name of the aggregate.
    pub aggregate: AggregateRef,
    /// Place in the aggregate.
    pub version: Version,
    /// Id of the event.
    pub event_id: EventId,
    /// Type of the event.
    pub event_type: EventType,
    /// When it was committed.
    pub recorded_at: Micros,
    /// When it happened, as the writer gave it (RFC 3339, with its offset).
    pub occurred_at: Option<Arc<str>>,
    /// Version of the schema that it was checked with; 0: none.
    pub schema_version: u32,
    /// How it changes the state.
    pub kind: EventKind,
    /// To whom it is delivered. No part of the digest.
    pub recipients: Recipients,
    /// The event digest, which is the leaf of the aggregate's tree.
    pub digest: Digest,
}

impl Header {
    /// Its leaf in the domain's tree.
    #[must_use]
    pub fn leaf(&self) -> Digest {
        merkle::domain_leaf(self.position, &self.digest)
    }

    /// What the writer of the event was told.
    #[must_use]
    pub fn receipt(&self) -> EventReceipt {
        EventReceipt {
            aggregate: self.aggregate.clone(),
            event_id: self.event_id,
            position: self.position,
            version: self.version,
            recorded_at: self.recorded_at,
            digest: self.digest,
        }
    }

    /// Whether the event is one of EventDBX's own, or stands in a reserved aggregate.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.event_type.is_system() || self.aggregate.kind.is_system()
    }
}

/// What is sealed in the log row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Who wrote it.
    pub actor: Arc<str>,
    /// The payload or patch, byte for byte as it was sent.
    pub payload: Json,
    /// JSON object.
    pub metadata: Option<Json>,
    /// JSON object whose keys begin with `@`.
    pub extensions: Option<Json>,
    /// A remark for people.
    pub note: Option<Arc<str>>,
}

/// One event, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What stands in clear.
    pub header: Header,
    /// What was sealed.
    pub body: Body,
}

impl Event {
    /// What its writer was told.
    #[must_use]
    pub fn receipt(&self) -> EventReceipt {
        self.header.receipt()
    }
}
