//! `dbx plugin mode`: payload modes that are made while the daemon runs.

use bytes::Bytes;
use eventdbx_node::plugins::{FieldList, ModeRequest, Part};
use hyper::Method;
use serde::Deserialize;
use serde_json::json;

use crate::{
    command::rows,
    output::{self, GREEN, YELLOW},
    session::Session,
};

/// Make payload modes, which say what a delivery carries
///
/// A mode names parts of an event, and fields of its payload and state. It is used wherever a built-in one is: by `plugin
/// install`, `plugin config`, `plugin replay` and `subscription create`. No mode gives a plugin more than it can use and was
/// granted. A component of the kind payload-mode is a mode, too, by the name that it is installed under; it shapes what
/// others are delivered.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a mode, or make it anew: then it holds for those who use it from their next batch on
    Set(Set),
    /// List modes, those that are built in first
    List,
    /// Say what a mode carries, and who uses it
    Show(Name),
    /// Remove a mode that no plugin uses
    Remove(Name),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Set {
    /// Name of the mode: small letters, digits and -
    name: String,
    /// Parts: event (payload, envelope and extensions), payload, state, schema, envelope, extensions
    #[arg(long, value_name = "PARTS", value_delimiter = ',', required = true, value_parser = part)]
    parts: Vec<Part>,
    /// Only this field of payload and state, as a JSON Pointer (/address/city), with all below it; may be repeated
    #[arg(long, value_name = "POINTER")]
    include: Vec<String>,
    /// Not this field; may be repeated
    #[arg(long, value_name = "POINTER")]
    exclude: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Name {
    /// Name of the mode
    name: String,
}

#[derive(Deserialize)]
struct Mode {
    name: String,
    built_in: bool,
    parts: Vec<String>,
    fields: FieldList,
    version: Option<String>,
    problem: Option<String>,
    used_by: Vec<String>,
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Set(Set { name, parts, include, exclude }) => {
                let body = serde_json::to_vec(&ModeRequest { parts, fields: FieldList { include, exclude } })?;
                let target = session.at(["payload-modes", &name]);
                let answer = session.call(Method::PUT, target.as_ref(), body.into()).await?;
                session
                    .format
                    .answer(&answer, |mode: &Mode| format!("{GREEN}set{GREEN:#} {}\n{}", mode.name, mode.details()))
            }
            Self::List => rows::print(session.format, &session.get(session.at(["payload-modes"])).await?, table),
            Self::Show(Name { name }) => {
                session.format.answer(&session.get(session.at(["payload-modes", &name])).await?, Mode::details)
            }
            Self::Remove(Name { name }) => {
                let target = session.at(["payload-modes", &name]);
                session.call(Method::DELETE, target.as_ref(), Bytes::new()).await?;
                let answer = json!({ "removed": name }).to_string();
                session.format.answer(&answer, |_: &serde_json::Value| format!("{GREEN}removed{GREEN:#} {name}"))
            }
        }
    }
}

impl Mode {
    fn details(&self) -> String {
        let mut pairs = vec![
            ("mode", format!("{}{}", self.name, if self.built_in { " (built in)" } else { "" })),
            ("parts", self.parts.join(", ")),
            ("fields", fields(&self.fields)),
        ];
        pairs.extend(self.shaped_by().map(|component| ("shaped by", component)));
        pairs.push(("used by", if self.used_by.is_empty() { "nobody".to_owned() } else { self.used_by.join(", ") }));
        output::pairs(pairs)
    }

    /// The component that shapes what the mode lets through, and what ails it.
    fn shaped_by(&self) -> Option<String> {
        let version = self.version.as_ref()?;
        let problem = self.problem.as_ref().map(|problem| format!(", {YELLOW}which does not run{YELLOW:#}: {problem}"));
        Some(format!("component {version}{}", problem.unwrap_or_default()))
    }
}

/// Fields in words.
pub(super) fn fields(fields: &FieldList) -> String {
    let only = (!fields.include.is_empty()).then(|| format!("only {}", fields.include.join(", ")));
    let not = (!fields.exclude.is_empty()).then(|| format!("not {}", fields.exclude.join(", ")));
    let said: Vec<_> = only.into_iter().chain(not).collect();
    if said.is_empty() { "all".to_owned() } else { said.join("; ") }
}

fn table(rows: &[Mode]) -> String {
    let mut table = output::table(["mode", "parts", "fields", "shaped by", "used by"]);
    for mode in rows {
        let shaped_by = mode.shaped_by().unwrap_or_default();
        table.add_row([
            &mode.name,
            &mode.parts.join(", "),
            &fields(&mode.fields),
            &shaped_by,
            &mode.used_by.join(", "),
        ]);
    }
    output::render(&table)
}

fn part(text: &str) -> Result<Part, String> {
    let unknown = |_| "parts are event, payload, state, schema, envelope and extensions".to_owned();
    serde_json::from_value(json!(text)).map_err(unknown)
}
