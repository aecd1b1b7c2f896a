//! `config.toml`: what an operator can set, with its defaults.
//!
//! Every key stands in one table ([`KEYS`]) with its meaning; a test holds the table against the types. A key that is not
//! in it is an error that names the file, the key and the keys that are near it, so that a slip of the pen is never a
//! silent default. Nothing is written that was not read back and found valid first.

mod file;
mod keys;

use std::path::PathBuf;

use eventdbx_sandbox::Limits;
use eventdbx_store::{Durability, limits};
use serde::{Deserialize, Serialize};

use crate::plugins::PluginLimits;

pub use file::{ConfigError, ConfigFile};
pub use keys::{KEYS, Key};

/// The whole configuration. What the file does not say has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[log]`: how events are written.
    pub log: LogSection,
    /// `[keys]`: where secrets come from.
    pub keys: KeysSection,
    /// `[plugins]`: what one plugin may use.
    pub plugins: PluginsSection,
    /// `[limits]`: what one instance of a plugin may use.
    pub limits: Limits,
    /// `[daemon]`: the process and its socket.
    pub daemon: DaemonSection,
    /// `[telemetry]`: where traces go.
    pub telemetry: TelemetrySection,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// When a write is answered.
    pub durability: Durability,
    /// Blocks of the log that are kept in memory.
    pub block_cache_mib: u64,
    /// Events of an aggregate after which a snapshot is taken, where its schema does not say; 0: never.
    pub snapshot_threshold: u32,
}

/// `[keys]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysSection {
    /// File of the master key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key_file: Option<PathBuf>,
}

/// `[plugins]`: the limits of [`PluginLimits`], by their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the fields of `PluginLimits`, documented there")]
pub struct PluginsSection {
    pub batch_items: usize,
    pub batch_bytes: usize,
    pub recent_bytes: usize,
    pub page_cache_bytes: usize,
    pub state_cache_bytes: usize,
    pub block_cache_bytes: u64,
    pub table_bytes: u64,
    pub parked: usize,
    pub log_lines: usize,
    pub queries: usize,
    pub gateway_threads: usize,
    pub gateway_waiting: usize,
    /// Domains with a drop-in folder.
    pub drop_in: Vec<String>,
}

/// `[daemon]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DaemonSection {
    /// What is logged.
    pub log_level: LogLevel,
    /// Largest body of a request.
    pub body_mib: usize,
    /// Largest component.
    pub component_mib: usize,
    /// Connections at a time.
    pub connections: usize,
    /// How long requests in flight may take when the daemon stops.
    pub shutdown_seconds: u64,
}

/// `[telemetry]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySection {
    /// Base URL of a collector that speaks OTLP over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
}

/// How much is logged: each level includes those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What an operator should look at.
    Warn,
    /// What happened in the large.
    #[default]
    Info,
    /// What happened in detail.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The level as `tracing` knows it.
    #[must_use]
    pub fn filter(self) -> tracing::level_filters::LevelFilter {
        use tracing::level_filters::LevelFilter;
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

impl Default for LogSection {
    fn default() -> Self {
        Self { durability: Durability::Sync, block_cache_mib: 32, snapshot_threshold: limits::SNAPSHOT_THRESHOLD }
    }
}

impl Default for PluginsSection {
    fn default() -> Self {
        let limits = PluginLimits::default();
        Self {
            batch_items: limits.batch_items,
            batch_bytes: limits.batch_bytes,
            recent_bytes: limits.recent_bytes,
            page_cache_bytes: limits.page_cache_bytes,
            state_cache_bytes: limits.state_cache_bytes,
            block_cache_bytes: limits.block_cache_bytes,
            table_bytes: limits.table_bytes,
            parked: limits.parked,
            log_lines: limits.log_lines,
            queries: limits.queries,
            gateway_threads: limits.gateway_threads,
            gateway_waiting: limits.gateway_waiting,
            drop_in: Vec::new(),
        }
    }
}

impl Config {
    /// The limits as dispatch takes them.
    #[must_use]
    pub fn plugin_limits(&self) -> PluginLimits {
        PluginLimits { instance: self.limits.clone(), ..self.plugins.limits() }
    }
}

impl PluginsSection {
    fn limits(&self) -> PluginLimits {
        PluginLimits {
            batch_items: self.batch_items,
            batch_bytes: self.batch_bytes,
            recent_bytes: self.recent_bytes,
            page_cache_bytes: self.page_cache_bytes,
            state_cache_bytes: self.state_cache_bytes,
            block_cache_bytes: self.block_cache_bytes,
            table_bytes: self.table_bytes,
            parked: self.parked,
            log_lines: self.log_lines,
            queries: self.queries,
            gateway_threads: self.gateway_threads,
            gateway_waiting: self.gateway_waiting,
            instance: Limits::default(),
        }
    }
}

impl Default for DaemonSection {
    fn default() -> Self {
        Self { log_level: LogLevel::Info, body_mib: 12, component_mib: 64, connections: 1024, shutdown_seconds: 10 }
    }
}
