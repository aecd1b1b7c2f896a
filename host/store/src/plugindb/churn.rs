//! Rows that are overwritten again and again.
//!
//! A memtable keeps every version of a row until it is flushed, and whoever scans reads over all of them: a table of five
//! counters that were written 50,000 times takes milliseconds to scan. So a memtable with many rows is flushed, and with it
//! goes what was overwritten, long before it is full; but seldom enough for that to cost nothing.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::PluginDb;

/// Rows that a scan may have to read over: some hundred microseconds, with those of a second.
const ROWS: usize = 1024;
/// How often tables are flushed for this, at most.
const PAUSE: Duration = Duration::from_secs(1);

/// Rows that were written to tables since they were flushed for this the last time.
#[derive(Default)]
pub(super) struct Churn(Mutex<(usize, Option<Instant>)>);

impl Churn {
    /// Counts rows; whether it is time to flush.
    fn count(&self, rows: usize, now: Instant) -> bool {
        let mut churn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (written, flushed) = &mut *churn;
        *written += rows;
        if *written < ROWS || flushed.is_some_and(|flushed| now < flushed + PAUSE) {
            return false;
        }
        (*written, *flushed) = (0, Some(now));
        true
    }
}

impl PluginDb {
    /// Takes note of rows that were written to tables.
    pub(super) fn churned(&self, rows: usize) {
        // It is done in the background. What was written stays written if it cannot be done: the next commit meets the same fault.
        if self.0.churn.count(rows, Instant::now())
            && let Err(error) = self.0.tables.rotate_memtable()
        {
            tracing::warn!(%error, "tables of plugins cannot be flushed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_flushed_when_much_was_written_and_not_too_often() {
        let (churn, begin) = (Churn::default(), Instant::now());
        assert!(!churn.count(ROWS - 1, begin));
        assert!(churn.count(1, begin), "enough was written");
        assert!(!churn.count(10 * ROWS, begin + PAUSE / 2), "not so soon again");
        assert!(churn.count(1, begin + PAUSE));
        assert!(!churn.count(1, begin + 2 * PAUSE), "counting begins anew");
    }
}
