//! `dbx schema validate`: everything that is wrong with a file. Works without a daemon.

use serde_json::json;

use crate::{
    output::{self, Format, GREEN},
    schema_file::File,
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, or - for standard input
    #[arg(default_value = "schema.dbx")]
    file: String,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<()> {
        let file = File::read(&self.file)?;
        let kinds: Vec<&str> = file.types.iter().map(|schema| schema.kind.as_str()).collect();
        let faults = file.faults();
        if faults.is_empty() || session.format != Format::Table {
            let rows = faults.iter().map(|(schema, fault)| {
                let line = schema.line(&fault.path);
                json!({
                    "aggregate_type": schema.kind, "line": line, "path": fault.path, "code": fault.code,
                    "message": fault.message,
                })
            });
            let answer = json!({ "types": kinds, "faults": rows.collect::<Vec<_>>() });
            let types = output::some(kinds.len() as u64, "schema");
            let sentence = |_: &serde_json::Value| format!("{GREEN}valid{GREEN:#} {types}: {}", kinds.join(", "));
            session.format.answer(&answer.to_string(), sentence)?;
        }
        Ok(file.check()?)
    }
}
