//! `dbx schema infer`: a proposal from what is in the log.

use eventdbx_node::wire::InferredSchema;
use serde_json::json;

use super::Kind;
use crate::{
    output::{self, Format},
    schema_file,
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    kind: Kind,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let answer = session.post(session.at(["schemas", &self.kind.kind, "infer"]), &json!({})).await?;
        if session.format != Format::Table {
            return session.format.answer(&answer, |_: &InferredSchema| String::new());
        }
        let inferred: InferredSchema = serde_json::from_str(&answer)?;
        let (events, aggregates) =
            (output::some(inferred.events, "event"), output::some(inferred.aggregates, "aggregate"));
        output::line(&format!(
            "# Inferred from {events} of {aggregates}. It accepts all of them: tighten it by hand."
        ))?;
        output::line(schema_file::text(&serde_json::from_str(inferred.document.get())?).trim_end())
    }
}
