//! `dbx plugin install`: send a component, then install it. The daemon runs on meanwhile.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::Context;
use eventdbx_node::{
    plugins::{DomainGrants, FieldList},
    wire::Raw,
};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::{PRIORITIES, Plugin, grants};
use crate::{input, session::Session};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A component, or a core module that carries its component type (.wasm)
    file: PathBuf,
    /// Name to install it under [default: the one that it gives itself]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What each delivery carries: all, event-only, state-only, schema-only, event-and-schema or extensions-only [default:
    /// all; a plugin is never given more than it can use]
    #[arg(long, value_name = "MODE")]
    payload_mode: Option<String>,
    /// How much of the processor it gets while other plugins have work too [default: normal]
    #[arg(long, value_name = "PRIORITY", value_parser = PRIORITIES)]
    priority: Option<String>,
    /// Only aggregates like this (TYPE or TYPE/ID, with * and ?); may be repeated
    #[arg(long = "aggregate", value_name = "GLOB")]
    aggregates: Vec<String>,
    /// Only event types like this (with * and ?); may be repeated
    #[arg(long = "event", value_name = "GLOB")]
    events: Vec<String>,
    /// Only events that pass this filter expression, over headers and what the plugin may see
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    filter: Option<String>,
    /// Only this field of payload and state, as a JSON Pointer (/address/city), with all below it; may be repeated
    #[arg(long, value_name = "POINTER")]
    include: Vec<String>,
    /// Not this field of payload and state; may be repeated
    #[arg(long, value_name = "POINTER")]
    exclude: Vec<String>,
    /// Whether it is fed with what it selects, or, with false, only with events whose writer names it (--publish NAME)
    /// [default: true]
    #[arg(long, value_name = "BOOL")]
    emit: Option<bool>,
    /// The most that it may see, in whatever mode it is installed or replayed [default: all that it can use]
    #[arg(long, value_name = "MODE")]
    max_mode: Option<String>,
    /// A detached signature of the component, as `dbx plugin sign` writes it
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Configuration of the plugin: a JSON object, or @FILE to read it from a file, which is the place for secrets
    #[arg(long, value_name = "JSON|@FILE", allow_hyphen_values = true)]
    config: Option<String>,
    #[command(flatten)]
    grants: grants::Grants,
}

/// A component that is to be installed.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Installation {
    pub(crate) component: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payload_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<String>,
    pub(crate) aggregates: Vec<String>,
    pub(crate) events: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<String>,
    pub(crate) fields: FieldList,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) emit: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config: Option<Raw>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) targets: BTreeMap<String, grants::Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grants: Option<DomainGrants>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let config = self.config.as_deref().map(|text| input::json("--config", text)).transpose()?;
        let targets = self.grants.targets()?;
        let bytes = fs::read(&self.file).with_context(|| format!("reading {}", self.file.display()))?;
        let installation = Installation {
            component: add_component(session, bytes).await?,
            name: self.name,
            payload_mode: self.payload_mode,
            priority: self.priority,
            aggregates: self.aggregates,
            events: self.events,
            filter: self.filter,
            fields: FieldList { include: self.include, exclude: self.exclude },
            emit: self.emit,
            max_mode: self.max_mode,
            signature: self.signature.as_deref().map(super::signing::read_signature).transpose()?,
            config,
            targets,
            grants: Some(self.grants.domain()),
        };
        session.format.answer(&install(session, &installation).await?, |plugin: &Plugin| plugin.sentence("installed"))
    }
}

/// Sends a component; the daemon checks it and answers with its hash.
pub(crate) async fn add_component(session: &Session, bytes: Vec<u8>) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Component {
        hash: String,
    }

    let answer = session.call(Method::PUT, session.at(["components"]).as_ref(), bytes.into()).await?;
    Ok(serde_json::from_str::<Component>(&answer)?.hash)
}

/// Installs a component that the daemon has.
pub(crate) async fn install(session: &Session, installation: &Installation) -> anyhow::Result<String> {
    session.post(session.at(["plugins"]), installation).await
}
