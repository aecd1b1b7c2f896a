//! `dbx schema annotate|hide|lock`: what is said about a field beside its type and rules.

use serde_json::{Map, Value};

use super::{
    Kind,
    declare::unknown_event,
    document::{How, edit, field, flag},
};
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub(crate) struct Annotate {
    #[command(flatten)]
    kind: Kind,
    /// The field; without one, the type
    #[arg(value_name = "FIELD")]
    field: Option<String>,
    /// The event type, instead of a field
    #[arg(long, value_name = "EVENT", conflicts_with = "field")]
    event: Option<String>,
    /// The remark; an empty one takes it away
    #[arg(long, value_name = "TEXT")]
    note: String,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Hide {
    #[command(flatten)]
    kind: Kind,
    /// The field; address.city (or /address/city) leads into an object
    #[arg(value_name = "FIELD")]
    field: String,
    /// Show it again
    #[arg(long)]
    unset: bool,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Lock {
    #[command(flatten)]
    kind: Kind,
    /// The field; without one, everything of the type
    #[arg(value_name = "FIELD")]
    field: Option<String>,
    /// Let it be written again
    #[arg(long)]
    unset: bool,
    #[command(flatten)]
    how: How,
}

impl Annotate {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let change = |document: &mut Map<String, Value>| {
            let object = match (&self.field, &self.event) {
                (Some(path), _) => field(document, path)?,
                (None, Some(event)) => {
                    let rules = document.get_mut("events").and_then(|events| events.get_mut(event));
                    rules.and_then(Value::as_object_mut).ok_or_else(|| unknown_event(event))?
                }
                (None, None) => document,
            };
            if self.note.is_empty() {
                object.remove("note");
            } else {
                object.insert("note".to_owned(), self.note.as_str().into());
            }
            Ok(())
        };
        edit(session, &self.kind.kind, &self.how, change).await
    }
}

impl Hide {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let change = |document: &mut Map<String, Value>| {
            flag(field(document, &self.field)?, "hidden", !self.unset);
            Ok(())
        };
        edit(session, &self.kind.kind, &self.how, change).await
    }
}

impl Lock {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let change = |document: &mut Map<String, Value>| {
            let object = match &self.field {
                Some(path) => field(document, path)?,
                None => document,
            };
            flag(object, "locked", !self.unset);
            Ok(())
        };
        edit(session, &self.kind.kind, &self.how, change).await
    }
}
