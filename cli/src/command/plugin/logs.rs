//! `dbx plugin logs`.

use eventdbx_node::wire::Raw;
use serde::Deserialize;

use crate::{
    command::rows,
    output::{self, DIM, Format, YELLOW},
    session::Session,
};

/// How long one request waits for a line.
const WAIT_MS: u64 = 30_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the plugin
    name: String,
    /// At most this many lines, the last ones
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Go on with new lines as they are written, until interrupted
    #[arg(long)]
    follow: bool,
}

#[derive(Deserialize)]
struct Line {
    at: String,
    level: String,
    message: String,
    fields: Option<Raw>,
}

/// Where an answer ends, and what it lacks.
#[derive(Deserialize)]
struct Place {
    rows: Vec<Raw>,
    next: u64,
    missed: u64,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let target = || session.at(["plugins", &self.name, "logs"]);
        if !self.follow {
            return rows::print(session.format, &session.get(target().query("limit", self.limit)).await?, text);
        }
        // One document a line: a log that goes on has no end to lay out.
        let format = if session.format == Format::Json { Format::Ndjson } else { session.format };
        let mut after = None;
        loop {
            let limit = self.limit.filter(|_| after.is_none());
            let waiting = target().query("limit", limit).query("after", after).query("wait_ms", after.map(|_| WAIT_MS));
            let answer = session.get(waiting).await?;
            let Place { rows, next, missed } = serde_json::from_str(&answer)?;
            if missed > 0 {
                output::note(&format!("{} came too fast to be kept", output::some(missed, "line")));
            }
            if !rows.is_empty() {
                rows::print(format, &answer, text)?;
            }
            after = Some(next);
        }
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
