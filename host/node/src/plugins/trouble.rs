//! What to do after a batch has failed: narrow it down to the guilty event, wait, convict, or give up.
//!
//! A failed batch is cut in half until the event that fails is alone; what goes well on the way is committed. An event is
//! convicted only after failing alone three times, with a pause in between. A plugin whose events all fail, one after the
//! other, is not a case of bad events: it is stopped.

use std::time::{Duration, Instant};

use eventdbx_store::Position;

/// Times that an event must fail alone.
pub(super) const SOLITARY_FAILURES: u32 = 3;
/// Convictions in a row, without a success in between, that stop a plugin.
const CONVICTIONS_IN_A_ROW: u32 = 5;
/// Starts in a row, or failures of the host, that stop a plugin.
const FAILURES_IN_A_ROW: u32 = 6;
/// The first pause is somewhere below this, the next ones below its doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// No pause that we choose is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// No pause that a plugin asks for is longer.
const LONGEST_HINT: Duration = Duration::from_secs(600);

/// The troubles of one generation. All is well by default.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Failures since the last success: what a delivery is told as its attempt, less one.
    failures: u32,
    /// Items among which the guilty one is.
    suspects: usize,
    /// Most items of the next batch, while the guilty one is being looked for.
    limit: Option<usize>,
    /// Times that the next item failed alone.
    solitary: u32,
    /// Events convicted since the last success.
    convictions: u32,
    /// Starts, or calls, that failed through no event's fault.
    broken: u32,
    /// A batch that is to come again as it was: its end.
    again: Option<Position>,
    not_before: Option<Instant>,
}

/// What follows from a failure of the events that were delivered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Try fewer, at once.
    Narrow,
    /// Try the same event again, after a pause.
    Pause,
    /// It was this event.
    Convict,
}

impl Trouble {
    /// Number of the next attempt.
    pub(super) fn attempt(&self) -> u32 {
        self.failures + 1
    }

    /// Most items of the next batch.
    pub(super) fn items(&self, most: usize) -> usize {
        self.limit.map_or(most, |limit| limit.min(most))
    }

    /// Whether a guilty item is being looked for.
    pub(super) fn is_narrowing(&self) -> bool {
        self.limit.is_some()
    }

    /// Where the next batch must end at the latest.
    pub(super) fn end(&self, head: Position) -> Position {
        self.again.map_or(head, |end| end.min(head))
    }

    /// When to go on, if not at once.
    pub(super) fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    pub(super) fn end_pause(&mut self) {
        self.not_before = None;
    }

    /// So many items were handled.
    pub(super) fn succeeded(&mut self, items: usize) {
        let suspects = self.suspects.saturating_sub(items);
        let limit = (suspects > 0).then(|| (suspects / 2).max(1));
        let convictions = if items > 0 { 0 } else { self.convictions };
        *self = Self { suspects, limit, convictions, ..Self::default() };
    }

    /// So many items failed together; `guilty` is the index of the one that the plugin blames.
    pub(super) fn failed(&mut self, items: usize, guilty: Option<usize>, now: Instant) -> Verdict {
        self.failures += 1;
        self.again = None;
        if items > 1 {
            self.suspects = guilty.map_or(items, |index| index + 1);
            self.limit = Some(guilty.unwrap_or(items / 2).max(1));
            self.solitary = 0;
            return Verdict::Narrow;
        }
        self.solitary += 1;
        if self.solitary >= SOLITARY_FAILURES {
            return Verdict::Convict;
        }
        (self.suspects, self.limit) = (1, Some(1));
        self.pause(self.solitary, None, now);
        Verdict::Pause
    }

    /// An event was convicted and parked. Answers whether there have been too many in a row.
    pub(super) fn convicted(&mut self) -> bool {
        let convictions = self.convictions + 1;
        *self = Self { convictions, ..Self::default() };
        convictions >= CONVICTIONS_IN_A_ROW
    }

    /// The plugin asks for the same batch again, later.
    pub(super) fn asked_to_retry(&mut self, end: Position, after: Option<Duration>, now: Instant) {
        self.failures += 1;
        self.again = Some(end);
        self.pause(self.failures, after, now);
    }

    /// Something failed for which no event is to blame. Answers whether it has failed too often in a row.
    pub(super) fn broke(&mut self, now: Instant) -> bool {
        self.broken += 1;
        self.pause(self.broken, None, now);
        self.broken >= FAILURES_IN_A_ROW
    }

    /// An exponential pause with full jitter, so that many plugins that fail together do not come back together.
    fn pause(&mut self, failures: u32, hint: Option<Duration>, now: Instant) {
        let longest = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
        let pause = hint.map_or_else(|| longest.mul_f64(rand::random::<f64>()), |hint| hint.min(LONGEST_HINT));
        self.not_before = Some(now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Delivers 0..total; answers what was convicted, and how many calls it took.
    fn run(total: usize, bad: &[usize], blames: bool) -> (Vec<usize>, usize) {
        let (mut trouble, mut at, mut calls, mut convicted) = (Trouble::default(), 0, 0, Vec::new());
        while at < total {
            let items = trouble.items(256).min(total - at);
            calls += 1;
            let fails = (at..at + items).find(|item| bad.contains(item));
            match fails.map(|item| trouble.failed(items, blames.then_some(item - at), Instant::now())) {
                None => {
                    trouble.succeeded(items);
                    at += items;
                }
                Some(Verdict::Narrow | Verdict::Pause) => {}
                Some(Verdict::Convict) => {
                    assert_eq!(items, 1);
                    assert!(!trouble.convicted());
                    convicted.push(at);
                    at += 1;
                }
            }
        }
        (convicted, calls)
    }

    #[test]
    fn the_guilty_event_is_found_wherever_it_is() {
        for bad in 0..256 {
            let (convicted, calls) = run(256, &[bad], false);
            assert_eq!(convicted, [bad]);
            assert!(calls <= 24, "{calls} calls for {bad}");
            let (convicted, calls) = run(256, &[bad], true);
            assert_eq!(convicted, [bad]);
            assert!(calls <= 7, "{calls} calls for {bad}, which was blamed");
        }
    }

    #[test]
    fn several_guilty_events_are_all_found() {
        assert_eq!(run(1000, &[3, 4, 500, 999], false).0, [3, 4, 500, 999]);
    }

    #[test]
    fn convictions_in_a_row_stop_and_a_success_forgives() {
        let mut trouble = Trouble::default();
        assert!((1..CONVICTIONS_IN_A_ROW).all(|_| !trouble.convicted()));
        trouble.succeeded(1);
        assert!((1..CONVICTIONS_IN_A_ROW).all(|_| !trouble.convicted()));
        assert!(trouble.convicted());
    }

    #[test]
    fn a_retry_brings_the_same_batch_again_after_a_bounded_pause() {
        let (mut trouble, now) = (Trouble::default(), Instant::now());
        for attempt in 2..40 {
            trouble.asked_to_retry(Position::new(7), None, now);
            assert_eq!(trouble.attempt(), attempt);
            assert_eq!(trouble.end(Position::new(100)), Position::new(7));
            assert!(trouble.not_before().unwrap() <= now + LONGEST_PAUSE);
        }
        trouble.asked_to_retry(Position::new(7), Some(Duration::from_secs(5)), now);
        assert_eq!(trouble.not_before(), Some(now + Duration::from_secs(5)));
        trouble.succeeded(3);
        assert_eq!((trouble.attempt(), trouble.end(Position::new(100))), (1, Position::new(100)));
    }
}
