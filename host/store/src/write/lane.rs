//! Lanes: requests that are pipelined and yet keep their order.
//!
//! A client that sends many requests without waiting for each puts them into one lane. The committer takes them in the
//! order in which they were submitted, as it takes all; in a lane it also stops at the first that it turns away: none
//! after that one is committed, until the client has dealt with it and goes on in a new lane.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Requests that keep their order: after the first that is not committed, none is. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lane(Arc<AtomicBool>);

impl Lane {
    /// A lane in which every request was committed so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a request of this lane was turned away, so that none is committed any more.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn break_off(&self) {
        self.0.store(true, Ordering::Release);
    }
}
