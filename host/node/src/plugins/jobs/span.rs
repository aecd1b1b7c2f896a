//! Which stretch of the log a job delivers.

use eventdbx_store::{AggregateId, AggregateType, Domain, Header, Instant, Position, ReadError};
use serde::{Deserialize, Serialize};

/// A stretch of the log. Without anything said it is the whole log, however far that grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::plugins) struct Span {
    pub(in crate::plugins) aggregate_type: Option<AggregateType>,
    pub(in crate::plugins) aggregate_id: Option<AggregateId>,
    /// First position.
    pub(in crate::plugins) from: Position,
    /// Last position; none: the end of the log, wherever it is by then.
    pub(in crate::plugins) to: Option<Position>,
}

impl Span {
    /// The whole log.
    pub(in crate::plugins) fn whole() -> Self {
        Self { aggregate_type: None, aggregate_id: None, from: Position::new(1), to: None }
    }

    pub(in crate::plugins) fn is_whole(&self) -> bool {
        *self == Self::whole()
    }

    /// Whether an event of one of its positions belongs to it.
    pub(in crate::plugins) fn admits(&self, header: &Header) -> bool {
        self.aggregate_type.as_ref().is_none_or(|kind| *kind == header.aggregate.kind)
            && self.aggregate_id.as_ref().is_none_or(|id| *id == header.aggregate.id)
    }

    /// The position before the first: where a cursor over it begins.
    pub(in crate::plugins) fn before(&self) -> Position {
        Position::new(self.from.get().saturating_sub(1))
    }
}

/// The first position that was recorded at `time` or later; the one after the head if there is none. Recorded times never
/// go back from one position to the next, so that it is found by halving.
pub(super) fn first_at(domain: &Domain, head: Position, time: Instant) -> Result<Position, ReadError> {
    let (mut low, mut high) = (1, head.get() + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let row = domain.scan(Position::new(middle)).next();
        let row = row.ok_or_else(|| ReadError::Damaged(format!("position {middle} is missing in the log")))??;
        if Instant::of(row.header.recorded_at) < time {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(Position::new(low))
}
