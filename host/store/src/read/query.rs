//! What is asked of a listing, and what it answers.

use crate::{AggregateRef, AggregateType, Digest, Filter, Json, Micros, Position, Sort, Version};

/// Rows of a listing.
///
/// A page may be short or even empty and more may follow all the same: a filter that lets few rows through ends a page after
/// [`SCAN_ROWS`](crate::limits::SCAN_ROWS). A listing ends where `more` is false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, P = u64> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether more may follow: then `last` is where the next page goes on.
    pub more: bool,
    /// The place of the last row that was looked at, whether it is among the rows or not; none: there was none.
    pub last: Option<P>,
}

impl<T, P> Page<T, P> {
    /// A page of a listing that has no rows.
    pub(super) fn empty() -> Self {
        Self { rows: Vec::new(), more: false, last: None }
    }
}

/// Which aggregates to list.
#[derive(Debug, Clone, Default)]
pub struct AggregateQuery {
    /// Only this type.
    pub kind: Option<AggregateType>,
    /// Only those that pass, as they are now.
    pub filter: Option<Filter>,
    /// Only those whose last event was recorded at this time or later.
    pub since: Option<Micros>,
    /// Only those whose last event was recorded before this time.
    pub until: Option<Micros>,
    /// In this order, then by type and id. A page then reads *every* aggregate of the type, where the order or the filter
    /// needs it with its state. None: by type and id, where a page reads little more than its own rows.
    pub sort: Option<Sort>,
    /// The place where the page before ended. An aggregate that changes while pages are read can move across this place
    /// where the order looks at what changed, and so be seen twice or not at all; all others are seen once.
    pub after: Option<AggregatePlace>,
    /// At most this many, and at most [`PAGE_ROWS`](crate::limits::PAGE_ROWS).
    pub limit: usize,
    /// Archived ones too.
    pub archived: bool,
    /// Reserved aggregates (`$…`) too.
    pub system: bool,
    /// With their states.
    pub states: bool,
}

/// An aggregate as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateRow {
    /// Its name.
    pub name: AggregateRef,
    /// Version of its last event.
    pub version: Version,
    /// Whether it is archived.
    pub archived: bool,
    /// Root of its Merkle tree.
    pub root: Digest,
    /// Position of its last event.
    pub last_position: Position,
    /// When its first event was committed.
    pub created_at: Micros,
    /// When its last event was committed.
    pub updated_at: Micros,
    /// Folded state, canonical JSON (RFC 8785); none: it was not asked for.
    pub state: Option<Json>,
}

/// Where a listing of aggregates stands: the aggregate and how it was, so that its place in an order can be found again
/// after it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregatePlace {
    /// The aggregate. Without an order, the rest does not count.
    pub name: AggregateRef,
    /// Which version it had.
    pub version: Version,
    /// Whether it was archived.
    pub archived: bool,
}

impl From<AggregateRef> for AggregatePlace {
    /// A place in a listing without an order.
    fn from(name: AggregateRef) -> Self {
        Self { name, version: Version::default(), archived: false }
    }
}

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Only this aggregate type.
    pub kind: Option<AggregateType>,
    /// Only this aggregate; `from` and `after` then count versions.
    pub aggregate: Option<AggregateRef>,
    /// Only those that pass.
    pub filter: Option<Filter>,
    /// Only those recorded at this time or later. The log is ordered by it, so that nothing before it is read.
    pub since: Option<Micros>,
    /// Only those recorded before this time.
    pub until: Option<Micros>,
    /// In this order, then by position; `reverse` does not count then. A page then reads *every* event between the bounds,
    /// and unseals it where the order or the filter needs that; but an order that begins with `recorded_at` or `position` (of
    /// one aggregate, `version` too) is read along the log, as far as the page goes. None: by position.
    pub sort: Option<Sort>,
    /// First position or version, included. None: the first, or with `reverse` the last.
    pub from: Option<u64>,
    /// The place where the page before ended: its position or version. Events never change, so that each that was there
    /// when the first page was read is seen once, whatever is written meanwhile.
    pub after: Option<u64>,
    /// Descending.
    pub reverse: bool,
    /// At most this many, and at most [`PAGE_ROWS`](crate::limits::PAGE_ROWS).
    pub limit: usize,
    /// EventDBX's own events too.
    pub system: bool,
}
