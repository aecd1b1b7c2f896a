//! `dbx plugin test`: a component over a failure capsule, in a sandbox of this process. No daemon is asked.

use std::{fs, path::PathBuf};

use anyhow::Context;
use eventdbx_node::plugins::{CapsuleError, CapsuleOutcome, Reproduction, reproduce};
use serde_json::{Map, Value, json};

use crate::{
    fail::{Failure, Kind},
    input,
    output::{DIM, GREEN, YELLOW},
    session::Session,
};

/// Try a component with what it failed on, without a daemon
///
/// It succeeds where the component handles the batch, and is refused (exit code 3) where it fails, in the same way as it
/// did or in another.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A component, or a core module that carries its component type (.wasm)
    component: PathBuf,
    /// Capsule that `dbx plugin capsule save` wrote
    #[arg(long, value_name = "FILE")]
    capsule: PathBuf,
    /// Configuration instead of the capsule's, which has lost its secrets: a JSON object, or @FILE
    #[arg(long, value_name = "JSON|@FILE", allow_hyphen_values = true)]
    config: Option<String>,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<()> {
        let read = |path: &PathBuf| fs::read(path).with_context(|| format!("reading {}", path.display()));
        let (component, capsule) = (read(&self.component)?, read(&self.capsule)?);
        let config = self.config.as_deref().map(config).transpose()?;
        let scratch = tempfile::tempdir().context("making a folder for what is compiled")?;
        let tried = reproduce(&component, &capsule, config, scratch.path()).map_err(|error| refused(&error))?;
        session.format.answer(&document(&tried).to_string(), |_: &Value| text(&tried))?;
        if tried.now.is_handled() {
            return Ok(());
        }
        let how = if tried.reproduced { "in the same way as it did" } else { "in another way than it did" };
        Err(Failure::new(Kind::Refused, format!("{} fails {how}", tried.plugin)).into())
    }
}

fn config(text: &str) -> anyhow::Result<Map<String, Value>> {
    let value = input::json("--config", text)?;
    serde_json::from_str(value.get())
        .map_err(|error| Failure::new(Kind::Refused, format!("--config is no JSON object: {error}")).into())
}

fn refused(error: &CapsuleError) -> Failure {
    let kind = if matches!(error, CapsuleError::Sandbox(_)) { Kind::Other } else { Kind::Refused };
    Failure::new(kind, error.to_string())
}

fn document(tried: &Reproduction) -> Value {
    json!({
        "plugin": tried.plugin,
        "same_component": tried.same_component,
        "reproduced": tried.reproduced,
        "then": tried.then,
        "now": tried.now,
        "redacted": tried.redacted,
        "log": tried.log,
    })
}

fn text(tried: &Reproduction) -> String {
    let mut lines = vec![
        format!("then: {}", words(&tried.then)),
        format!(
            "now:  {}",
            if tried.now.is_handled() { format!("{GREEN}handled{GREEN:#}") } else { words(&tried.now) }
        ),
    ];
    if !tried.same_component {
        lines.push("with another component than the one that failed".to_owned());
    }
    if !tried.redacted.is_empty() {
        let missing = tried.redacted.join(", ");
        lines.push(format!("{YELLOW}secrets are missing at {missing}: give the configuration with --config{YELLOW:#}"));
    }
    lines.extend(tried.log.iter().map(|line| format!("{DIM}{}{DIM:#} {}", line.level, line.message)));
    lines.join("\n")
}

fn words(outcome: &CapsuleOutcome) -> String {
    let code = outcome.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let reason = outcome.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{}{code}{reason}", outcome.outcome)
}
