//! `dbx query`: ask a read model.

use eventdbx_node::wire::Raw;
use serde::{Deserialize, Serialize};

use crate::{
    input, json,
    output::{self, Format},
    session::Session,
};

/// Ask a read model
///
/// Prints the plugin's answer. With `--format json` it is wrapped: as_of is the position up to which the plugin had read the
/// log.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the plugin
    name: String,
    /// Name of the query, as `dbx plugin status` lists them
    query: String,
    /// Parameters: a JSON object, @FILE or -
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    params: Option<String>,
    /// Wait until the plugin has read the log up to this position
    #[arg(long, value_name = "POSITION")]
    wait: Option<u64>,
    /// How long to wait, in milliseconds
    #[arg(long, value_name = "MS", requires = "wait")]
    timeout_ms: Option<u64>,
    /// Go on where an answer ended, with the cursor that it gave as next
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

/// A question to a plugin.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Question {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<Raw>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wait: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_ms: Option<u64>,
}

/// What the plugin answered.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) as_of: u64,
    pub(crate) body: Raw,
    next: Option<Raw>,
    #[serde(default)]
    parked: u64,
}

impl Question {
    pub(crate) async fn ask(&self, session: &Session, plugin: &str, query: &str) -> anyhow::Result<Answer> {
        let answer = session.post(session.at(["plugins", plugin, "queries", query]), self).await?;
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let params = self.params.as_deref().map(|text| input::json("--params", text)).transpose()?;
        let question = Question { params, cursor: self.cursor, wait: self.wait, timeout_ms: self.timeout_ms };
        let answer = question.ask(session, &self.name, &self.query).await?;
        match session.format {
            Format::Table => output::line(&json::pretty(answer.body.get()))?,
            Format::Json => output::line(&json::pretty(&answer.document()))?,
            Format::Ndjson => output::line(&json::compact(&answer.document()))?,
        }
        answer.remarks(session.format, &self.name);
        Ok(())
    }
}

impl Answer {
    fn document(&self) -> String {
        let next = self.next.as_ref().map(|next| format!(r#","next":{}"#, next.get())).unwrap_or_default();
        format!(r#"{{"as_of":{},"body":{}{next}}}"#, self.as_of, self.body.get())
    }

    /// What a person must know to read the answer rightly.
    fn remarks(&self, format: Format, plugin: &str) {
        if let (Format::Table, Some(next)) = (format, &self.next) {
            output::note(&format!("there is more: --cursor {}", next.get()));
        }
        if self.parked > 0 {
            let parked = output::some(self.parked, "aggregate");
            output::note(&format!("{parked} parked, and so not in the answer: `dbx plugin queue list {plugin}`"));
        }
    }
}
