//! Committing what came of a batch.
//!
//! Invariant: what the plugin wrote, where the cursor is and what is parked move in one batch of the plugins' database, or
//! not at all. So wherever this is interrupted, the next start goes on as if it had not been.

use eventdbx_sandbox::{Handled, Level, Writes};
use eventdbx_store::{
    AggregateNumber,
    plugindb::{Change, GenerationCommit, TableWrite},
};

use super::{
    cut::Cut,
    figures,
    parking::ParkedRow,
    settle::words,
    track::{Fault, Progress, Track},
};

/// Items that a plugin left out are logged, but so many of a batch at most.
const SKIPPED_LOGGED: usize = 5;

impl Track {
    /// Commits a batch and remembers that it went well.
    pub(super) fn commit(&mut self, cut: Cut, handled: Handled) -> Result<(), Fault> {
        if self.commit_with(cut.progress(), handled, &[], &[])? {
            self.tree = cut.tree;
            self.trouble.succeeded(cut.items.len());
        }
        Ok(())
    }

    /// Commits tables, cursor and parked rows in one batch. Answers false, and stops, if the tables would outgrow their
    /// limit.
    pub(super) fn commit_with(
        &mut self,
        progress: Progress,
        mut handled: Handled,
        park: &[(AggregateNumber, ParkedRow)],
        unpark: &[AggregateNumber],
    ) -> Result<bool, Fault> {
        let mut cursor = self.cursor;
        (cursor.position, cursor.root) = (progress.end, progress.root);
        let (items, skipped) = (progress.items as u64, handled.skipped.len() as u64);
        cursor.counters.batches += u64::from(items > 0);
        cursor.counters.deliveries += items.saturating_sub(skipped);
        cursor.counters.skipped += skipped;
        cursor.counters.left_out += progress.left_out;
        self.ahead.forget(progress.end, &mut handled);
        let rows: Vec<_> = park.iter().map(|(number, row)| (*number, row.encode())).collect();
        let writes = table_writes(&handled.writes);
        let commit = GenerationCommit { generation: self.generation, writes: &writes, cursor, park: &rows, unpark };
        let (written, at) = self.written();
        let prepared = match written == self.generation {
            true => self.services.db.prepare(&commit)?,
            false => self.services.db.prepare_in(&commit, written, at)?,
        };
        let (bytes, most) = (prepared.table_bytes(), self.services.limits.table_bytes);
        if bytes > most && bytes > at.counters.table_bytes {
            self.stop(format!(
                "its tables would have {bytes} bytes; the limit `table_bytes` is {most}. Raise it, or have the plugin keep \
                 less"
            ));
            return Ok(false);
        }
        self.cursor = prepared.write()?;
        if let Some((_, lent)) = self.errand.as_mut().and_then(|errand| errand.tables_of.as_mut()) {
            lent.counters.table_bytes = bytes;
        }
        self.services.keeper.committed();
        self.ahead.passed(progress.end);
        self.parked.extend(park.iter().cloned());
        unpark.iter().for_each(|number| drop(self.parked.remove(number)));
        self.keep(handled);
        Ok(true)
    }

    /// Takes in what a successful call counted and left out.
    fn keep(&mut self, handled: Handled) {
        for item in handled.skipped.iter().take(SKIPPED_LOGGED) {
            self.program.logs.line(Level::Warn, &format!("it left an event out: {}", words(&item.failure)), None);
        }
        figures::take_in(&mut self.metrics, handled.metrics);
    }
}

fn table_writes(writes: &Writes) -> Vec<TableWrite<'_>> {
    let mut out = Vec::new();
    for (table, writes) in (0..).zip(&writes.tables) {
        if writes.cleared {
            out.push(TableWrite { table, change: Change::Clear });
        }
        out.extend(writes.entries.iter().map(|(key, value)| {
            let change = match value {
                Some(value) => Change::Put { key, value },
                None => Change::Remove { key },
            };
            TableWrite { table, change }
        }));
    }
    out
}
