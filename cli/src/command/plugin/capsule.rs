//! `dbx plugin capsule`: a failure of a plugin, in one file.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf};

use anyhow::Context;
use serde::Deserialize;
use serde_json::json;

use crate::{
    json,
    output::{self, GREEN, YELLOW},
    session::Session,
};

/// Save a failure of a plugin, to be reproduced where there is neither daemon nor log
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Write a batch, the configuration without its secrets, and the rows that the plugin reads into one JSON file
    ///
    /// The file holds content in clear; only you may read it. `dbx plugin test COMPONENT --capsule FILE` tries it.
    Save(Save),
}

#[derive(Debug, clap::Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct Save {
    /// Name of the plugin
    name: String,
    /// The first event of this entry of `dbx plugin queue list` [default: what the plugin is given next]
    entry: Option<String>,
    /// File to write, which must not exist yet
    file: PathBuf,
}

#[derive(Deserialize)]
struct Capsule {
    redacted: Vec<String>,
    outcome: Outcome,
}

/// What came of a batch.
#[derive(Debug, Deserialize)]
struct Outcome {
    outcome: String,
    code: Option<String>,
    reason: Option<String>,
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Save(args) => args.run(session).await,
        }
    }
}

impl Save {
    async fn run(self, session: &Session) -> anyhow::Result<()> {
        let target = session.at(["plugins", &self.name, "capsule"]).query("entry", self.entry.as_deref());
        let text = session.get(target).await?;
        let capsule: Capsule = serde_json::from_str(&text)?;
        let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.file);
        let mut file = written.with_context(|| format!("writing {}", self.file.display()))?;
        file.write_all(json::pretty(&text).as_bytes()).with_context(|| format!("writing {}", self.file.display()))?;
        let Capsule { redacted, outcome: Outcome { outcome, code, reason } } = capsule;
        let answer = json!({
            "file": self.file, "outcome": outcome, "code": code, "reason": reason, "redacted": redacted,
        });
        session.format.answer(&answer.to_string(), |_: &serde_json::Value| {
            let said = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let missing = match redacted.len() as u64 {
                0 => String::new(),
                many => format!("\n{YELLOW}without {}{YELLOW:#}", output::some(many, "secret")),
            };
            format!("{GREEN}saved{GREEN:#} {}: {outcome}{said}{missing}", self.file.display())
        })
    }
}
