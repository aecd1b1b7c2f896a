//! How a job stands and what it found: the JSON shapes of the API.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::plugins::PayloadMode;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// The whole log, into a new generation that then takes the place of the live one.
    Rebuild,
    /// A part of the log once more, into the live tables or out of a plugin without any.
    Stretch,
    /// Into tables that are compared with the live ones and thrown away.
    DryRun,
}

impl Work {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rebuild => "rebuild",
            Self::Stretch => "stretch",
            Self::DryRun => "dry-run",
        }
    }
}

/// What has become of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// It is at work, or waits: for the plugin to be enabled, for its pace, for a pause to end.
    Running,
    /// It did what it was to do.
    Done,
    /// Somebody called it off.
    Cancelled,
    /// It could not go on, with a reason.
    Failed,
}

impl JobState {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// How a job stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct JobStatus {
    /// Its number.
    pub id: u64,
    /// The plugin that it delivers to.
    pub plugin: String,
    /// What it does.
    pub work: Work,
    /// What has become of it.
    pub state: JobState,
    /// Why it failed, was called off, or waits.
    pub reason: Option<String>,
    /// Who asked for it.
    pub actor: String,
    /// Only aggregates of this type.
    pub aggregate_type: Option<String>,
    /// Only the aggregate with this id.
    pub aggregate_id: Option<String>,
    /// First position.
    pub from: u64,
    /// Last position; for the whole log the end of it.
    pub to: u64,
    /// Position up to which it has come.
    pub position: u64,
    /// Mode that its deliveries are cut with.
    pub payload_mode: PayloadMode,
    /// Most events a second; none: as fast as it goes.
    pub rate: Option<u32>,
    /// Events that the plugin took.
    pub deliveries: u64,
    /// Events that the plugin left out on purpose.
    pub skipped: u64,
    /// Events that were not delivered, because their aggregate is parked, live or by this job.
    pub left_out: u64,
    /// Aggregates that this job parked, because an event of theirs failed.
    pub parked: u64,
    /// The generation that holds its cursor; of a rebuild, the one that goes live.
    pub generation: u32,
    /// When it was asked for (RFC 3339).
    pub started_at: String,
    /// When it ended (RFC 3339).
    pub ended_at: Option<String>,
    /// What a dry run found, once it is done, by table.
    pub differences: Option<Vec<TableDifference>>,
}

/// How a table of the live generation and that of a dry run differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableDifference {
    /// Name of the table.
    pub table: String,
    /// Rows that both have alike.
    pub equal: u64,
    /// Rows that only the live table has.
    pub only_live: u64,
    /// Rows that only the replay made.
    pub only_replay: u64,
    /// Rows that both have, with other values.
    pub differing: u64,
    /// Some keys of rows that differ: the first of each kind.
    pub sample: Vec<SampledKey>,
}

/// The key of a row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SampledKey {
    /// Where the row is.
    pub row: Difference,
    /// The key, as the table's key format says: text, a number, JSON, or else hexadecimal digits.
    pub key: String,
}

/// How a row differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// Only the live table has it.
    OnlyLive,
    /// Only the replay made it.
    OnlyReplay,
    /// Both have it, with other values.
    Differs,
}
