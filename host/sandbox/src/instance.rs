//! An instance that handles batches.
//!
//! Invariant: an instance lives only as long as every one of its calls succeeds. After a trap there is nothing left to call;
//! after any other failure its memory may remember writes that were thrown away.

use std::time::Duration;

use crate::{
    Batch,
    call::Phase,
    guest::Guest,
    limits::Limits,
    outcome::{Halt, Handled, Lie, Outcome, Trap, Usage},
    text,
    wire::types::{Ack, HandleError, ItemFailure},
};

/// An instance that handles batches. It may move between threads between two calls.
pub struct Instance {
    guest: Guest,
}

/// How a call went.
pub struct Call {
    /// How it ended.
    pub outcome: Outcome<Handled>,
    /// What it cost, however it ended.
    pub usage: Usage,
    /// The instance, for the next batch; only there if the call succeeded. If its writes cannot be committed, drop it.
    pub instance: Option<Instance>,
}

impl Instance {
    pub(crate) fn new(guest: Guest) -> Self {
        Self { guest }
    }

    /// Hands a batch to the plugin. Blocks for as long as the limits allow.
    #[must_use]
    pub fn handle(mut self, batch: &Batch<'_>) -> Call {
        let items = batch.items.len();
        let (answer, usage) = self.guest.call(Phase::Batch, |store, calls| match &calls.handler {
            Some(handler) => handler.call_handle_batch(store, batch.clone()),
            None => Err(Halt::Trapped(Trap::forbidden("this kind of plugin takes no deliveries".to_owned())).into()),
        });
        let state = self.guest.state();
        let outcome = answer.and_then(|answer| outcome(answer, items, &state.limits));
        match outcome {
            Ok(Outcome::Done(mut handled)) => {
                handled.writes = state.writes.take();
                handled.metrics = std::mem::take(&mut state.metrics);
                Call { outcome: Outcome::Done(handled), usage, instance: Some(self) }
            }
            Ok(outcome) => Call { outcome, usage, instance: None },
            Err(halt) => Call { outcome: Outcome::Halted(halt), usage, instance: None },
        }
    }
}

/// Checks what the plugin answered, before anybody believes it.
fn outcome(answer: Result<Ack, HandleError>, items: usize, limits: &Limits) -> Result<Outcome<Handled>, Halt> {
    match answer {
        Ok(ack) => {
            let size = ack.skipped.iter().map(|item| item.failure.bytes()).sum();
            text::check_output(size, limits)?;
            let skipped = ack.skipped.into_iter().map(|item| checked_item(item, items, limits));
            Ok(Outcome::Done(Handled { skipped: skipped.collect::<Result<_, _>>()?, ..Handled::default() }))
        }
        Err(HandleError::Retry(hint)) if hint.done as usize > items => {
            Err(Halt::Lied(Lie::IndexOutOfRange { index: hint.done, items }))
        }
        Err(HandleError::Retry(hint)) => Ok(Outcome::Retry {
            failure: hint.failure.checked(limits)?,
            after: hint.after_ms.map(|ms| Duration::from_millis(ms.into())),
        }),
        Err(HandleError::Poison(item)) => Ok(Outcome::Poison(checked_item(item, items, limits)?)),
        Err(HandleError::Fatal(failure)) => Ok(Outcome::Fatal(failure.checked(limits)?)),
    }
}

fn checked_item(item: ItemFailure, items: usize, limits: &Limits) -> Result<ItemFailure, Halt> {
    if item.index as usize >= items {
        return Err(Halt::Lied(Lie::IndexOutOfRange { index: item.index, items }));
    }
    Ok(ItemFailure { index: item.index, failure: item.failure.checked(limits)? })
}
