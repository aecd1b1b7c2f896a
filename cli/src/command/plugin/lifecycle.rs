//! `dbx plugin enable|disable|pause|resume|uninstall`.

use bytes::Bytes;
use hyper::Method;
use serde_json::json;

use super::Plugin;
use crate::{output::GREEN, session::Session};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the plugin
    name: String,
}

impl Args {
    /// `verb` ends with an e: `enable`, `disable`, `pause` or `resume`.
    pub(crate) async fn switch(self, session: &Session, verb: &str) -> anyhow::Result<()> {
        let answer = session.post(session.at(["plugins", &self.name, verb]), &json!({})).await?;
        session.format.answer(&answer, |plugin: &Plugin| plugin.sentence(&format!("{verb}d")))
    }

    pub(crate) async fn uninstall(self, session: &Session) -> anyhow::Result<()> {
        session.call(Method::DELETE, session.at(["plugins", &self.name]).as_ref(), Bytes::new()).await?;
        let answer = json!({ "uninstalled": self.name }).to_string();
        session.format.answer(&answer, |_: &serde_json::Value| format!("{GREEN}uninstalled{GREEN:#} {}", self.name))
    }
}
