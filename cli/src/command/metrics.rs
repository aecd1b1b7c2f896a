//! `dbx metrics`.

use crate::{output, session::Session};

/// Print the daemon's metrics in the text format of Prometheus
///
/// They are text, whatever --format says.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        output::line(session.get("/metrics").await?.trim_end())
    }
}
