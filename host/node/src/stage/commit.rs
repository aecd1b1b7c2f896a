//! The commit: everything that is staged becomes one request, under a key that stays the same until its outcome is known.
//!
//! That it was begun is on the disk before the log is asked, and that it was written before it is answered. So whatever
//! breaks in between, the stage still has the events and their key, and the next commit is the same request: the log
//! answers with the first receipt, or writes it now.

use eventdbx_store::{AppendError, Domain, Draft, Position, Receipt};

use super::{
    Stage,
    contents::{Attempt, Contents},
    new_events, refusal,
};
use crate::{api::ApiError, wire::CommitRequest};

impl Stage {
    /// Writes everything that is staged, or nothing. Only what was written is no longer staged.
    pub(crate) fn commit(&self, log: &Domain, request: CommitRequest, actor: &str) -> Result<Receipt, ApiError> {
        let _turn = self.turn();
        let mut contents = self.read(log)?;
        if contents.events.is_empty() {
            return repeated(log, &contents, request.key.as_deref());
        }
        let attempt = contents.attempt(request)?;
        let first_time = contents.begun.is_none();
        if first_time {
            contents.begun = Some(attempt.clone());
            self.write(log, &contents)?;
        }
        match write(log, &contents, &attempt, actor) {
            Ok(receipt) => {
                contents.written(attempt.key, &receipt);
                self.keep(log, &contents);
                Ok(receipt)
            }
            Err(error) => {
                // A refusal of this request says nothing about what became of an earlier one that is in doubt.
                if first_time && !matches!(error, AppendError::OutcomeUnknown(_)) {
                    contents.begun = None;
                    self.keep(log, &contents);
                }
                Err(refusal::of(error, &contents.staged().collect::<Vec<_>>()))
            }
        }
    }

    /// Writes the file where the answer is known already. If it fails, the commit stays in doubt, and repeating it is safe.
    fn keep(&self, log: &Domain, contents: &Contents) {
        if self.write(log, contents).is_err() {
            tracing::error!(path = %self.path.display(), "the stage cannot be written: its commit stays in doubt");
        }
    }
}

fn write(log: &Domain, contents: &Contents, attempt: &Attempt, actor: &str) -> Result<Receipt, AppendError> {
    let staged: Vec<_> = contents.staged().collect();
    // Nothing is staged that has not one of payload and patch.
    let mut events = new_events(&staged).unwrap_or_default();
    for event in &mut events {
        if event.note.as_ref().is_none_or(String::is_empty) {
            event.note.clone_from(&attempt.note);
        }
    }
    log.append(Draft { events, key: Some(attempt.key.clone()), actor: actor.to_owned() })
}

/// The answer to a commit of nothing: the receipt of the last one, where it had the same key.
fn repeated(log: &Domain, contents: &Contents, key: Option<&str>) -> Result<Receipt, ApiError> {
    let nothing = || ApiError::not_found(format_args!("staged event in domain {}", log.name()));
    let Some(last) = &contents.last else { return Err(nothing()) };
    if key != Some(&last.key) {
        let (events, first) = (last.events, last.first_position);
        return Err(
            nothing().hint(format!("the last commit wrote from position {first} on; number of events: {events}"))
        );
    }
    let count = usize::try_from(last.events).unwrap_or(usize::MAX);
    let receipts = log.scan(Position::new(last.first_position)).take(count).map(|event| Ok(event?.header.receipt()));
    let events = receipts.collect::<Result<_, ApiError>>()?;
    Ok(Receipt { events, durability: log.durability(), duplicate: true })
}
