//! From a position in the domain to a version of one aggregate.

use eventdbx_store::{AggregateRef, Domain, EventQuery};

use super::ApiError;

/// The version of `name` from which on (with `reverse`: down from which) its events lie at `position` or beyond it.
/// `None`: there is none yet.
///
/// Positions ascend with versions, so that a binary search finds it, in as many reads as the version has bits.
pub(super) fn version_from(
    log: &Domain,
    name: &AggregateRef,
    position: u64,
    reverse: bool,
) -> Result<Option<u64>, ApiError> {
    let Some(aggregate) = log.aggregate(name)? else { return Ok(None) };
    let last = aggregate.version.get();
    // Invariant: versions below `low` lie before `position`, those from `high` on do not.
    let (mut low, mut high) = (1, last + 1);
    while low < high {
        let middle = low.midpoint(high);
        if position_of(log, name, middle)?.is_some_and(|found| found < position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if !reverse {
        return Ok((low <= last).then_some(low));
    }
    let exact = low <= last && position_of(log, name, low)? == Some(position);
    let downwards = if exact { low } else { low - 1 };
    Ok((downwards > 0).then_some(downwards))
}

fn position_of(log: &Domain, name: &AggregateRef, version: u64) -> Result<Option<u64>, ApiError> {
    let query = EventQuery {
        aggregate: Some(name.clone()),
        from: Some(version),
        limit: 1,
        system: true,
        ..EventQuery::default()
    };
    Ok(log.events(&query)?.rows.first().map(|event| event.header.position.get()))
}
