//! `dbx plugin secret`: what configurations refer to and nobody reads again.

use bytes::Bytes;
use hyper::Method;
use serde::Deserialize;
use serde_json::json;

use crate::{
    command::rows,
    input,
    output::{self, GREEN},
    session::Session,
};

/// The environment variable that a secret may come from.
const VARIABLE: &str = "DBX_PLUGIN_SECRET";

/// Keep secrets for the configurations of plugins
///
/// Where a configuration says {{secret:NAME}}, the plugin is handed the secret. It is kept sealed, shown nowhere, and named in
/// the log by its name alone.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Set a secret; plugins that refer to it go on with it from their next batch on
    Set(Set),
    /// List the names of secrets
    List,
    /// Remove a secret to which no configuration refers
    Remove(Name),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Set {
    /// Name of the secret
    name: String,
    /// The secret: @FILE, or - for standard input [default: from DBX_PLUGIN_SECRET]
    value: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Name {
    /// Name of the secret
    name: String,
}

#[derive(Deserialize)]
struct Secret {
    name: String,
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Set(Set { name, value }) => {
                let value = input::secret("the secret", value.as_deref(), VARIABLE)?;
                let body = json!({ "value": value }).to_string();
                session.call(Method::PUT, session.at(["secrets", &name]).as_ref(), body.into()).await?;
                done(session, "set", &name)
            }
            Self::List => rows::print(session.format, &session.get(session.at(["secrets"])).await?, table),
            Self::Remove(Name { name }) => {
                session.call(Method::DELETE, session.at(["secrets", &name]).as_ref(), Bytes::new()).await?;
                done(session, "removed", &name)
            }
        }
    }
}

fn done(session: &Session, verb: &str, name: &str) -> anyhow::Result<()> {
    let answer = json!({ verb: name }).to_string();
    session.format.answer(&answer, |_: &serde_json::Value| format!("{GREEN}{verb}{GREEN:#} the secret {name}"))
}

fn table(rows: &[Secret]) -> String {
    let mut table = output::table(["secret"]);
    for secret in rows {
        table.add_row([&secret.name]);
    }
    output::render(&table)
}
