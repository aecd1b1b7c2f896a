//! `dbx aggregate archive|restore`: close an aggregate, and open it again. Both are events in its own history.

use eventdbx_node::wire::NoteRequest;

use super::{Name, write::receipt};
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    name: Name,
    /// A remark for people
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

impl Args {
    /// `verb` is `archive` or `restore`.
    pub(crate) async fn run(self, session: &Session, verb: &str) -> anyhow::Result<()> {
        let target = session.at(["aggregates", &self.name.kind, &self.name.id, verb]);
        let answer = session.post(target, &NoteRequest { note: self.note }).await?;
        session.format.answer(&answer, receipt)
    }
}
