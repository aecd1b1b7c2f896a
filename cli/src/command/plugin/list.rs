//! `dbx plugin list`.

use super::view;
use crate::{command::rows, session::Session};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        rows::print(session.format, &session.get(session.at(["plugins"])).await?, view::table)
    }
}
