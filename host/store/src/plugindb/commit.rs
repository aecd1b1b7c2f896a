//! The one batch that moves a generation on: table writes, cursor and parked rows, all or none.

use std::collections::HashSet;

use fjall::{OwnedWriteBatch, PersistMode};

use super::{Cursor, Generation, PluginDb, PluginDbError, rows::Kind, tables};
use crate::AggregateNumber;

/// One write to a table.
#[derive(Debug, Clone, Copy)]
pub struct TableWrite<'a> {
    /// Index of the table in the plugin's descriptor.
    pub table: u16,
    /// What is written.
    pub change: Change<'a>,
}

/// What is written to a table.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// Every row that was committed before goes. Rows put by the same commit stay.
    Clear,
    /// A row is put.
    Put {
        /// Key within the table.
        key: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// A row goes.
    Remove {
        /// Key within the table.
        key: &'a [u8],
    },
}

/// What is committed together.
#[derive(Debug, Clone, Copy)]
pub struct GenerationCommit<'a> {
    /// Whose tables.
    pub generation: Generation,
    /// Writes, of which no two name the same row.
    pub writes: &'a [TableWrite<'a>],
    /// Where the generation is now. `table_bytes` is that of the cursor before: [`PluginDb::prepare`] brings it up to date.
    pub cursor: Cursor,
    /// Aggregates that are parked from now on, or whose row changes.
    pub park: &'a [(AggregateNumber, Vec<u8>)],
    /// Aggregates that are parked no more.
    pub unpark: &'a [AggregateNumber],
}

/// A commit that is ready and not written yet: look at [`table_bytes`](Self::table_bytes), then [`write`](Self::write) it
/// or drop it.
#[must_use = "nothing is written yet"]
pub struct Prepared {
    db: PluginDb,
    batch: OwnedWriteBatch,
    rows: usize,
    cursor: Cursor,
    table_bytes: u64,
}

impl Prepared {
    /// Bytes that the tables will have.
    #[must_use]
    pub fn table_bytes(&self) -> u64 {
        self.table_bytes
    }

    /// Writes it; answers the cursor as it was written.
    ///
    /// # Errors
    ///
    /// When the disk fails: then nothing was written.
    pub fn write(self) -> Result<Cursor, PluginDbError> {
        self.batch.commit()?;
        self.db.churned(self.rows);
        Ok(self.cursor)
    }
}

impl PluginDb {
    /// Seals a commit and counts what it will occupy.
    ///
    /// The batch is handed to the operating system and not synced: a power cut may take the last commits back, each as a
    /// whole, and they are done again.
    ///
    /// # Errors
    ///
    /// When rows that are to be replaced cannot be looked up.
    pub fn prepare(&self, commit: &GenerationCommit<'_>) -> Result<Prepared, PluginDbError> {
        self.prepare_in(commit, commit.generation, commit.cursor)
    }

    /// The same, with the writes going into the tables of another generation, `tables_of`. That one stays where it is, at
    /// `at`; only its `table_bytes` change, which [`Prepared::table_bytes`] then speaks of.
    ///
    /// # Errors
    ///
    /// As for [`prepare`](Self::prepare).
    pub fn prepare_in(
        &self,
        commit: &GenerationCommit<'_>,
        tables_of: Generation,
        mut at: Cursor,
    ) -> Result<Prepared, PluginDbError> {
        let mut batch = self.0.db.batch().durability(Some(PersistMode::Buffer));
        let mut size = at.counters.table_bytes;
        for write in commit.writes {
            self.stage(&mut batch, &mut size, tables_of, commit, write)?;
        }
        for (number, row) in commit.park {
            let key = tables::parked_key(commit.generation, *number);
            batch.insert(&self.0.parked, key, self.seal(Kind::Parked, &key, row));
        }
        for number in commit.unpark {
            batch.remove(&self.0.parked, tables::parked_key(commit.generation, *number));
        }
        at.counters.table_bytes = size;
        self.stage_cursor(&mut batch, tables_of, &at);
        let mut cursor = at;
        if tables_of != commit.generation {
            cursor = commit.cursor;
            self.stage_cursor(&mut batch, commit.generation, &cursor);
        }
        Ok(Prepared { db: self.clone(), batch, rows: commit.writes.len(), cursor, table_bytes: size })
    }

    fn stage_cursor(&self, batch: &mut OwnedWriteBatch, generation: Generation, cursor: &Cursor) {
        let key = generation.key();
        batch.insert(&self.0.cursors, key, self.seal(Kind::Cursor, &key, &cursor.encode()));
    }

    fn stage(
        &self,
        batch: &mut OwnedWriteBatch,
        size: &mut u64,
        generation: Generation,
        commit: &GenerationCommit<'_>,
        write: &TableWrite<'_>,
    ) -> Result<(), PluginDbError> {
        let row = |key: &[u8]| tables::row_key(generation, write.table, key);
        match write.change {
            Change::Put { key, value } => {
                let key = row(key);
                let sealed = self.seal(Kind::Table, &key, value);
                *size = size.saturating_sub(self.occupied(&key)?) + (key.len() + sealed.len()) as u64;
                batch.insert(&self.0.tables, key, sealed);
            }
            Change::Remove { key } => {
                let key = row(key);
                let occupied = self.occupied(&key)?;
                if occupied > 0 {
                    *size = size.saturating_sub(occupied);
                    batch.remove(&self.0.tables, key);
                }
            }
            Change::Clear => self.stage_clear(batch, size, generation, commit, write.table)?,
        }
        Ok(())
    }

    /// Removes what is there of a table, but for what the same commit puts or removes itself: a batch may name a row once.
    fn stage_clear(
        &self,
        batch: &mut OwnedWriteBatch,
        size: &mut u64,
        generation: Generation,
        commit: &GenerationCommit<'_>,
        table: u16,
    ) -> Result<(), PluginDbError> {
        let named: HashSet<Vec<u8>> = commit
            .writes
            .iter()
            .filter(|write| write.table == table)
            .filter_map(|write| match write.change {
                Change::Put { key, .. } | Change::Remove { key } => Some(tables::row_key(generation, table, key)),
                Change::Clear => None,
            })
            .collect();
        for row in self.0.tables.prefix(tables::row_key(generation, table, &[])) {
            let (key, sealed) = row.into_inner()?;
            if !named.contains(&*key) {
                *size = size.saturating_sub((key.len() + sealed.len()) as u64);
                batch.remove(&self.0.tables, key);
            }
        }
        Ok(())
    }

    /// Bytes of a row as it is now; 0: there is none.
    fn occupied(&self, key: &[u8]) -> Result<u64, PluginDbError> {
        let sealed = self.0.tables.size_of(key)?;
        Ok(sealed.map_or(0, |sealed| key.len() as u64 + u64::from(sealed)))
    }
}
