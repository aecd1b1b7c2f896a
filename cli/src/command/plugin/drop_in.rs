//! `dbx plugin drop-in`: the folder from which plugins install themselves.

use serde::Deserialize;

use crate::{
    output::{self, Format, YELLOW},
    session::Session,
};

/// List what stands in the drop-in folder, and what became of it
///
/// A domain that `plugins.drop_in` of the configuration lists has a folder `drop-in` in its directory: a component that is put
/// there is installed under the name of its file, and one that is changed upgrades it. NAME.toml beside it says what `plugin
/// install` is told by options, and NAME.wasm.sig is its signature.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

#[derive(Deserialize)]
struct DropIn {
    folder: Option<String>,
    rows: Vec<File>,
    problem: Option<String>,
}

#[derive(Deserialize)]
struct File {
    name: String,
    state: String,
    reason: Option<String>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let answer = session.get(session.at(["drop-in"])).await?;
        if session.format == Format::Table && serde_json::from_str::<DropIn>(&answer)?.folder.is_none() {
            let domain = &session.domain;
            output::note(&format!(
                "{domain} has no drop-in folder: `dbx config set plugins.drop_in '[\"{domain}\"]'`, then `dbx restart`"
            ));
            return Ok(());
        }
        session.format.answer(&answer, DropIn::told)
    }
}

impl DropIn {
    fn told(&self) -> String {
        let mut pairs = vec![("folder", self.folder.clone().unwrap_or_default())];
        pairs.extend(self.problem.iter().map(|problem| ("problem", format!("{YELLOW}{problem}{YELLOW:#}"))));
        let mut table = output::table(["plugin", "state", "reason"]);
        for file in &self.rows {
            table.add_row([&file.name, &file.state, file.reason.as_deref().unwrap_or_default()]);
        }
        format!("{}\n{}", output::pairs(pairs), output::render(&table))
    }
}
