//! `dbx schema diff`: two versions, or a file and the active one.

use eventdbx_node::wire::{SchemaDiff, SchemaWritten};

use super::{
    Kind, change,
    document::{How, Put, sentence, warn},
};
use crate::{schema_file::File, session::Session};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    kind: Kind,
    /// The one version, or a file that is compared with the active version [default: the one before B]
    #[arg(value_name = "A")]
    from: Option<String>,
    /// The other version [default: the active one]
    #[arg(value_name = "B")]
    to: Option<u32>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let from = self.from.as_deref().map(|from| from.parse::<u32>().map_err(|_| from)).transpose();
        match from {
            Ok(from) => self.versions(session, from).await,
            Err(file) => self.file(session, file).await,
        }
    }

    async fn versions(&self, session: &Session, from: Option<u32>) -> anyhow::Result<()> {
        let target = session.at(["schemas", &self.kind.kind, "diff"]).query("from", from).query("to", self.to);
        session.format.answer(&session.get(target).await?, |diff: &SchemaDiff| {
            let SchemaDiff { aggregate_type, from, to, changes } = diff;
            let first = match changes.is_empty() {
                true => format!("{aggregate_type}: versions {from} and {to} say the same"),
                false => format!("{aggregate_type}: from version {from} to {to}"),
            };
            std::iter::once(first).chain(change::lines(changes)).collect::<Vec<_>>().join("\n")
        })
    }

    async fn file(&self, session: &Session, name: &str) -> anyhow::Result<()> {
        let file = File::read(name)?;
        file.check()?;
        let (kind, how) = (self.kind.kind.as_str(), How { dry_run: true, force: false });
        let document = file.of(kind)?.to_json();
        let answer = Put { kind, document, expect: None, note: None, how: &how }.send(session).await?;
        let written: SchemaWritten = serde_json::from_str(&answer)?;
        session.format.answer(&answer, |written: &SchemaWritten| sentence(written, true))?;
        warn(&written);
        Ok(())
    }
}
