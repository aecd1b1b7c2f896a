//! `dbx aggregate select`: some values of the state.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Name;
use crate::{
    fail::{Failure, Kind},
    output,
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    name: Name,
    /// Path into the state: dotted (customer.name, lines.0.total) or a JSON Pointer (/customer/name)
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<String>,
    /// As it was right after this version
    #[arg(long, value_name = "N")]
    version: Option<u64>,
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
        let target = session
            .at(["aggregates", &self.name.kind, &self.name.id])
            .query("version", self.version)
            .flag("hidden", self.hidden);
        let aggregate: Aggregate = serde_json::from_str(&session.get(target).await?)?;
        let mut selected = Map::new();
        for path in self.paths {
            let Some(value) = aggregate.state.pointer(&pointer(&path)) else {
                let name = format!("{}/{}", self.name.kind, self.name.id);
                return Err(Failure::new(Kind::NotFound, format!("the state of {name} has no {path}"))
                    .hint(format!("`dbx aggregate get {} {}` shows all of it", self.name.kind, self.name.id))
                    .into());
            };
            selected.insert(path, value.clone());
        }
        session.format.answer(&Value::Object(selected).to_string(), pairs)
    }
}

fn pairs(selected: &Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    output::pairs(selected.iter().map(|(path, value)| (path.as_str(), text(value))))
}

/// A path as a JSON Pointer. One that begins with a slash is one already.
fn pointer(path: &str) -> String {
    if path.is_empty() || path.starts_with('/') {
        return path.to_owned();
    }
    path.split('.').map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}

#[cfg(test)]
mod tests {
    use super::pointer;

    #[test]
    fn dotted_paths_are_pointers() {
        assert_eq!(pointer("customer.name"), "/customer/name");
        assert_eq!(pointer("lines.0.a/b~c"), "/lines/0/a~1b~0c");
        assert_eq!(pointer("/already/one"), "/already/one");
        assert_eq!(pointer(""), "");
    }
}
