//! `dbx schema apply`: the schemas of a file become the active ones. Nothing is written unless all of them can be.

use eventdbx_node::wire::{Raw, SchemaWritten};
use serde::Serialize;
use serde_json::value::RawValue;

use super::document::{How, Put, sentence, warn};
use crate::{
    fail::{Failure, Kind},
    output::{self, Format},
    schema_file::{File, TypeSchema},
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, or - for standard input
    #[arg(default_value = "schema.dbx")]
    file: String,
    /// Only the schemas of this type; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    kinds: Vec<String>,
    /// A remark for people, kept with the versions
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    how: How,
}

/// What became of the types of a file.
#[derive(Serialize)]
struct Applied {
    rows: Vec<Raw>,
}

/// What a type would become.
struct Plan<'f> {
    schema: &'f TypeSchema,
    answer: String,
    written: SchemaWritten,
    /// The version that it was planned on.
    active: u32,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let file = File::read(&self.file)?;
        file.check()?;
        let chosen: Vec<&TypeSchema> = match self.kinds.is_empty() {
            true => file.types.iter().collect(),
            false => self.kinds.iter().map(|kind| file.of(kind)).collect::<anyhow::Result<_>>()?,
        };
        let mut plans = Vec::with_capacity(chosen.len());
        for schema in chosen {
            plans.push(self.plan(session, schema).await?);
        }
        if !self.how.dry_run {
            self.judge(&plans)?;
            for plan in &mut plans {
                let how = How { dry_run: false, force: self.how.force };
                plan.answer = self.send(session, plan.schema, Some(plan.active), &how).await?;
                plan.written = serde_json::from_str(&plan.answer)?;
            }
        }
        self.show(session, plans)
    }

    async fn send(
        &self,
        session: &Session,
        schema: &TypeSchema,
        expect: Option<u32>,
        how: &How,
    ) -> anyhow::Result<String> {
        let put = Put { kind: &schema.kind, document: schema.to_json(), expect, note: self.note.as_deref(), how };
        Ok(put.send(session).await?)
    }

    async fn plan<'f>(&self, session: &Session, schema: &'f TypeSchema) -> anyhow::Result<Plan<'f>> {
        let active = super::document::active_version(session, &schema.kind).await?;
        let how = How { dry_run: true, force: self.how.force };
        let answer = self.send(session, schema, Some(active), &how).await?;
        let written = serde_json::from_str(&answer)?;
        Ok(Plan { schema, answer, written, active })
    }

    /// Refuses all of them where one refuses what is there.
    fn judge(&self, plans: &[Plan<'_>]) -> anyhow::Result<()> {
        let refused: Vec<_> = plans.iter().flat_map(|plan| &plan.written.refused_states).collect();
        if refused.is_empty() || self.how.force {
            return Ok(());
        }
        let details = refused.iter().flat_map(|example| {
            let name = format!("{}/{}", example.aggregate_type, example.aggregate_id);
            let line = move |violation: &eventdbx_node::wire::SchemaViolation| {
                format!("{name}{}: expected {}, found {}", violation.path, violation.expected, violation.actual)
            };
            example.violations.iter().map(line)
        });
        let count = output::some(refused.len() as u64, "aggregate");
        let message = format!("{} refuses the state of {count}, if not more: nothing was changed", self.file);
        Err(Failure::new(Kind::Refused, message)
            .details(details)
            .hint("`dbx schema check TYPE FILE` counts what it refuses; --force applies it all the same")
            .into())
    }

    fn show(&self, session: &Session, plans: Vec<Plan<'_>>) -> anyhow::Result<()> {
        let written: Vec<SchemaWritten> = plans.iter().map(|plan| plan.written.clone()).collect();
        match session.format {
            Format::Table => {
                let parts: Vec<String> = plans.iter().map(|plan| sentence(&plan.written, self.how.dry_run)).collect();
                output::line(&parts.join("\n"))
            }
            Format::Ndjson => plans.iter().try_for_each(|plan| output::line(&crate::json::compact(&plan.answer))),
            Format::Json => {
                let rows = plans.into_iter().map(|plan| RawValue::from_string(plan.answer));
                let applied = Applied { rows: rows.collect::<Result<_, _>>()? };
                output::line(&crate::json::pretty(&serde_json::to_string(&applied)?))
            }
        }?;
        written.iter().for_each(warn);
        Ok(())
    }
}
