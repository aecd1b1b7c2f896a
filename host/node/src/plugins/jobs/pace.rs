//! How fast a job may go: so many events a second.

use std::time::{Duration, Instant};

/// Batches of a job with a rate, a second: small enough that its events come evenly.
const BATCHES_A_SECOND: u32 = 10;

/// The pace of a job.
#[derive(Debug)]
pub(super) struct Pace {
    /// Events a second; none: as fast as it goes.
    rate: Option<u32>,
    /// When the next event is due.
    due: Option<Instant>,
}

impl Pace {
    pub(super) fn new(rate: Option<u32>) -> Self {
        Self { rate, due: None }
    }

    /// Most events of a batch.
    pub(super) fn items(&self) -> usize {
        self.rate.map_or(usize::MAX, |rate| rate.div_ceil(BATCHES_A_SECOND).max(1) as usize)
    }

    /// When to go on, if not at once.
    pub(super) fn not_before(&self, now: Instant) -> Option<Instant> {
        self.due.filter(|due| *due > now)
    }

    /// So many events were delivered. Time in which none were is not saved up.
    pub(super) fn delivered(&mut self, events: u64, now: Instant) {
        let Some(rate) = self.rate.filter(|_| events > 0) else { return };
        let took = Duration::from_secs_f64(events as f64 / f64::from(rate));
        self.due = Some(self.due.map_or(now, |due| due.max(now)) + took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_events_are_due_than_the_rate_says() {
        let (mut pace, start) = (Pace::new(Some(50)), Instant::now());
        assert_eq!(pace.items(), 5);
        let (mut now, mut events) = (start, 0);
        while now < start + Duration::from_secs(4) {
            match pace.not_before(now) {
                Some(due) => now = due,
                None => {
                    events += 5;
                    pace.delivered(5, now);
                }
            }
        }
        assert_eq!(events, 200);
        pace.delivered(5, now + Duration::from_secs(100));
        assert!(pace.not_before(now + Duration::from_secs(100)).is_some(), "what was not used is not saved up");
    }

    #[test]
    fn without_a_rate_nothing_waits_and_a_slow_one_goes_event_by_event() {
        let (mut pace, now) = (Pace::new(None), Instant::now());
        pace.delivered(1_000_000, now);
        assert_eq!((pace.not_before(now), pace.items()), (None, usize::MAX));
        assert_eq!(Pace::new(Some(3)).items(), 1);
    }
}
