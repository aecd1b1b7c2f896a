//! The log of one plugin: the last lines, in memory.

use std::{collections::VecDeque, sync::Mutex};

use eventdbx_sandbox::Level;
use eventdbx_store::Clock;
use serde_json::value::RawValue;
use tokio::sync::watch;

use super::{LogLine, lock};

/// Bytes of lines that are kept of one plugin, however few lines that is.
const LOG_BYTES: usize = 1 << 20;

/// The last lines that a plugin logged, or that were logged about it.
pub(super) struct Logs {
    clock: Clock,
    most: usize,
    kept: Mutex<Kept>,
    /// Tells those who follow that there are lines.
    moved: watch::Sender<()>,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<LogLine>,
    bytes: usize,
    /// Lines that there ever were.
    written: u64,
}

/// Some lines, and where they stand among all that there ever were.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) lines: Vec<LogLine>,
    /// How many there were up to the last of them.
    pub(crate) next: u64,
    /// How many were dropped between what was seen and the first of them.
    pub(crate) missed: u64,
}

impl Logs {
    pub(super) fn new(clock: Clock, most: usize) -> Self {
        Self { clock, most, kept: Mutex::default(), moved: watch::Sender::default() }
    }

    pub(super) fn line(&self, level: Level, message: &str, fields: Option<&str>) {
        let at = (self.clock)().to_rfc3339();
        let fields = fields.and_then(|fields| RawValue::from_string(fields.to_owned()).ok());
        let line = LogLine { at, level: name(level), message: message.to_owned(), fields };
        let mut kept = lock(&self.kept);
        kept.bytes += weight(&line);
        kept.written += 1;
        kept.lines.push_back(line);
        while kept.lines.len() > self.most || kept.bytes > LOG_BYTES {
            let Some(line) = kept.lines.pop_front() else { break };
            kept.bytes -= weight(&line);
        }
        drop(kept);
        self.moved.send_replace(());
    }

    /// Something that changes with each line.
    pub(super) fn moves(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }

    /// The first lines behind those that were seen; who has seen none, or some of an earlier run, begins with the last
    /// `limit` ones.
    pub(super) fn behind(&self, seen: Option<u64>, limit: usize) -> Tail {
        let kept = lock(&self.kept);
        let first = kept.written - kept.lines.len() as u64;
        let Some(seen) = seen.filter(|seen| *seen <= kept.written) else {
            let lines = kept.lines.iter().skip(kept.lines.len().saturating_sub(limit)).cloned().collect();
            return Tail { lines, next: kept.written, missed: 0 };
        };
        let skipped = usize::try_from(seen.saturating_sub(first)).unwrap_or(usize::MAX);
        let lines: Vec<_> = kept.lines.iter().skip(skipped).take(limit).cloned().collect();
        Tail { next: seen.max(first) + lines.len() as u64, missed: first.saturating_sub(seen), lines }
    }

    /// The last lines, oldest first.
    pub(super) fn last(&self, limit: usize) -> Vec<LogLine> {
        let kept = lock(&self.kept);
        kept.lines.iter().skip(kept.lines.len().saturating_sub(limit)).cloned().collect()
    }
}

const fn name(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

fn weight(line: &LogLine) -> usize {
    line.message.len() + line.fields.as_ref().map_or(0, |fields| fields.get().len()) + 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_no_more() {
        let logs = Logs::new(eventdbx_store::system_clock(), 3);
        (0..10).for_each(|n| logs.line(Level::Info, &n.to_string(), Some("{\"a\":1}")));
        let messages: Vec<_> = logs.last(2).into_iter().map(|line| line.message).collect();
        assert_eq!(messages, ["8", "9"]);
        assert_eq!(logs.last(100).len(), 3);
        logs.line(Level::Warn, &"x".repeat(2 * LOG_BYTES), None);
        assert!(logs.last(100).is_empty(), "not even one line is kept beyond the bytes");
    }

    #[test]
    fn who_follows_is_given_each_line_once_and_told_of_those_that_it_missed() {
        let logs = Logs::new(eventdbx_store::system_clock(), 3);
        let write = |lines: std::ops::Range<u32>| lines.for_each(|n| logs.line(Level::Info, &n.to_string(), None));
        let behind = |seen, limit| {
            let Tail { lines, next, missed } = logs.behind(seen, limit);
            (lines.into_iter().map(|line| line.message).collect::<Vec<_>>(), next, missed)
        };
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        write(0..3);
        assert_eq!(behind(None, 2), (texts(&["1", "2"]), 3, 0));
        assert_eq!(behind(Some(3), 10), (texts(&[]), 3, 0));
        write(3..5);
        assert_eq!(behind(Some(3), 1), (texts(&["3"]), 4, 0));
        assert_eq!(behind(Some(4), 10), (texts(&["4"]), 5, 0));
        write(5..10);
        assert_eq!(behind(Some(5), 10), (texts(&["7", "8", "9"]), 10, 2));
        assert_eq!(behind(Some(77), 1), (texts(&["9"]), 10, 0), "the daemon was started anew");
    }
}
