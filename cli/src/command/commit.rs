//! `dbx commit`: everything that is staged, written at once.

use eventdbx_node::wire::CommitRequest;

use super::aggregate;
use crate::session::Session;

/// Write everything that is staged, at once or not at all
///
/// Staging is `--stage` on `dbx aggregate create`, `apply` and `patch`. The events are written in the order of their staging,
/// as one request under one key, and name you as their actor. A commit that is refused leaves the stage as it was. One whose
/// answer was lost is repeated: nothing is written twice.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Idempotency key of the batch: repeating the commit with the same key answers with the same receipt [default: one that
    /// the stage keeps until it is committed]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A remark for people, for the events that have none of their own
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let request = CommitRequest { key: self.key, note: self.note };
        let answer = session.post(session.at(["stage", "commit"]), &request).await?;
        session.format.answer(&answer, aggregate::receipt)
    }
}
