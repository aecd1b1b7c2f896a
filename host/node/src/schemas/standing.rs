//! Which states, as they stand, a schema refuses.

use std::ops::ControlFlow;

use eventdbx_store::{AggregateType, Domain, Schema, State};

use super::{
    EXAMPLES,
    check::{STATE, check_standing, example},
    walk::each_aggregate,
};
use crate::{api::ApiError, wire::CheckExample};

/// The first aggregates whose state a schema refuses; it stops looking after [`EXAMPLES`].
pub(super) fn refused_states(
    log: &Domain,
    kind: &AggregateType,
    schema: &Schema,
) -> Result<Vec<CheckExample>, ApiError> {
    let (mut refused, mut found) = (Vec::new(), Vec::new());
    each_aggregate(log, kind, true, |aggregate| {
        let state = aggregate.state.as_ref().map(State::parse).transpose()?.unwrap_or_default();
        check_standing(log, schema, log.extensions(), state.members(), &mut found)?;
        if !found.is_empty() {
            refused.push(example(&aggregate.name, aggregate.version, STATE, &found));
            found.clear();
        }
        Ok(if refused.len() < EXAMPLES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(refused)
}
