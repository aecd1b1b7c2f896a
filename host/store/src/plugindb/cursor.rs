//! How far a generation got.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{PluginDbError, rows};
use crate::{Digest, Position};

/// Number of a generation: one set of tables with its cursor. Numbers are never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub(super) u32);

impl Generation {
    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    pub(super) const fn key(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a generation got: committed in one batch with the tables that it speaks of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Position up to which the log was scanned.
    pub position: Position,
    /// Root of the domain's tree there: tells a log that was rolled back or exchanged.
    pub root: Digest,
    /// What was counted on the way.
    pub counters: Counters,
}

/// What a generation counted on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Batches committed.
    pub batches: u64,
    /// Events that the plugin took.
    pub deliveries: u64,
    /// Events that the plugin left out on purpose.
    pub skipped: u64,
    /// Events that were left out because their aggregate is parked.
    pub left_out: u64,
    /// Times that the plugin asked for a retry.
    pub retries: u64,
    /// Times that it broke a limit, trapped or answered nonsense.
    pub traps: u64,
    /// CPU time spent in the plugin.
    pub cpu_micros: u64,
    /// Bytes of keys and sealed values in its tables. Kept by [`PluginDb::prepare`](super::PluginDb::prepare).
    pub table_bytes: u64,
}

impl Counters {
    const COUNT: usize = 8;

    fn to_array(self) -> [u64; Self::COUNT] {
        let Self { batches, deliveries, skipped, left_out, retries, traps, cpu_micros, table_bytes } = self;
        [batches, deliveries, skipped, left_out, retries, traps, cpu_micros, table_bytes]
    }

    fn from_array(numbers: [u64; Self::COUNT]) -> Self {
        let [batches, deliveries, skipped, left_out, retries, traps, cpu_micros, table_bytes] = numbers;
        Self { batches, deliveries, skipped, left_out, retries, traps, cpu_micros, table_bytes }
    }
}

impl Cursor {
    const BYTES: usize = 8 + 32 + 8 * Counters::COUNT;

    /// position ‖ root ‖ the counters in the order of their fields.
    pub(super) fn encode(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        let (position, rest) = out.split_at_mut(8);
        let (root, counters) = rest.split_at_mut(32);
        position.copy_from_slice(&self.position.get().to_be_bytes());
        root.copy_from_slice(&self.root.0);
        for (bytes, number) in counters.chunks_exact_mut(8).zip(self.counters.to_array()) {
            bytes.copy_from_slice(&number.to_be_bytes());
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, PluginDbError> {
        let whole = || rows::damaged("cursors");
        let (position, rest) = bytes.split_first_chunk::<8>().ok_or_else(whole)?;
        let (root, rest) = rest.split_first_chunk::<32>().ok_or_else(whole)?;
        let (chunks, []) = rest.as_chunks::<8>() else { return Err(whole()) };
        let numbers: Vec<u64> = chunks.iter().map(|chunk| u64::from_be_bytes(*chunk)).collect();
        let counters = Counters::from_array(numbers.try_into().map_err(|_| whole())?);
        Ok(Self { position: Position::new(u64::from_be_bytes(*position)), root: Digest(*root), counters })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_as_it_was_written() {
        let counters = Counters::from_array([1, 2, 3, 4, 5, 6, 7, u64::MAX]);
        let cursor = Cursor { position: Position::new(9), root: Digest([7; 32]), counters };
        assert_eq!(Cursor::decode(&cursor.encode()).unwrap(), cursor);
        assert!(Cursor::decode(&cursor.encode()[1..]).is_err());
    }
}
