//! Takes a batch through a read model; the same code in the sandbox and in a native test.

use crate::{
    Answer, Event, HandleError, Query, QueryError, ReadModel, Tables,
    bindings::types::{self, Batch, ItemFailure, RetryHint},
    table::Backend,
};

/// An event of a batch was not handled, hence the batch was not.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) index: u32,
    pub(crate) error: HandleError,
}

/// Handles a batch; returns what was left out on purpose. Writes reach the backend at the end, if every event was handled.
pub(crate) fn deliver<M: ReadModel>(
    model: &M,
    batch: &Batch,
    backend: &dyn Backend,
) -> Result<Vec<ItemFailure>, Refusal> {
    let mut tables = Tables::new(backend);
    let mut skipped = Vec::new();
    for (index, delivery) in (0..).zip(&batch.items) {
        match model.handle(&Event::new(batch, delivery), &mut tables) {
            Ok(()) => {}
            Err(HandleError::Skip(failure)) => skipped.push(ItemFailure { index, failure: failure.into() }),
            Err(error) => return Err(Refusal { index, error }),
        }
    }
    // NOTE: such an error is fatal, so that the index says nothing.
    tables.finish().map_err(|error| Refusal { index: 0, error: error.into() })?;
    Ok(skipped)
}

/// Answers a query. It gets its tables by a shared reference, through which nothing is written.
pub(crate) fn answer<M: ReadModel>(model: &M, query: &Query<'_>, backend: &dyn Backend) -> Result<Answer, QueryError> {
    model.query(query, &Tables::new(backend))
}

impl From<Refusal> for types::HandleError {
    fn from(Refusal { index, error }: Refusal) -> Self {
        match error {
            HandleError::Retry(failure, after) => Self::Retry(RetryHint {
                failure: failure.into(),
                after_ms: after.map(|after| u32::try_from(after.as_millis()).unwrap_or(u32::MAX)),
                done: 0,
            }),
            HandleError::Skip(failure) | HandleError::Poison(failure) => {
                Self::Poison(ItemFailure { index, failure: failure.into() })
            }
            HandleError::Fatal(failure) => Self::Fatal(failure.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Failure;

    fn refused(error: HandleError) -> types::HandleError {
        Refusal { index: 7, error }.into()
    }

    fn failure() -> Failure {
        Failure::new("code", "message")
    }

    #[test]
    fn each_refusal_is_what_the_contract_calls_it() {
        let after = Some(Duration::from_millis(1500));
        let types::HandleError::Retry(hint) = refused(HandleError::Retry(failure(), after)) else { panic!("no retry") };
        assert_eq!((hint.after_ms, hint.done, &*hint.failure.code), (Some(1500), 0, "code"));
        let types::HandleError::Poison(item) = refused(HandleError::Poison(failure())) else { panic!("no poison") };
        assert_eq!((item.index, &*item.failure.message), (7, "message"));
        assert!(matches!(refused(HandleError::Fatal(failure())), types::HandleError::Fatal(_)));
    }
}
