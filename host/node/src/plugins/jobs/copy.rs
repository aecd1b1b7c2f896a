//! Copying the live tables, for the dry run of a stretch: what it would change shows only on top of what is there.

use eventdbx_store::plugindb::{
    Change, Cursor, Generation, GenerationCommit, PluginDb, PluginDbError, Rows, Snapshot, TableWrite, Tables,
};

/// Rows of one step.
const STEP_ROWS: usize = 500;
/// Bytes of one step, about.
const STEP_BYTES: usize = 1 << 20;

/// Tables on their way from one generation into another.
pub(super) struct Copying {
    from: Tables,
    into: Generation,
    /// Where the copy stands in the log. Its bytes grow.
    cursor: Cursor,
    /// The table that is being copied, and what is left of it.
    table: u16,
    rows: Rows,
    tables: u16,
}

impl Copying {
    /// `cursor` is where the copy begins to read the log.
    pub(super) fn new(snapshot: &Snapshot, from: Generation, into: Generation, cursor: Cursor, tables: u16) -> Self {
        let from = snapshot.tables(from);
        Self { rows: from.range(0, None, None), from, into, cursor, table: 0, tables }
    }

    /// Copies some rows; true: all are there.
    pub(super) fn step(&mut self, db: &PluginDb) -> Result<bool, PluginDbError> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < STEP_ROWS && bytes < STEP_BYTES {
            let Some(row) = self.rows.next() else { break };
            let (key, value) = row?;
            bytes += key.len() + value.len();
            rows.push((key, value));
        }
        let put = |(key, value)| TableWrite { table: self.table, change: Change::Put { key, value } };
        let writes: Vec<_> = rows.iter().map(|(key, value)| put((&key[..], &value[..]))).collect();
        let commit =
            GenerationCommit { generation: self.into, writes: &writes, cursor: self.cursor, park: &[], unpark: &[] };
        self.cursor = db.prepare(&commit)?.write()?;
        if rows.is_empty() {
            self.table += 1;
            if self.table >= self.tables {
                return Ok(true);
            }
            self.rows = self.from.range(self.table, None, None);
        }
        Ok(false)
    }
}
