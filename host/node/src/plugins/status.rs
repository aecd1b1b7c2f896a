//! What is told about a plugin: how it stands, what it logged, what it left parked. The JSON shapes of the API.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{FieldList, GatewayStatus, PayloadMode, PluginPriority, calls::CallFigures, life::Kept};
use crate::outbound::TargetStatus;

/// What the worker of a plugin is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// The component is being compiled and started.
    Starting,
    /// It works its way through the log.
    CatchingUp,
    /// It has seen every committed event, or answers whenever it is asked.
    Live,
    /// It waits before it tries a failed batch again.
    Retrying,
    /// It stands still, with a reason.
    Stopped,
    /// It was paused: nothing is delivered, queries are answered.
    Paused,
    /// It was disabled.
    Disabled,
}

/// How a plugin stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PluginStatus {
    /// Name that it was installed under.
    pub name: String,
    /// Version of the component.
    pub version: String,
    /// Kind of the component, e.g. `read-model`.
    pub kind: String,
    /// Hash of the component.
    pub component: String,
    /// Whether it is to run.
    pub enabled: bool,
    /// What its worker is at.
    pub state: PluginState,
    /// Why it is stopped or retrying.
    pub reason: Option<String>,
    /// The installed payload mode.
    pub payload_mode: PayloadMode,
    /// How much of the processor it gets beside others.
    pub priority: PluginPriority,
    /// Globs that an aggregate must match (`type` or `type/id`); none: any.
    pub aggregates: Vec<String>,
    /// Globs that an event type must match; none: any.
    pub events: Vec<String>,
    /// Filter expression that an event must pass.
    pub filter: Option<String>,
    /// Fields of payload and state that it may see.
    pub fields: FieldList,
    /// Whether it is fed with what it selects, or only with those events of it whose writer names it.
    pub emit: bool,
    /// The most that was granted; none: all that it can use.
    pub max_mode: Option<PayloadMode>,
    /// Id of the key that signed the component.
    pub signer: Option<String>,
    /// What it can be rolled back to, newest last.
    pub kept: Vec<KeptStatus>,
    /// Number of the generation of tables that answers queries.
    pub generation: u32,
    /// Position up to which the log was scanned and committed.
    pub cursor: u64,
    /// End of the log.
    pub head: u64,
    /// Positions still to scan.
    pub lag_events: u64,
    /// Age of the first position still to scan, in milliseconds; 0: none.
    pub lag_ms: u64,
    /// Parked aggregates.
    pub parked: u64,
    /// Number of the next try of the batch that is due; 1: it has not failed.
    pub attempt: u32,
    /// Batches committed by this generation.
    pub batches: u64,
    /// Events that it took.
    pub deliveries: u64,
    /// Events that it left out on purpose.
    pub skipped: u64,
    /// Events that it was not given, because their aggregate is parked.
    pub left_out: u64,
    /// Times that it asked for a retry.
    pub retries: u64,
    /// Times that it broke a limit, trapped or answered nonsense.
    pub traps: u64,
    /// CPU time spent in the component, in milliseconds.
    pub cpu_ms: u64,
    /// Bytes of keys and sealed values in its tables.
    pub table_bytes: u64,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
    /// Counters and gauges of its own, since it was started.
    pub metrics: BTreeMap<String, f64>,
    /// How its calls went, since the daemon started.
    #[serde(skip)]
    pub(crate) calls: CallFigures,
    /// What it may reach, if it is a transport.
    pub targets: Vec<TargetStatus>,
    /// What it may do in its domain and what became of its requests, if it is a gateway.
    pub gateway: Option<GatewayStatus>,
    /// What it brings, if it is a schema extension.
    pub extension: Option<ExtensionStatus>,
    /// A generation that is being rebuilt beside the live one.
    pub rebuild: Option<RebuildStatus>,
    /// Why what stands in the drop-in folder under its name was not applied, if it was not.
    pub drop_in: Option<String>,
}

/// How a rebuild stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RebuildStatus {
    /// Number of the new generation.
    pub generation: u32,
    /// Position up to which it has come.
    pub cursor: u64,
    /// End of the log.
    pub head: u64,
    /// Mode that its deliveries are cut with.
    pub payload_mode: PayloadMode,
    /// Version of the component that it is built for, where that is not the live one.
    pub version: Option<String>,
    /// Why it stands still, if it does.
    pub reason: Option<String>,
}

/// What a schema extension brings, and who uses it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExtensionStatus {
    /// Names of its column types.
    pub types: Vec<String>,
    /// Names of its rules.
    pub rules: Vec<String>,
    /// Names of its upcasters.
    pub upcasters: Vec<String>,
    /// The aggregate types whose active schemas use any of it.
    pub schemas: Vec<String>,
}

/// A component that ran before, and its tables.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KeptStatus {
    /// Version of the component.
    pub version: String,
    /// Hash of the component.
    pub component: String,
    /// Number of the generation of its tables.
    pub generation: u32,
}

impl From<Kept> for KeptStatus {
    fn from(kept: Kept) -> Self {
        Self { version: kept.code.version, component: kept.code.component, generation: kept.generation.get() }
    }
}

/// What is known of a component before it is installed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ComponentInfo {
    /// Hash of its bytes: its name from now on.
    pub hash: String,
    /// Name that it gives itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its kind, e.g. `read-model`.
    pub kind: String,
    /// Version of `eventdbx:plugin` that it was built for.
    pub api_version: String,
    /// Queries that it answers.
    pub queries: Vec<String>,
}

/// One line that a plugin logged, or that was logged about it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogLine {
    /// When (RFC 3339).
    pub at: String,
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// What.
    pub message: String,
    /// More, as JSON.
    #[schema(value_type = Option<Object>)]
    pub fields: Option<Box<RawValue>>,
}

/// A parked aggregate: an event that cannot be handled, and all that follow it in its aggregate.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Parked {
    /// Names the entry for retry and discard.
    pub id: String,
    /// Type of the aggregate.
    pub aggregate_type: String,
    /// Id of the aggregate.
    pub aggregate_id: String,
    /// Position of the first event that is left out.
    pub first_position: u64,
    /// How often it was tried alone.
    pub attempts: u32,
    /// What went wrong.
    pub reason: String,
    /// The same, machine-readable.
    pub code: String,
    /// When (RFC 3339).
    pub parked_at: String,
    /// Whether an operator gave its first event another payload to be delivered with.
    pub edited: bool,
}

/// A parked aggregate with its deliveries, cut anew from the log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ParkedDetail {
    /// The entry.
    #[serde(flatten)]
    pub parked: Parked,
    /// What the plugin would be given, from the first position on.
    #[schema(value_type = Vec<Object>)]
    pub deliveries: Vec<Box<RawValue>>,
    /// Whether there are more than are shown.
    pub more: bool,
}
