//! Log lines of a call: the first ones are kept, the rest is counted.

use crate::{
    host::{Host, Level},
    limits::Limits,
};

/// How many lines a call has logged.
#[derive(Debug, Default)]
pub(crate) struct LogBudget {
    kept: u64,
    dropped: u64,
}

impl LogBudget {
    /// Logs one line, cut to its limit; beyond the limit of lines it only counts.
    pub(crate) fn line(
        &mut self,
        host: &mut dyn Host,
        limits: &Limits,
        level: Level,
        message: &str,
        fields: Option<&str>,
    ) {
        if self.kept >= limits.log_lines {
            self.dropped += 1;
            return;
        }
        self.kept += 1;
        let most = usize::try_from(limits.log_line_bytes).unwrap_or(usize::MAX);
        let message_end = message.floor_char_boundary(most);
        // Half of a JSON object is none: fields are kept whole or not at all.
        let fields = fields.filter(|fields| fields.len() <= most - message_end);
        host.log(level, &message[..message_end], fields);
    }

    /// Says how many lines were dropped, and starts anew.
    pub(crate) fn finish(&mut self, host: &mut dyn Host) {
        if self.dropped > 0 {
            let message = format!("{} more log lines of this call were dropped", self.dropped);
            host.log(Level::Warn, &message, None);
        }
        *self = Self::default();
    }
}
