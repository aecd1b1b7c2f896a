//! Trying a capsule, with no daemon and no log: does the component still fail?

use std::{path::Path, sync::Arc};

use eventdbx_sandbox::{ComponentHash, Limits, Sandbox, SandboxOptions, StartContext, StartReason};
use eventdbx_store::system_clock;
use serde_json::{Map, Value};

use super::{
    CAPSULE_VERSION, Capsule, CapsuleOutcome,
    tables::{Kept, Rows},
};
use crate::plugins::{LogLine, guest::Guest, logs::Logs};

/// Log lines that are kept of a trial.
const LOG_LINES: usize = 1000;

/// What came of a trial.
#[derive(Debug)]
pub struct Reproduction {
    /// The plugin that the capsule was made of.
    pub plugin: String,
    /// Whether the component is the very one that it was made with.
    pub same_component: bool,
    /// What came of the batch when the capsule was made.
    pub then: CapsuleOutcome,
    /// What comes of it now.
    pub now: CapsuleOutcome,
    /// Whether it fails in the same way.
    pub reproduced: bool,
    /// Where secrets are missing in the configuration, as JSON Pointers.
    pub redacted: Vec<String>,
    /// What the plugin logged.
    pub log: Vec<LogLine>,
}

/// Why a capsule could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum CapsuleError {
    /// It is no capsule.
    #[error("this is no failure capsule: {0}")]
    Unreadable(String),
    /// The component does not fit this host.
    #[error("{0}")]
    Component(String),
    /// The sandbox does not start.
    #[error("the sandbox does not start: {0}")]
    Sandbox(String),
}

/// Hands the batch of a capsule to a component. `config` takes the place of the capsule's configuration, where that lost
/// its secrets; `scratch` is a folder for what is compiled.
///
/// # Errors
///
/// When the capsule cannot be read, the component does not fit, or the sandbox does not start. A failure of the plugin is
/// none: it is what was looked for.
pub fn reproduce(
    component: &[u8],
    capsule: &[u8],
    config: Option<Map<String, Value>>,
    scratch: &Path,
) -> Result<Reproduction, CapsuleError> {
    let capsule: Capsule =
        serde_json::from_slice(capsule).map_err(|error| CapsuleError::Unreadable(error.to_string()))?;
    if capsule.capsule != CAPSULE_VERSION {
        let text = format!("its version is {}, and this program reads {CAPSULE_VERSION}", capsule.capsule);
        return Err(CapsuleError::Unreadable(text));
    }
    let options = SandboxOptions { cache_dir: scratch.to_owned(), cache_key: rand::random() };
    let sandbox = Sandbox::new(options).map_err(|error| CapsuleError::Sandbox(error.to_string()))?;
    let plugin = sandbox.load(component).map_err(|error| CapsuleError::Component(error.to_string()))?;
    let mut rows = Rows::new();
    for kept in &capsule.tables {
        // A component that has no such table any more reads none of its rows.
        let table = plugin.descriptor().tables.iter().position(|table| table.name == kept.name);
        let read =
            kept.rows().ok_or_else(|| CapsuleError::Unreadable(format!("rows of {} are no Base64", kept.name)))?;
        rows.extend(table.map(|table| (table, read)));
    }
    let logs = Arc::new(Logs::new(system_clock(), LOG_LINES));
    let redacted = if config.is_some() { Vec::new() } else { capsule.redacted };
    let config = Value::Object(config.unwrap_or(capsule.config)).to_string();
    let context = StartContext { domain: capsule.batch.domain(), config: &config, reason: StartReason::Restart };
    let host = Kept { rows, logs: Arc::clone(&logs) };
    let now = match Guest::start(&plugin, Box::new(host), context, &Limits::default()) {
        Ok(instance) => capsule.batch.lend(|batch| CapsuleOutcome::of(instance.handle(batch).0)),
        Err(stop) => Some(CapsuleOutcome::not_started(&stop)),
    };
    let now = now.ok_or_else(|| CapsuleError::Unreadable("a digest of its batch is no Base64".to_owned()))?;
    Ok(Reproduction {
        plugin: capsule.plugin,
        same_component: ComponentHash::of(component).to_string() == capsule.component,
        reproduced: !now.is_handled() && now.is_like(&capsule.outcome),
        then: capsule.outcome,
        now,
        redacted,
        log: logs.last(LOG_LINES),
    })
}
