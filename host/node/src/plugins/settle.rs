//! What follows from what a plugin made of a batch: it is committed, narrowed down, tried again, or parked.

use std::time::{Duration, Instant};

use eventdbx_sandbox::{Failure, Halt, Handled, Level, Outcome, TrapKind};
use eventdbx_store::Position;

use super::{
    cut::{Cut, Extent},
    parking::{Grounds, ParkedRow},
    track::{Delivered, Fault, Progress, Track},
    trouble::{SOLITARY_FAILURES, Verdict},
};

impl Track {
    /// Acts on what a batch came to.
    pub(super) fn settle(&mut self, cut: Cut, delivered: Delivered) -> Result<(), Fault> {
        match delivered.outcome {
            Outcome::Done(handled) => {
                self.commit(cut, handled)?;
                self.instance = delivered.instance;
            }
            Outcome::Retry { failure, after, done } => {
                let end = cut.end;
                self.commit_sent(&cut, done)?;
                self.retry_later(end, &failure, after);
            }
            Outcome::Fatal(failure) => self.stop(format!("it cannot go on: {}", words(&failure))),
            Outcome::Poison(item) => {
                let guilty = item.index as usize;
                let sent = self.commit_sent(&cut, guilty)?;
                self.failed(cut, sent, Some(guilty - sent), item.failure.into())?;
            }
            Outcome::Halted(Halt::HostFailed(error)) => {
                self.broke(&error.to_string());
            }
            Outcome::Halted(halt) => {
                self.cursor.counters.traps += 1;
                self.failed(cut, 0, None, grounds(&halt))?;
            }
        }
        Ok(())
    }

    /// Commits the leading items of a batch that failed, where the plugin is a transport, of which they stay sent; a read
    /// model's writes are thrown away with its call. Answers how many those are.
    fn commit_sent(&mut self, cut: &Cut, done: usize) -> Result<usize, Fault> {
        if done == 0 || !self.sends() {
            return Ok(0);
        }
        let to = cut.items.get(done - 1).map_or(cut.end, |item| item.header().position);
        let extent = Extent { from: self.cursor.position.next(), to, items: usize::MAX, bytes: usize::MAX };
        // The log does not change: these are the same rows once more, up to the last that was sent.
        let sent = self.cutter().gather(extent, &self.tree)?;
        let progress = Progress { items: done, ..sent.progress() };
        if self.commit_with(progress, Handled::default(), &[], &[])? {
            self.tree = sent.into_tree();
            self.trouble.succeeded(done);
        }
        Ok(done)
    }

    pub(super) fn retry_later(&mut self, end: Position, failure: &Failure, after: Option<Duration>) {
        self.cursor.counters.retries += 1;
        self.note(Level::Warn, &format!("it asks for a retry: {}", words(failure)));
        self.trouble.asked_to_retry(end, after, Instant::now());
    }

    /// A batch failed, of which the first `sent` items are committed; `guilty` counts from there.
    fn failed(&mut self, cut: Cut, sent: usize, guilty: Option<usize>, grounds: Grounds) -> Result<(), Fault> {
        self.last_error = Some(format!("{} ({})", grounds.reason, grounds.code));
        match self.trouble.failed(cut.items.len() - sent, guilty, Instant::now()) {
            Verdict::Narrow | Verdict::Pause => Ok(()),
            Verdict::Convict => self.convict(cut, grounds),
        }
    }

    /// Parks the only item of a batch, and with it all that follows in its aggregate.
    fn convict(&mut self, cut: Cut, grounds: Grounds) -> Result<(), Fault> {
        let Some(item) = cut.items.first() else { return Ok(()) };
        let (header, most) = (item.header(), self.services.limits.parked);
        if self.parked.len() >= most {
            self.stop(format!(
                "{most} aggregates are parked, and the limit `parked` allows no more: mend what ails them, then retry or \
                 discard them and enable the plugin again"
            ));
            return Ok(());
        }
        let (aggregate, position, code) = (&header.aggregate, header.position, &grounds.code);
        self.note(Level::Error, &format!("parked {aggregate} from position {position} on ({code})"));
        let (number, now) = (header.number, (self.services.clock)());
        let row = ParkedRow::new(header, SOLITARY_FAILURES, grounds, now);
        let progress = Progress { items: 0, ..cut.progress() };
        self.commit_with(progress, Handled::default(), &[(number, row)], &[])?;
        self.tree = cut.tree;
        if self.trouble.convicted() {
            let last = self.last_error.take().unwrap_or_default();
            self.stop(format!(
                "one event after the other fails: the plugin is at fault rather than they. Last: {last}"
            ));
        }
        Ok(())
    }
}

/// Why a call without an answer counts against the events of its batch.
pub(super) fn grounds(halt: &Halt) -> Grounds {
    let code = match halt {
        Halt::Trapped(trap) => match trap.kind {
            TrapKind::Limit(limit) => format!("limit-{}", limit.name()),
            TrapKind::StackOverflow => "limit-stack_bytes".to_owned(),
            TrapKind::Forbidden => "forbidden".to_owned(),
            TrapKind::Crashed => "crashed".to_owned(),
        },
        Halt::Lied(_) => "nonsense".to_owned(),
        Halt::HostFailed(_) => "host".to_owned(),
    };
    Grounds { code, reason: halt.to_string() }
}

pub(super) fn words(failure: &Failure) -> String {
    format!("{} ({})", failure.message, failure.code)
}
