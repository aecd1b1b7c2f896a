//! The overlay: what a call has written so far, and reads that see it.
//!
//! Invariant: nothing in here reaches the host before the call has succeeded, and all of it does then, as one value.

use std::{
    collections::BTreeMap,
    ops::Bound::{self, Excluded, Included, Unbounded},
};

use crate::{
    host::KeyRange,
    limits::{Limit, Limits},
    outcome::{Halt, Trap},
};

/// What the host needs to order one write, beside its key and value.
const ENTRY_BYTES: u64 = 64;

/// The writes of one call, by table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writes {
    /// In the order of [`Descriptor::tables`](crate::Descriptor::tables).
    pub tables: Vec<TableWrites>,
    /// What they weigh, as `write_bytes` counts it.
    pub bytes: u64,
}

/// A written key and what it holds; none: it is gone.
pub(crate) type Write<'a> = (&'a Vec<u8>, &'a Option<Vec<u8>>);

/// The writes to one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableWrites {
    /// Whether everything that was committed goes away first.
    pub cleared: bool,
    /// What each key holds afterwards; none: it is gone.
    pub entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Writes {
    pub(crate) fn new(tables: usize) -> Self {
        Self { tables: vec![TableWrites::default(); tables], bytes: 0 }
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|table| !table.cleared && table.entries.is_empty())
    }

    /// Hands out the writes and leaves none.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Self::new(self.tables.len());
        std::mem::replace(self, empty)
    }

    pub(crate) fn set(
        &mut self,
        table: usize,
        key: Vec<u8>,
        value: Option<Vec<u8>>,
        limits: &Limits,
    ) -> Result<(), Halt> {
        let weight = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len) as u64;
        let (key_bytes, added) = (key.len() as u64, weight(&value));
        match self.tables[table].entries.insert(key, value) {
            Some(old) => self.bytes = self.bytes - weight(&old) + added,
            None => self.bytes += key_bytes + added + ENTRY_BYTES,
        }
        if self.bytes > limits.write_bytes {
            let what = format!("the plugin wrote {} bytes in one batch", self.bytes);
            return Err(Halt::Trapped(Trap::broke(Limit::WriteBytes, limits, what)));
        }
        Ok(())
    }

    pub(crate) fn clear(&mut self, table: usize) {
        let freed = std::mem::take(&mut self.tables[table].entries);
        let weigh = |(key, value): (Vec<u8>, Option<Vec<u8>>)| {
            key.len() as u64 + value.map_or(0, |value| value.len() as u64) + ENTRY_BYTES
        };
        self.bytes -= freed.into_iter().map(weigh).sum::<u64>();
        self.tables[table].cleared = true;
    }
}

impl TableWrites {
    /// What this call knows of a key: `None` when only the committed table can tell.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Option<&Vec<u8>>> {
        match self.entries.get(key) {
            Some(value) => Some(value.as_ref()),
            None if self.cleared => Some(None),
            None => None,
        }
    }

    /// The written keys of a range, in its direction.
    pub(crate) fn range<'a>(&'a self, range: &KeyRange) -> Box<dyn Iterator<Item = Write<'a>> + 'a> {
        let (start, end) = (range.start.as_deref(), range.end.as_deref());
        if matches!((start, end), (Some(start), Some(end)) if start >= end) {
            return Box::new(std::iter::empty());
        }
        let bounds: (Bound<&[u8]>, Bound<&[u8]>) = (start.map_or(Unbounded, Included), end.map_or(Unbounded, Excluded));
        let entries = self.entries.range::<[u8], _>(bounds);
        if range.reverse { Box::new(entries.rev()) } else { Box::new(entries) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes() -> (Writes, Limits) {
        (Writes::new(1), Limits::default())
    }

    #[test]
    fn the_last_write_of_a_key_counts_and_is_weighed_once() {
        let (mut writes, limits) = writes();
        writes.set(0, b"key".to_vec(), Some(vec![0; 10]), &limits).unwrap();
        writes.set(0, b"key".to_vec(), Some(vec![0; 4]), &limits).unwrap();
        assert_eq!(writes.bytes, 3 + 4 + ENTRY_BYTES);
        writes.set(0, b"key".to_vec(), None, &limits).unwrap();
        assert_eq!(writes.bytes, 3 + ENTRY_BYTES);
        assert_eq!(writes.tables[0].get(b"key"), Some(None));
        assert_eq!(writes.tables[0].get(b"other"), None);
    }

    #[test]
    fn clearing_forgets_the_writes_and_hides_what_was_committed() {
        let (mut writes, limits) = writes();
        writes.set(0, b"key".to_vec(), Some(vec![0; 10]), &limits).unwrap();
        writes.clear(0);
        assert_eq!(writes.bytes, 0);
        assert_eq!(writes.tables[0].get(b"key"), Some(None));
        assert_eq!(writes.tables[0].get(b"other"), Some(None));
        assert!(!writes.is_empty());
    }

    #[test]
    fn outgrowing_the_limit_traps_with_its_name() {
        let (mut writes, limits) = (Writes::new(1), Limits { write_bytes: 100, ..Limits::default() });
        writes.set(0, vec![1], Some(vec![0; 10]), &limits).unwrap();
        let Err(Halt::Trapped(trap)) = writes.set(0, vec![2], Some(vec![0; 10]), &limits) else {
            panic!("two entries weigh more than 100 bytes")
        };
        assert_eq!(trap.limit(), Some(Limit::WriteBytes));
    }
}
