//! Schemas: as they are listed, read, changed, checked and inferred.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ErrorBody, Raw, Reason};

/// How strictly a domain holds what is written against schemas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeRequest {
    /// `off`, `default` or `strict`.
    pub mode: String,
}

/// The mode of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModeView {
    /// The domain.
    pub domain: String,
    /// `off`: nothing is checked. `default`: where a type has a schema it is enforced. `strict`: no schema, no write.
    pub mode: String,
    /// What it was before this request.
    pub previous: String,
    /// What will be refused from now on that people may not expect.
    pub warnings: Vec<String>,
}

/// One line of the list of schemas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaRow {
    /// Type of the aggregates that it is for.
    pub aggregate_type: String,
    /// Version that is in force; `null`: none.
    pub active: Option<u32>,
    /// How many versions there are.
    pub versions: u32,
    /// Fields at the top level.
    pub fields: usize,
    /// Event types that it lists; 0: any may be written.
    pub events: usize,
    /// Nothing may be written any more.
    pub locked: bool,
    /// Payloads are committed to member by member.
    pub redactable: bool,
    /// When the active version was written, or the last one where none is active (RFC 3339).
    pub updated_at: String,
    /// Who wrote it.
    pub updated_by: String,
}

/// The schemas of a domain, by type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Schemas {
    /// One for each type that has a schema or had one.
    pub rows: Vec<SchemaRow>,
}

/// A version of a schema.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchemaView {
    /// Type of the aggregates that it is for.
    pub aggregate_type: String,
    /// Its version.
    pub version: u32,
    /// Version that is in force; `null`: none.
    pub active: Option<u32>,
    /// When it was written (RFC 3339).
    pub recorded_at: String,
    /// Position of the event that wrote it.
    pub position: u64,
    /// Who wrote it.
    pub actor: String,
    /// A remark of whoever wrote it.
    pub note: Option<String>,
    /// What it says.
    #[schema(value_type = Object)]
    pub document: Raw,
    /// The same in the words of JSON Schema (draft 2020-12), if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub json_schema: Option<Raw>,
}

/// One version in the history of a schema.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchemaVersion {
    /// Its version.
    pub version: u32,
    /// Whether it is in force.
    pub active: bool,
    /// When it was written (RFC 3339).
    pub recorded_at: String,
    /// Position of the event that wrote it.
    pub position: u64,
    /// Who wrote it.
    pub actor: String,
    /// A remark of whoever wrote it.
    pub note: Option<String>,
    /// What changed against the version before it.
    pub changes: Vec<SchemaChange>,
}

/// Something that happened to the schema of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaSwitch {
    /// Position of the event.
    pub position: u64,
    /// When (RFC 3339).
    pub recorded_at: String,
    /// Who did it.
    pub actor: String,
    /// `set`: a new version was written and became active. `activated`: an earlier one became active. `removed`: none is
    /// active any more.
    pub what: String,
    /// The version that became active; `null`: none.
    pub version: Option<u32>,
}

/// The history of a schema.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchemaVersions {
    /// All versions, the first one first.
    pub rows: Vec<SchemaVersion>,
    /// The last switches, the oldest of them first.
    pub switches: Vec<SchemaSwitch>,
}

/// One change between two schemas.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchemaChange {
    /// Where: a JSON Pointer into the document.
    pub pointer: String,
    /// `added`, `removed` or `changed`.
    pub kind: String,
    /// What stood there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub from: Option<Raw>,
    /// What stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub to: Option<Raw>,
    /// The new schema may refuse what the old one accepted.
    pub narrows: bool,
}

/// What is different between two versions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchemaDiff {
    /// Type of the aggregates.
    pub aggregate_type: String,
    /// The one version.
    pub from: u32,
    /// The other version.
    pub to: u32,
    /// What changes from the one to the other.
    pub changes: Vec<SchemaChange>,
}

/// What became of a change to a schema.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchemaWritten {
    /// Type of the aggregates.
    pub aggregate_type: String,
    /// Version that is in force now, or would be; `null`: none.
    pub version: Option<u32>,
    /// Version that was in force before; `null`: none.
    pub previous: Option<u32>,
    /// Something was written; not so in a dry run, and where everything is as it should be already.
    pub written: bool,
    /// Position of the event that says so; `null`: nothing was written.
    pub position: Option<u64>,
    /// What changes against the version that was in force; where there was none, against one that accepts everything.
    pub changes: Vec<SchemaChange>,
    /// What people should know.
    pub warnings: Vec<String>,
    /// Aggregates whose state the schema refuses, the first 100.
    pub refused_states: Vec<CheckExample>,
}

/// Body of an activation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateRequest {
    /// The version that is to be in force.
    pub version: u32,
    /// The version that must be in force now; 0: none may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u32>,
    /// Also if it refuses states that are there.
    #[serde(default)]
    pub force: bool,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaFaults {
    /// Every fault; `path` is a JSON Pointer into the document. Empty: it is valid.
    pub faults: Vec<Reason>,
}

/// One rule that an event or a state breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaViolation {
    /// Where: below `/payload`, or below `/state` of a JSON Patch and of a state as it stands.
    pub path: String,
    /// The rule.
    pub rule: String,
    /// What the rule asks for.
    pub expected: String,
    /// What is there; never the value of a hidden field.
    pub actual: String,
}

/// An event or a state that a schema refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckExample {
    /// Type of the aggregate.
    pub aggregate_type: String,
    /// Id of the aggregate.
    pub aggregate_id: String,
    /// Version of the event; of a state, the version that it stands at.
    pub version: u64,
    /// Position of the event; `null`: it is a state.
    pub position: Option<u64>,
    /// Type of the event; `null`: it is a state.
    pub event_type: Option<String>,
    /// What it breaks, the first 16.
    pub violations: Vec<SchemaViolation>,
}

/// How often a rule is broken at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BrokenRule {
    /// The rule.
    pub rule: String,
    /// Where.
    pub path: String,
    /// By how many events.
    pub events: u64,
    /// By how many states as they stand.
    pub states: u64,
}

/// Written now and then while history is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckProgress {
    /// Events that were checked.
    pub checked: u64,
    /// Events that there are.
    pub total: u64,
    /// How many the schema refuses so far.
    pub refused: u64,
}

/// The last line of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckReport {
    /// Always true.
    pub done: bool,
    /// Type of the aggregates.
    pub aggregate_type: String,
    /// Version that was checked with; `null`: the document that was sent.
    pub version: Option<u32>,
    /// Aggregates whose states were checked.
    pub aggregates: u64,
    /// Events that were checked.
    pub events: u64,
    /// Events that the schema refuses.
    pub refused_events: u64,
    /// Aggregates whose state it refuses.
    pub refused_states: u64,
    /// Which rules are broken where, the most frequent first; at most 256.
    pub rules: Vec<BrokenRule>,
    /// The first 100 events and states that it refuses, by aggregate.
    pub examples: Vec<CheckExample>,
}

/// One line of the answer to a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum CheckReply {
    /// The last line.
    Report(CheckReport),
    /// The last line: the check could not be finished.
    Error(ErrorBody),
    /// How far it is.
    Progress(CheckProgress),
}

/// A schema that accepts what is there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InferredSchema {
    /// Type of the aggregates.
    pub aggregate_type: String,
    /// Events that were looked at.
    pub events: u64,
    /// Aggregates that were looked at.
    pub aggregates: u64,
    /// The proposal.
    #[schema(value_type = Object)]
    pub document: Raw,
}
