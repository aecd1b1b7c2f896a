//! `dbx plugin status`.

use super::Plugin;
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the plugin
    name: String,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        session.format.answer(&session.get(session.at(["plugins", &self.name])).await?, Plugin::details)
    }
}
