//! The daemon itself: health, status, figures.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DomainStatus, Raw};

/// Answer of the health checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`, or what is the matter.
    pub status: String,
    /// What is not ready, in words; empty when all is.
    #[serde(default)]
    pub problems: Vec<String>,
}

/// What the daemon is and serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusResponse {
    /// Process id.
    pub pid: u32,
    /// Version of EventDBX.
    pub version: String,
    /// When it started (RFC 3339).
    pub started_at: String,
    /// Seconds since then.
    pub uptime_seconds: u64,
    /// Its data directory.
    pub data_dir: String,
    /// Its domains.
    pub domains: Vec<DomainStatus>,
    /// Whether it takes requests.
    pub state: RunState,
}

/// Whether the daemon takes requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// It does.
    Running,
    /// It finishes those that it has.
    Stopping,
}

/// Figures of the process and of every domain.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StatsResponse {
    /// Resident memory of the process.
    pub memory_bytes: u64,
    /// One entry for each domain.
    pub domains: Vec<DomainStats>,
}

/// Figures of one domain.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DomainStats {
    /// Its name.
    pub name: String,
    /// Events in its log.
    pub events: u64,
    /// Aggregates.
    pub aggregates: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Requests that wait for the committer.
    pub queued: u64,
    /// Commits since the daemon started.
    pub commits: u64,
    /// Microseconds that writing and syncing them took together.
    pub commit_micros: u64,
    /// The status of each plugin, as the plugin routes give it.
    #[schema(value_type = Vec<Object>)]
    pub plugins: Vec<Raw>,
}
