//! How often something took how long: counted without a lock, and without remembering each time.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper bounds, in seconds: from an append without a sync to a long poll.
pub(crate) const BOUNDS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// Counts how long something took, again and again.
#[derive(Debug, Default)]
pub(crate) struct Timing {
    /// By bound; the last is for what took longer than every bound.
    counts: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

/// What was counted, as it was at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Timed {
    /// By bound: how many were at most so long, and no bound below fits. The last is for those beyond every bound.
    pub(crate) counts: Vec<u64>,
    /// All of them together, in seconds.
    pub(crate) seconds: f64,
}

impl Timing {
    /// Something took so long.
    pub(crate) fn count(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was counted so far.
    pub(crate) fn read(&self) -> Timed {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        Timed { counts, seconds: Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_below_the_first_bound_that_it_does_not_exceed() {
        let timing = Timing::default();
        for micros in [1, 500, 501, 60_000_000, 60_000_001] {
            timing.count(Duration::from_micros(micros));
        }
        let timed = timing.read();
        assert_eq!((timed.counts.len(), timed.counts[0], timed.counts[1]), (15, 2, 1));
        assert_eq!((timed.counts[13], timed.counts[14]), (1, 1));
        assert!((timed.seconds - 120.001_003).abs() < 1e-9, "{}", timed.seconds);
    }
}
