//! `dbx plugin inspect`: what a component says, without a daemon.

use std::{fs, path::PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

use crate::{
    fail::{Failure, Kind},
    output::{self, GREEN, YELLOW},
    session::Session,
};

/// Say what a component is, without a daemon
///
/// World, version, imports, exports and sizes are read from the file: nothing of it is run. What it asks for, and the schema of
/// its configuration, only the component itself can say: with --describe it is asked, in a sandbox that reaches nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A component, or a core module that carries its component type (.wasm)
    file: PathBuf,
    /// Run the component's description of itself, too
    #[arg(long)]
    describe: bool,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<()> {
        let bytes = fs::read(&self.file).with_context(|| format!("reading {}", self.file.display()))?;
        let refused = |error: eventdbx_node::plugins::PluginError| Failure::new(Kind::Refused, error.to_string());
        let mut answer = serde_json::to_value(eventdbx_node::plugins::inspect(&bytes).map_err(refused)?)?;
        if self.describe {
            let scratch = tempfile::tempdir().context("making a directory")?;
            let descriptor = eventdbx_node::plugins::describe(&bytes, scratch.path()).map_err(refused)?;
            answer["descriptor"] = serde_json::to_value(descriptor)?;
        }
        session.format.answer(&answer.to_string(), text)
    }
}

fn text(answer: &Value) -> String {
    let list = |value: &Value| -> String {
        let items = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        let items: Vec<_> = items.collect();
        if items.is_empty() { "nothing".to_owned() } else { items.join("\n") }
    };
    let or = |value: &Value, none: &str| value.as_str().unwrap_or(none).to_owned();
    let bytes = |value: &Value| output::bytes(value.as_u64().unwrap_or(0));
    let sizes = &answer["sizes"];
    let mut said = vec![
        ("hash", or(&answer["hash"], "")),
        ("file", format!("{} ({})", bytes(&answer["bytes"]), or(&answer["shape"], ""))),
        ("world", or(&answer["world"], "none of eventdbx:plugin")),
        ("built against", or(&answer["api_version"], "it does not say")),
        (
            "of which",
            format!(
                "{} code, {} data, {} custom sections, in {} modules",
                bytes(&sizes["code"]),
                bytes(&sizes["data"]),
                bytes(&sizes["custom"]),
                sizes["modules"]
            ),
        ),
    ];
    let descriptor = &answer["descriptor"];
    if descriptor.is_object() {
        let own = &descriptor["selector"];
        said.push(("plugin", format!("{} {}", or(&descriptor["name"], ""), or(&descriptor["version"], ""))));
        said.push(("asks for", list(&descriptor["capabilities"]).replace('\n', ", ")));
        said.push(("uses", parts(&own["parts"])));
        said.push(("state version", descriptor["state_version"].to_string()));
        let names = |key: &str| {
            let names = descriptor[key].as_array().into_iter().flatten().map(|one| or(&one["name"], ""));
            json!(names.collect::<Vec<_>>())
        };
        said.push(("tables", list(&names("tables")).replace('\n', ", ")));
        said.push(("queries", list(&names("queries")).replace('\n', ", ")));
        said.push(("configuration", or(&descriptor["config_schema"], "")));
    }
    let verdict = match list(&answer["differences"]) {
        none if none == "nothing" => format!("{GREEN}this host takes it{GREEN:#}"),
        differences => format!("{YELLOW}this host does not take it{YELLOW:#}\n{differences}"),
    };
    let (imports, exports) = (list(&answer["imports"]), list(&answer["exports"]));
    format!("{}\n\nimports\n{imports}\n\nexports\n{exports}\n\n{verdict}", output::pairs(said))
}

fn parts(parts: &Value) -> String {
    let set = parts.as_object().into_iter().flatten().filter(|(_, set)| **set == Value::Bool(true));
    set.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}
