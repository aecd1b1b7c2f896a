//! An instance that answers one query.

use crate::{
    call::Phase,
    guest::Guest,
    limits::Limits,
    outcome::{Answer, Halt, QueryOutcome, Usage},
    text,
    wire::exports::eventdbx::plugin::queryable::{Answer as WireAnswer, QueryError},
};

/// An instance that answers one query, over what its host reads from: hand it one snapshot.
pub struct QueryInstance {
    guest: Guest,
}

impl QueryInstance {
    pub(crate) fn new(guest: Guest) -> Self {
        Self { guest }
    }

    /// Asks. `params` is JSON; `cursor` is the `next` of an earlier answer.
    #[must_use]
    pub fn query(mut self, name: &str, params: &str, cursor: Option<&str>) -> (QueryOutcome, Usage) {
        let params = params.to_owned();
        let (answer, usage) = self.guest.call(Phase::Query, |store, calls| match &calls.queryable {
            Some(queryable) => queryable.call_query(store, name, &params, cursor),
            None => Ok(Err(QueryError::UnknownQuery)),
        });
        let state = self.guest.state();
        match answer.and_then(|answer| outcome(answer, &state.limits)) {
            Ok(QueryOutcome::Answered(mut answer)) => {
                answer.metrics = std::mem::take(&mut state.metrics);
                (QueryOutcome::Answered(answer), usage)
            }
            Ok(outcome) => (outcome, usage),
            Err(halt) => (QueryOutcome::Halted(halt), usage),
        }
    }
}

/// Checks what the plugin answered, before anybody believes it.
fn outcome(answer: Result<WireAnswer, QueryError>, limits: &Limits) -> Result<QueryOutcome, Halt> {
    match answer {
        Ok(answer) => {
            text::check_output(answer.body.len() + answer.next.as_ref().map_or(0, String::len), limits)?;
            text::check_json("answer", &answer.body)?;
            Ok(QueryOutcome::Answered(Answer { body: answer.body, next: answer.next, ..Answer::default() }))
        }
        Err(QueryError::UnknownQuery) => Ok(QueryOutcome::Unknown),
        Err(QueryError::BadParams(reason)) => {
            text::check_output(reason.len(), limits)?;
            Ok(QueryOutcome::BadParams(reason))
        }
        Err(QueryError::Failed(failure)) => Ok(QueryOutcome::Failed(failure.checked(limits)?)),
    }
}
