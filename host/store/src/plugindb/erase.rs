//! Deleting a generation, in steps small enough that nobody waits for one.

use std::ops::Bound;

use fjall::{Keyspace, UserKey};

use super::{Generation, PluginDb, PluginDbError, records};

impl PluginDb {
    /// Deletes the rows of a doomed generation, `step` at a time. `go_on` is asked after each step; on `false` the rest
    /// stays doomed, for another time.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn erase(
        &self,
        generation: Generation,
        step: usize,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(), PluginDbError> {
        for keyspace in [&self.0.tables, &self.0.parked, &self.0.cursors] {
            if !self.erase_rows(keyspace, generation, step, go_on)? {
                return Ok(());
            }
        }
        Ok(self.0.plugins.remove(records::doom_key(generation))?)
    }

    fn erase_rows(
        &self,
        keyspace: &Keyspace,
        generation: Generation,
        step: usize,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, PluginDbError> {
        // Each step begins behind the last one: a scan over the tombstones before it would cost ever more.
        let mut from = Bound::Included(UserKey::from(generation.key()));
        let to = match generation.0.checked_add(1) {
            Some(next) => Bound::Excluded(UserKey::from(Generation(next).key())),
            None => Bound::Unbounded,
        };
        loop {
            let rows = keyspace.range((from, to.clone())).take(step);
            let keys = rows.map(|row| row.key()).collect::<Result<Vec<_>, _>>()?;
            let Some(last) = keys.last() else { return Ok(true) };
            from = Bound::Excluded(last.clone());
            let mut batch = self.0.db.batch();
            for key in keys {
                batch.remove(keyspace, key);
            }
            batch.commit()?;
            if !go_on() {
                return Ok(false);
            }
        }
    }
}
