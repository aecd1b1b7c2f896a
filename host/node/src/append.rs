//! Appending without blocking a thread: check here, hand over, and sleep until the committer answers.

use eventdbx_store::{
    AppendError, Checked, Domain, Draft, Lane, Receipt, SubmitError, Unsettled, limits::RECHECK_ROUNDS,
};
use tokio::{sync::oneshot, task::spawn_blocking};

use crate::trace::Parent;

/// Events of a request that are checked on the thread of the runtime; larger requests are checked on one that may block.
const CHECKED_INLINE: usize = 16;

/// What the committer will say of a request.
pub(crate) type Outcome = oneshot::Receiver<Result<Receipt, SubmitError>>;

/// Appends a request, checking it again when its aggregates moved on meanwhile.
pub(crate) async fn append(log: &Domain, draft: Draft, parent: &Parent) -> Result<Receipt, AppendError> {
    let span = parent.child("append");
    span.text("eventdbx.domain", log.name().as_str());
    span.number("eventdbx.events", draft.events.len() as u64);
    let check = span.parent().child("check");
    let checked = if draft.events.len() <= CHECKED_INLINE {
        log.check(draft)
    } else {
        let log = log.clone();
        let broken_off = |_| Err(AppendError::Busy("the check was broken off: try again"));
        spawn_blocking(move || log.check(draft)).await.unwrap_or_else(broken_off)
    };
    check.end();
    let checked = checked.inspect_err(|_| span.failed("refused"))?;
    // In the queue, and in the committer until its sync.
    let _commit = span.parent().child("commit");
    let receipt = settle(log, submit(log, checked, None)).await;
    if receipt.is_err() {
        span.failed("not written");
    }
    receipt
}

/// Hands a request over; the outcome is waited for with [`settle`].
pub(crate) fn submit(log: &Domain, checked: Checked, lane: Option<&Lane>) -> Outcome {
    let (reply, outcome) = oneshot::channel();
    let checked = match lane {
        Some(lane) => checked.in_lane(lane),
        None => checked,
    };
    log.submit(checked, Box::new(move |result| drop(reply.send(result))));
    outcome
}

/// Waits for the outcome of a request. Where its aggregates had moved on, it is checked and handed over again.
pub(crate) async fn settle(log: &Domain, mut outcome: Outcome) -> Result<Receipt, AppendError> {
    for round in 0..=RECHECK_ROUNDS {
        match outcome.await {
            Ok(Ok(receipt)) => return Ok(receipt),
            Ok(Err(SubmitError::Append(error))) => return Err(error),
            Ok(Err(SubmitError::Moved(unsettled))) if round < RECHECK_ROUNDS => {
                outcome = submit(log, recheck(log, unsettled).await?, None);
            }
            Ok(Err(SubmitError::Moved(_))) => break,
            Err(_) => return Err(AppendError::OutcomeUnknown("the committer ended without an answer".to_owned())),
        }
    }
    Err(AppendError::MOVED_ON)
}

async fn recheck(log: &Domain, unsettled: Unsettled) -> Result<Checked, AppendError> {
    let log = log.clone();
    let broken_off = |_| Err(AppendError::Busy("the check was broken off: try again"));
    spawn_blocking(move || log.recheck(unsettled)).await.unwrap_or_else(broken_off)
}
