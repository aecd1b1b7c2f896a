//! `dbx plugin config`: how a plugin is configured, and changing it while it runs.

use eventdbx_node::{
    plugins::{DomainGrants, FieldList},
    wire::Raw,
};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::{PRIORITIES, mode};
use crate::{
    input, json,
    output::{self, GREEN},
    session::Session,
};

/// Show how a plugin is configured, or change it while it runs
///
/// A change takes effect between two batches, and holds for what is delivered from then on; `dbx plugin replay` rebuilds what
/// came before. Of a schema extension there is only the configuration, which holds for what is written from then on; of a
/// gateway, also what it may. Options that are not given leave what they are for as it is. The configuration is shown without
/// what is secret; in it, {{secret:NAME}} stands for a secret of the domain (`dbx plugin secret`).
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the plugin
    name: String,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Serialize, clap::Args)]
struct Change {
    /// What each delivery carries
    #[arg(long, value_name = "MODE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_mode: Option<String>,
    /// How much of the processor it gets while other plugins have work too
    #[arg(long, value_name = "PRIORITY", value_parser = PRIORITIES)]
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<String>,
    /// Only aggregates like this (TYPE or TYPE/ID, with * and ?), instead of those before; may be repeated
    #[arg(long = "aggregate", alias = "aggregates", value_name = "GLOB")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aggregates: Vec<String>,
    /// Only event types like this (with * and ?), instead of those before; may be repeated
    #[arg(long = "event", alias = "events", value_name = "GLOB")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<String>,
    /// Only events that pass this expression; an empty text takes the filter away
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    /// Only this field of payload and state (JSON Pointer), instead of those before; may be repeated
    #[arg(long, value_name = "POINTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<Vec<String>>,
    /// Not this field (JSON Pointer), instead of those before; may be repeated
    #[arg(long, value_name = "POINTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<Vec<String>>,
    /// All fields again
    #[arg(long, conflicts_with_all = ["include", "exclude"])]
    #[serde(skip)]
    all_fields: bool,
    /// Whether it is fed with what it selects, or, with false, only with events whose writer names it (--publish NAME)
    #[arg(long, value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    emit: Option<bool>,
    /// Configuration of the plugin: a JSON object, @FILE to read it from a file, or - for standard input
    #[arg(long = "config", value_name = "JSON|@FILE", allow_hyphen_values = true)]
    #[serde(skip)]
    config_text: Option<String>,
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Raw>,
    /// What a gateway may do from now on: append=TYPE[/ID], read=TYPE[/ID] (with * and ?) or query=PLUGIN; may be repeated
    #[arg(long, value_name = "GRANT")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    grant: Vec<String>,
    /// What a gateway may not do any more, as it was granted; may be repeated
    #[arg(long, value_name = "GRANT")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    revoke: Vec<String>,
}

#[derive(Deserialize)]
struct View {
    name: String,
    kind: String,
    payload_mode: String,
    priority: String,
    max_mode: Option<String>,
    aggregates: Vec<String>,
    events: Vec<String>,
    filter: Option<String>,
    fields: FieldList,
    emit: bool,
    config: Raw,
    grants: DomainGrants,
    holds_after: u64,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let Self { name, mut change } = self;
        let target = session.at(["plugins", &name, "config"]);
        change.config = change.config_text.as_deref().map(|text| input::json("--config", text)).transpose()?;
        if change.all_fields {
            (change.include, change.exclude) = (Some(Vec::new()), Some(Vec::new()));
        }
        let body = serde_json::to_string(&change)?;
        if body == "{}" {
            return session.format.answer(&session.get(target).await?, View::details);
        }
        let answer = session.call(Method::PATCH, target.as_ref(), body.into()).await?;
        session.format.answer(&answer, View::changed)
    }
}

impl View {
    fn details(&self) -> String {
        let config = ("config", json::compact(self.config.get()));
        if self.takes_none() {
            return output::pairs([config]);
        }
        if self.is_gateway() {
            return output::pairs([("may", super::view::grants(&self.grants)), config]);
        }
        let any = |globs: &[String]| if globs.is_empty() { "any".to_owned() } else { globs.join(", ") };
        output::pairs([
            ("payload mode", self.payload_mode.clone()),
            ("priority", self.priority.clone()),
            ("at most", self.max_mode.clone().unwrap_or_else(|| "all that it can use".to_owned())),
            ("aggregates", any(&self.aggregates)),
            ("events", any(&self.events)),
            ("filter", self.filter.clone().unwrap_or_else(|| "none".to_owned())),
            ("fields", mode::fields(&self.fields)),
            ("is fed", super::view::fed(self.emit).to_owned()),
            config,
        ])
    }

    /// Whether it takes no deliveries: it is asked about writes, or shapes what others are delivered.
    fn takes_none(&self) -> bool {
        ["schema-extension", "payload-mode"].contains(&self.kind.as_str())
    }

    /// Whether it answers requests, and takes no deliveries.
    fn is_gateway(&self) -> bool {
        self.kind == "gateway"
    }

    fn changed(&self) -> String {
        let (name, position) = (&self.name, output::count(self.holds_after));
        if self.takes_none() {
            let what = match self.kind.as_str() {
                "payload-mode" => "this holds for what others are delivered from their next batch on",
                _ => "this holds for what is written from now on, and history is not judged again",
            };
            return format!("{GREEN}changed{GREEN:#} {name}: {what}\n{}", self.details());
        }
        if self.is_gateway() {
            return format!("{GREEN}changed{GREEN:#} {name}: this holds for requests from now on\n{}", self.details());
        }
        let before = match self.kind.as_str() {
            "transport" => "sends what came before again",
            _ => "rebuilds what came before",
        };
        format!(
            "{GREEN}changed{GREEN:#} {name}: this holds for events after position {position}; `dbx plugin replay {name}` \
             {before}\n{}",
            self.details()
        )
    }
}
