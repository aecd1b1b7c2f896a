//! `dbx aggregate select`: some values of the state.

use eventdbx_node::wire::Path;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Name, When};
use crate::{
    fail::{Failure, Kind},
    output,
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    name: Name,
    /// Path into the state: dotted (customer.name, lines[0].total, "odd key".a) or a JSON Pointer (/customer/name)
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<String>,
    #[command(flatten)]
    when: When,
    /// With the fields that schemas hide
    #[arg(long)]
    hidden: bool,
}

#[derive(Deserialize)]
struct Aggregate {
    state: Value,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let paths: Vec<Path> = self.paths.iter().map(|text| parsed(text)).collect::<Result<_, _>>()?;
        let target = self.when.of(session.at(["aggregates", &self.name.kind, &self.name.id]));
        let target = target.flag("hidden", self.hidden);
        let aggregate: Aggregate = serde_json::from_str(&session.get(target).await?)?;
        let mut selected = Map::new();
        for (text, path) in self.paths.into_iter().zip(&paths) {
            let Some(value) = path.get(&aggregate.state) else {
                let name = format!("{}/{}", self.name.kind, self.name.id);
                return Err(Failure::new(Kind::NotFound, format!("the state of {name} has no {text}"))
                    .hint(format!("`dbx aggregate get {} {}` shows all of it", self.name.kind, self.name.id))
                    .into());
            };
            selected.insert(text, value.clone());
        }
        session.format.answer(&Value::Object(selected).to_string(), pairs)
    }
}

fn pairs(selected: &Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    output::pairs(selected.iter().map(|(path, value)| (path.as_str(), text(value))))
}

/// A path, or what is wrong with it, shown in its text.
fn parsed(text: &str) -> Result<Path, Failure> {
    Path::parse(text)
        .map_err(|fault| Failure::new(Kind::Refused, format!("{text:?} is not a path")).details([fault.to_string()]))
}
