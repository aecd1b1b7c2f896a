//! `dbx plugin logs`.

use eventdbx_node::wire::Raw;
use serde::Deserialize;

use crate::{
    command::rows,
    output::{DIM, YELLOW},
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the plugin
    name: String,
    /// At most this many lines, the last ones
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct Line {
    at: String,
    level: String,
    message: String,
    fields: Option<Raw>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let target = session.at(["plugins", &self.name, "logs"]).query("limit", self.limit);
        rows::print(session.format, &session.get(target).await?, text)
    }
}

fn text(lines: &[Line]) -> String {
    let lines = lines.iter().map(|Line { at, level, message, fields }| {
        let fields = fields.as_ref().map(|fields| format!(" {DIM}{}{DIM:#}", fields.get())).unwrap_or_default();
        let level = match level.as_str() {
            "warn" | "error" => format!("{YELLOW}{level:5}{YELLOW:#}"),
            _ => format!("{level:5}"),
        };
        format!("{DIM}{at}{DIM:#} {level} {message}{fields}")
    });
    lines.collect::<Vec<_>>().join("\n")
}
