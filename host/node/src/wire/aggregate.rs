//! Aggregates as they are read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Event, Raw, ResolvedReference};

/// One line of a list of aggregates.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AggregateRow {
    /// Type of the aggregate.
    pub aggregate_type: String,
    /// Id of the aggregate.
    pub aggregate_id: String,
    /// Version of its last event.
    pub version: u64,
    /// Whether it is archived.
    pub archived: bool,
    /// When its first event was committed (RFC 3339).
    pub created_at: String,
    /// When its last event was committed (RFC 3339).
    pub updated_at: String,
    /// Root of its Merkle tree, in hex.
    pub root: String,
    /// Position of its last event.
    pub last_position: u64,
    /// Its state, canonical JSON, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub state: Option<Raw>,
}

/// A page of aggregates, in the order of type and id, or in the one that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Aggregates {
    /// The aggregates.
    pub rows: Vec<AggregateRow>,
    /// Opaque: to be given as `cursor` for the next page, with all else as it was; `null`: this was the last. A page may
    /// have fewer rows than asked for, even none, and not be the last.
    pub next: Option<String>,
}

/// One aggregate with its state.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AggregateView {
    /// Type of the aggregate.
    pub aggregate_type: String,
    /// Id of the aggregate.
    pub aggregate_id: String,
    /// Version of its last event, or the version that was asked for.
    pub version: u64,
    /// Whether it is archived now.
    pub archived: bool,
    /// When its first event was committed (RFC 3339).
    pub created_at: String,
    /// When the event of `version` was committed (RFC 3339).
    pub updated_at: String,
    /// Root of its Merkle tree now, in hex.
    pub root: String,
    /// State right after the event of `version`: canonical JSON.
    #[schema(value_type = Object)]
    pub state: Raw,
    /// Its events up to `version`, from the first on, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Event>>,
    /// The references in `state`, followed as far as was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<Vec<ResolvedReference>>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifyReport {
    /// Events that were read, opened and recomputed.
    pub events: u64,
    /// Aggregates that were recomputed.
    pub aggregates: u64,
    /// The root that was recomputed, in hex.
    pub root: String,
    /// Everything that does not fit; empty: all is well.
    pub findings: Vec<String>,
}
