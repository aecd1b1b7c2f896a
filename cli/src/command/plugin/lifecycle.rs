//! `dbx plugin enable|disable|pause|resume|uninstall`.

use bytes::Bytes;
use hyper::Method;
use serde::Deserialize;
use serde_json::json;

use super::Plugin;
use crate::{output::GREEN, session::Session};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the plugin
    name: String,
}

/// Remove a plugin and its tables
///
/// What is in use stays: a schema extension whose types a schema names, a payload mode that others are delivered in. With
/// --force it goes all the same, whether it can still be loaded or not, and you are told what goes with it.
#[derive(Debug, clap::Args)]
pub(crate) struct Uninstall {
    /// Name of the plugin
    name: String,
    /// Remove it even if something depends on it
    #[arg(long)]
    force: bool,
}

/// What the daemon says when a plugin is gone.
#[derive(Deserialize)]
struct Uninstalled {
    uninstalled: String,
    lost: Vec<String>,
}

impl Uninstall {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let target = session.at(["plugins", &self.name]).flag("force", self.force);
        let answer = session.call(Method::DELETE, target.as_ref(), Bytes::new()).await?;
        session.format.answer(&answer, |Uninstalled { uninstalled, lost }: &Uninstalled| {
            let lost: String = lost.iter().map(|what| format!("\n  gone: {what}")).collect();
            format!("{GREEN}uninstalled{GREEN:#} {uninstalled}{lost}")
        })
    }
}

impl Args {
    /// `verb` ends with an e: `enable`, `disable`, `pause` or `resume`.
    pub(crate) async fn switch(self, session: &Session, verb: &str) -> anyhow::Result<()> {
        let answer = session.post(session.at(["plugins", &self.name, verb]), &json!({})).await?;
        session.format.answer(&answer, |plugin: &Plugin| plugin.sentence(&format!("{verb}d")))
    }
}
