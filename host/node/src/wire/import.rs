//! The import: one event per line in, progress per line out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ErrorBody, Expect, Publish, Raw};

/// One line of the input: an event, and the idempotency key that it has alone.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportLine {
    /// Type of the aggregate.
    pub aggregate_type: String,
    /// Id of the aggregate.
    pub aggregate_id: String,
    /// Type of the event.
    pub event_type: String,
    /// The payload; or else `patch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Raw>,
    /// A JSON Patch, instead of a payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub patch: Option<Raw>,
    /// An object with whatever belongs to the event but not to the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Raw>,
    /// An object whose keys begin with `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub extensions: Option<Raw>,
    /// A remark for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it happened (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    /// `false`: it is in the log and in the state, and is delivered to no plugin and no subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emit: Option<bool>,
    /// The plugins and subscriptions that get it, and nobody else; none: whoever selects it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<Publish>,
    /// Which version the aggregate must have.
    #[serde(default, skip_serializing_if = "Expect::is_any")]
    pub expect: Expect,
    /// Idempotency key of the line. A line without one gets one from its content and its count among equal lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Written after each group: everything up to here is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportProgress {
    /// Lines of the input that are dealt with.
    pub acknowledged: u64,
    /// Position of the last event among them; 0: none yet.
    pub position: u64,
    /// Events that were written.
    pub written: u64,
    /// Events that were there already.
    pub duplicates: u64,
}

/// The last line of the answer when every line was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportDone {
    /// Always true.
    pub done: bool,
    /// Lines of the input.
    pub lines: u64,
    /// Events that were written.
    pub written: u64,
    /// Events that were there already.
    pub duplicates: u64,
    /// Position of the last event; 0: there was none.
    pub position: u64,
}

/// One line of the answer to an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ImportReply {
    /// The last line: all is written.
    Done(ImportDone),
    /// The last line: a line was refused. Everything before it is kept, nothing from it on.
    Error(ErrorBody),
    /// Everything up to here is kept.
    Progress(ImportProgress),
}
