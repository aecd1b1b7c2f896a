//! `dbx schema export`: a schema in the words of other tools.

use clap::ValueEnum;
use eventdbx_node::wire::SchemaView;

use super::Kind;
use crate::{
    json,
    output::{self, Format},
    session::Session,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum As {
    // Draft 2020-12.
    JsonSchema,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    kind: Kind,
    /// This version instead of the active one
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// In which words
    #[arg(long = "as", value_name = "FORM", value_enum, default_value = "json-schema")]
    form: As,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let target = session
            .at(["schemas", &self.kind.kind])
            .query("version", self.version)
            .flag("json_schema", self.form == As::JsonSchema);
        let view: SchemaView = serde_json::from_str(&session.get(target).await?)?;
        let schema = view.json_schema.as_deref().map_or("null", |schema| schema.get());
        output::line(&if session.format == Format::Ndjson { json::compact(schema) } else { json::pretty(schema) })
    }
}
