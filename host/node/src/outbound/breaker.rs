//! A circuit breaker: a target that keeps failing is left alone for a while, so that neither it nor its plugin spends
//! time on what cannot work.

use std::time::{Duration, Instant};

use serde::Serialize;
use utoipa::ToSchema;

/// Failures in a row that open the circuit.
const FAILURES: u32 = 5;
/// How long it stays open the first time; each failed probe doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// It never stays open for longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether a target is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Circuit {
    /// It is.
    Closed,
    /// It failed again and again, and is left alone for a while.
    Open,
    /// The next request tries whether it is back.
    HalfOpen,
}

/// The breaker of one target.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    open: Option<Opening>,
    last_error: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Opening {
    until: Instant,
    pause: Duration,
}

impl Breaker {
    /// May the target be asked? If not, the text says why and until when.
    pub(super) fn admit(&self, now: Instant) -> Result<(), String> {
        match self.open {
            Some(Opening { until, .. }) if now < until => Err(format!(
                "it failed {} times in a row (last: {}) and is left alone for another {} s",
                self.failures,
                self.last_error.as_deref().unwrap_or_default(),
                (until - now).as_secs() + 1
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn succeeded(&mut self) {
        (self.failures, self.open) = (0, None);
    }

    pub(super) fn failed(&mut self, what: String, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.last_error = Some(what);
        if self.failures >= FAILURES {
            let pause = self.open.map_or(FIRST_PAUSE, |open| (open.pause * 2).min(LONGEST_PAUSE));
            self.open = Some(Opening { until: now + pause, pause });
        }
    }

    pub(super) fn circuit(&self, now: Instant) -> Circuit {
        match self.open {
            None => Circuit::Closed,
            Some(open) if now < open.until => Circuit::Open,
            Some(_) => Circuit::HalfOpen,
        }
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_after_a_probe_that_went_well() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 1..FAILURES {
            breaker.failed("refused".to_owned(), start);
            assert_eq!(breaker.circuit(start), Circuit::Closed);
        }
        breaker.failed("refused".to_owned(), start);
        assert_eq!(breaker.circuit(start), Circuit::Open);
        assert!(breaker.admit(start).unwrap_err().contains("last: refused"));
        let later = start + FIRST_PAUSE;
        assert_eq!((breaker.circuit(later), breaker.admit(later)), (Circuit::HalfOpen, Ok(())));
        breaker.failed("refused".to_owned(), later);
        assert!(breaker.admit(later + FIRST_PAUSE).is_err(), "a failed probe doubles the pause");
        assert!(breaker.admit(later + FIRST_PAUSE * 2).is_ok());
        breaker.succeeded();
        assert_eq!((breaker.circuit(later), breaker.failures()), (Circuit::Closed, 0));
    }

    #[test]
    fn successes_in_between_keep_it_closed_and_no_pause_is_endless() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES * 3 {
            breaker.failed("slow".to_owned(), now);
            breaker.succeeded();
        }
        assert_eq!(breaker.circuit(now), Circuit::Closed);
        (0..100).for_each(|_| breaker.failed("gone".to_owned(), now));
        assert!(breaker.admit(now + LONGEST_PAUSE).is_ok());
    }
}
