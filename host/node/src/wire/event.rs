//! An event as it is read back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Publish, Raw};

/// One event. What it does not have is `null`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Place in the domain.
    pub position: u64,
    /// Type of the aggregate.
    pub aggregate_type: String,
    /// Id of the aggregate.
    pub aggregate_id: String,
    /// Place in the aggregate.
    pub version: u64,
    /// Id of the event.
    pub event_id: String,
    /// Type of the event.
    pub event_type: String,
    /// How it changes the state.
    pub kind: EventBodyKind,
    /// The payload, as it was sent; also that of a system event.
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Raw>,
    /// The JSON Patch, as it was sent.
    #[schema(value_type = Option<Vec<Object>>)]
    pub patch: Option<Raw>,
    /// What belongs to the event but not to the state.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Raw>,
    /// Extensions, whose keys begin with `@`.
    #[schema(value_type = Option<Object>)]
    pub extensions: Option<Raw>,
    /// A remark for people.
    pub note: Option<String>,
    /// Who wrote it.
    pub actor: String,
    /// When it was committed (RFC 3339).
    pub recorded_at: String,
    /// When it happened, as the writer gave it (RFC 3339).
    pub occurred_at: Option<String>,
    /// `false`: it is delivered to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emit: Option<bool>,
    /// The plugins and subscriptions that get it; none: whoever selects it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<Publish>,
    /// Version of the schema that it was checked with; 0: none.
    pub schema_version: u32,
    /// Whether the payload has another shape than it was written in: that of today's schema, which was asked for. The digest
    /// is that of what was written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub upcast: bool,
    /// The event digest, in hex.
    pub digest: String,
}

/// How an event changes the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventBodyKind {
    /// The payload is merged into the state (RFC 7396).
    Payload,
    /// The patch is applied to the state (RFC 6902).
    Patch,
    /// One of EventDBX's own: the state stays as it is.
    System,
}

/// A page of events.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Events {
    /// The events.
    pub rows: Vec<Event>,
    /// Opaque: to be given as `cursor` for the next page, with all else as it was; `null`: this was the last. A page may
    /// have fewer rows than asked for, even none, and not be the last.
    pub next: Option<String>,
}
