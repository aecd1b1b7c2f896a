//! The log of one plugin: the last lines, in memory.

use std::{collections::VecDeque, sync::Mutex};

use eventdbx_sandbox::Level;
use eventdbx_store::Clock;
use serde_json::value::RawValue;

use super::{LogLine, lock};

/// Bytes of lines that are kept of one plugin, however few lines that is.
const LOG_BYTES: usize = 1 << 20;

/// The last lines that a plugin logged, or that were logged about it.
pub(super) struct Logs {
    clock: Clock,
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<LogLine>,
    bytes: usize,
}

impl Logs {
    pub(super) fn new(clock: Clock, most: usize) -> Self {
        Self { clock, most, kept: Mutex::default() }
    }

    pub(super) fn line(&self, level: Level, message: &str, fields: Option<&str>) {
        let at = (self.clock)().to_rfc3339();
        let fields = fields.and_then(|fields| RawValue::from_string(fields.to_owned()).ok());
        let line = LogLine { at, level: name(level), message: message.to_owned(), fields };
        let mut kept = lock(&self.kept);
        kept.bytes += weight(&line);
        kept.lines.push_back(line);
        while kept.lines.len() > self.most || kept.bytes > LOG_BYTES {
            let Some(line) = kept.lines.pop_front() else { break };
            kept.bytes -= weight(&line);
        }
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
}
