//! How the calls of a plugin went, since the daemon started.

use std::sync::atomic::{AtomicU64, Ordering};

use eventdbx_sandbox::Usage;

use crate::timing::{Timed, Timing};

/// Counts the calls of one plugin.
#[derive(Debug, Default)]
pub(super) struct Calls {
    batches: Timing,
    queries: Timing,
    memory: AtomicU64,
}

/// What was counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallFigures {
    /// Batches that it was handed, whatever came of them.
    pub(crate) batches: Timed,
    /// Queries that it was asked.
    pub(crate) queries: Timed,
    /// The most memory that one of its instances had, in bytes.
    pub(crate) memory_bytes: u64,
}

impl Calls {
    /// It was handed a batch.
    pub(super) fn batch(&self, usage: Usage) {
        self.batches.count(usage.wall);
        self.memory.fetch_max(usage.memory_bytes, Ordering::Relaxed);
    }

    /// It was asked a query.
    pub(super) fn query(&self, usage: Usage) {
        self.queries.count(usage.wall);
        self.memory.fetch_max(usage.memory_bytes, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> CallFigures {
        CallFigures {
            batches: self.batches.read(),
            queries: self.queries.read(),
            memory_bytes: self.memory.load(Ordering::Relaxed),
        }
    }
}
