//! `dbx schema show`: a schema as people write it, or as it travels.

use clap::ValueEnum;
use eventdbx_node::wire::SchemaView;

use super::Kind;
use crate::{
    json,
    output::{self, DIM, Format},
    schema_file,
    session::Session,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum As {
    // As schema.dbx has it.
    Toml,
    // The document that travels.
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    kind: Kind,
    /// This version instead of the active one
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// As text for schema.dbx, or as the JSON document [default: toml; with --format json, everything about the version]
    #[arg(long = "as", value_name = "FORM", value_enum)]
    form: Option<As>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let target = session.at(["schemas", &self.kind.kind]).query("version", self.version);
        let answer = session.get(target).await?;
        let view: SchemaView = serde_json::from_str(&answer)?;
        match (self.form, session.format) {
            (Some(As::Json), Format::Ndjson) => output::line(&json::compact(view.document.get())),
            (Some(As::Json), _) => output::line(&json::pretty(view.document.get())),
            (Some(As::Toml), _) => output::line(toml(&view)?.trim_end()),
            (None, Format::Table) => {
                output::line(&heading(&view))?;
                output::line(toml(&view)?.trim_end())
            }
            (None, format) => format.answer(&answer, |_: &SchemaView| String::new()),
        }
    }
}

/// The document as text for a file.
pub(super) fn toml(view: &SchemaView) -> anyhow::Result<String> {
    Ok(schema_file::text(&serde_json::from_str(view.document.get())?))
}

fn heading(view: &SchemaView) -> String {
    let state = match view.active {
        Some(active) if active == view.version => "active".to_owned(),
        Some(active) => format!("not active: version {active} is"),
        None => "not active: none is".to_owned(),
    };
    let note = view.note.as_ref().map_or_else(String::new, |note| format!("; {note}"));
    let SchemaView { version, recorded_at, actor, .. } = view;
    format!("{DIM}# version {version}, {state}; written {recorded_at} by {actor}{note}{DIM:#}")
}
