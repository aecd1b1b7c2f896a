//! `dbx restart`.

use super::{start, stop};
use crate::session::Session;

/// Stop the daemon, then start it again
///
/// A daemon that does not run is started.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match stop::stop(session).await {
            Err(error) if !stop::none_runs(&error) => Err(error),
            _ => start::background(session).await,
        }
    }
}
