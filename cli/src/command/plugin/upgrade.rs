//! `dbx plugin upgrade|rollback|pause|resume`: what becomes of a plugin that is installed.

use std::{fs, path::PathBuf};

use anyhow::Context;
use serde_json::json;

use super::{Plugin, add_component};
use crate::{output::GREEN, session::Session};

/// Let another component take over a plugin, without losing or repeating an event
///
/// One that can go on with the stored tables does so between two batches. For any other, new tables are built beside the live
/// ones, which go on answering, and the flip is one commit. Another version of a schema extension is asked from the next commit
/// on, if it brings all that active schemas use. What ran before is kept for `dbx plugin rollback`.
#[derive(Debug, clap::Args)]
pub(crate) struct Upgrade {
    /// Name of the plugin
    name: String,
    /// The new component (.wasm)
    file: PathBuf,
    /// Consent to something that the new component asks for beyond the one before; may be repeated
    #[arg(long = "grant", value_name = "WHAT")]
    grants: Vec<String>,
    /// A detached signature of the component, as `dbx plugin sign` writes it
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
}

/// Go back to the component that ran before an upgrade, with its tables
#[derive(Debug, clap::Args)]
pub(crate) struct Rollback {
    /// Name of the plugin
    name: String,
    /// Number of the generation to go back to, as `dbx plugin status` lists them [default: the last that was kept]
    #[arg(long, value_name = "GEN")]
    to: Option<u32>,
}

impl Upgrade {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let signature = self.signature.as_deref().map(super::signing::read_signature).transpose()?;
        let bytes = fs::read(&self.file).with_context(|| format!("reading {}", self.file.display()))?;
        let component = add_component(session, bytes).await?;
        let request = json!({ "component": component, "grants": self.grants, "signature": signature });
        let answer = session.post(session.at(["plugins", &self.name, "upgrade"]), &request).await?;
        session.format.answer(&answer, |plugin: &Plugin| told(plugin, "upgraded"))
    }
}

impl Rollback {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let answer = session.post(session.at(["plugins", &self.name, "rollback"]), &json!({ "to": self.to })).await?;
        session.format.answer(&answer, |plugin: &Plugin| told(plugin, "rolled back"))
    }
}

fn told(plugin: &Plugin, done: &str) -> String {
    match plugin.rebuild.as_ref().and_then(|rebuild| rebuild.version.as_ref()) {
        Some(version) => format!(
            "{GREEN}building{GREEN:#} the tables of {} {version} beside the live ones, which they replace once they have \
             caught up: `dbx plugin status {}` shows how far they are",
            plugin.name, plugin.name
        ),
        None => plugin.sentence(done),
    }
}
