//! Reading a generation's tables, as they are or as they were at one moment.

use std::ops::Bound;

use fjall::Readable;

use super::{Cursor, Generation, PluginDb, PluginDbError, rows, rows::Kind};
use crate::AggregateNumber;

/// Bytes of a row key before the plugin's own key.
const PREFIX: usize = 6;

/// The database at one moment: everything read through it is from that moment.
#[derive(Clone)]
pub struct Snapshot {
    db: PluginDb,
    at: fjall::Snapshot,
}

/// The tables of one generation.
#[derive(Clone)]
pub struct Tables {
    db: PluginDb,
    generation: Generation,
    /// None: as they are when they are read.
    at: Option<fjall::Snapshot>,
}

/// Rows of a range, from both ends.
pub struct Rows {
    db: PluginDb,
    iter: fjall::Iter,
}

impl PluginDb {
    /// The tables of a generation as they are whenever they are read. For the one worker that writes them.
    #[must_use]
    pub fn tables(&self, generation: Generation) -> Tables {
        Tables { db: self.clone(), generation, at: None }
    }

    /// This moment. Holding it keeps overwritten rows on disk: for the length of a query.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { at: self.0.db.snapshot(), db: self.clone() }
    }
}

impl Snapshot {
    /// The tables of a generation.
    #[must_use]
    pub fn tables(&self, generation: Generation) -> Tables {
        Tables { db: self.db.clone(), generation, at: Some(self.at.clone()) }
    }

    /// Where the generation was.
    ///
    /// # Errors
    ///
    /// When the row cannot be read.
    pub fn cursor(&self, generation: Generation) -> Result<Cursor, PluginDbError> {
        let key = generation.key();
        match self.at.get(&self.db.0.cursors, key)? {
            Some(sealed) => Cursor::decode(&self.db.unseal(Kind::Cursor, &key, &sealed)?),
            None => Ok(Cursor::default()),
        }
    }

    /// How many aggregates it had parked.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn parked(&self, generation: Generation) -> Result<u64, PluginDbError> {
        let mut count = 0;
        for row in self.at.prefix(&self.db.0.parked, generation.key()) {
            row.key()?;
            count += 1;
        }
        Ok(count)
    }
}

impl Tables {
    /// The value under a key.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn get(&self, table: u16, key: &[u8]) -> Result<Option<Vec<u8>>, PluginDbError> {
        let key = row_key(self.generation, table, key);
        let tables = &self.db.0.tables;
        let sealed = match &self.at {
            Some(snapshot) => snapshot.get(tables, &key)?,
            None => tables.get(&key)?,
        };
        sealed.map(|sealed| self.db.unseal(Kind::Table, &key, &sealed)).transpose()
    }

    /// The rows from `start` (included) to `end` (left out), in the order of their keys.
    #[must_use]
    pub fn range(&self, table: u16, start: Option<&[u8]>, end: Option<&[u8]>) -> Rows {
        let start = row_key(self.generation, table, start.unwrap_or_default());
        let end = match end {
            Some(end) => Bound::Excluded(row_key(self.generation, table, end)),
            None => after_table(self.generation, table),
        };
        // fjall panics on a range that ends before it begins.
        let end =
            if matches!(&end, Bound::Excluded(end) if *end < start) { Bound::Excluded(start.clone()) } else { end };
        let range = (Bound::Included(start), end);
        let iter = match &self.at {
            Some(snapshot) => snapshot.range(&self.db.0.tables, range),
            None => self.db.0.tables.range(range),
        };
        Rows { db: self.db.clone(), iter }
    }
}

impl Rows {
    fn open(&self, row: fjall::Guard) -> Result<(Vec<u8>, Vec<u8>), PluginDbError> {
        let (key, sealed) = row.into_inner()?;
        let value = self.db.unseal(Kind::Table, &key, &sealed)?;
        let own = key.get(PREFIX..).ok_or_else(|| rows::damaged("tables"))?;
        Ok((own.to_vec(), value))
    }
}

impl Iterator for Rows {
    type Item = Result<(Vec<u8>, Vec<u8>), PluginDbError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.iter.next()?;
        Some(self.open(row))
    }
}

impl DoubleEndedIterator for Rows {
    fn next_back(&mut self) -> Option<Self::Item> {
        let row = self.iter.next_back()?;
        Some(self.open(row))
    }
}

/// Key of a `tables` row.
pub(super) fn row_key(generation: Generation, table: u16, key: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(PREFIX + key.len());
    row.extend_from_slice(&generation.key());
    row.extend_from_slice(&table.to_be_bytes());
    row.extend_from_slice(key);
    row
}

/// Key of a `parked` row.
pub(super) fn parked_key(generation: Generation, number: AggregateNumber) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&generation.key());
    key[4..].copy_from_slice(&number.get().to_be_bytes());
    key
}

/// Where the table after `table` begins.
fn after_table(generation: Generation, table: u16) -> Bound<Vec<u8>> {
    match (table.checked_add(1), generation.0.checked_add(1)) {
        (Some(table), _) => Bound::Excluded(row_key(generation, table, &[])),
        (None, Some(next)) => Bound::Excluded(Generation(next).key().to_vec()),
        (None, None) => Bound::Unbounded,
    }
}
