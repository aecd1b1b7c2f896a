//! States of aggregates as of some version, that the dispatcher folded and has no more room for.
//!
//! Per aggregate only a few rows are kept, and which ones follows from how they are used. Every pass over the log (live, a
//! catch-up, a rebuild) leaves at most its latest state of an aggregate behind and comes back for exactly that one. So a
//! new row takes the place of the one just below it, which the same pass left earlier, and the rows of other passes stay.

use std::{collections::HashSet, mem};

use fjall::{OwnedWriteBatch, UserKey};

use super::{PluginDb, PluginDbError, rows, rows::Kind};
use crate::{AggregateNumber, Json, Version};

/// A state that is put aside.
#[derive(Debug, Clone)]
pub struct SpilledState {
    /// The aggregate.
    pub number: AggregateNumber,
    /// Its version.
    pub version: Version,
    /// Its state right after that version.
    pub state: Json,
}

impl PluginDb {
    /// Puts states aside, and keeps at most `keep` of them per aggregate.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn spill(&self, states: &[SpilledState], keep: usize) -> Result<(), PluginDbError> {
        let mut batch = self.0.db.batch();
        let mut touched = HashSet::new();
        for spilled in states {
            if !touched.insert(spilled.number) {
                // What the batch holds of this aggregate must be seen when room is made.
                mem::replace(&mut batch, self.0.db.batch()).commit()?;
                touched.clear();
            }
            self.make_room(&mut batch, spilled, keep)?;
            let key = state_key(spilled.number, spilled.version);
            let sealed = self.seal(Kind::State, &key, spilled.state.as_str().as_bytes());
            batch.insert(&self.0.states, key, sealed);
        }
        Ok(batch.commit()?)
    }

    /// The latest state put aside of an aggregate, at or below a version.
    ///
    /// # Errors
    ///
    /// When the row cannot be read.
    pub fn nearest_state(
        &self,
        number: AggregateNumber,
        at_most: Version,
    ) -> Result<Option<(Version, Json)>, PluginDbError> {
        let range = state_key(number, Version::new(0))..=state_key(number, at_most);
        let Some(row) = self.0.states.range(range).next_back() else { return Ok(None) };
        let (key, sealed) = row.into_inner()?;
        let damaged = || rows::damaged("states");
        let version = Version::new(rows::last_u64(&key).ok_or_else(damaged)?);
        let text = String::from_utf8(self.unseal(Kind::State, &key, &sealed)?).map_err(|_| damaged())?;
        Ok(Some((version, Json::trusted(text))))
    }

    fn make_room(&self, batch: &mut OwnedWriteBatch, spilled: &SpilledState, keep: usize) -> Result<(), PluginDbError> {
        let rows = self.0.states.prefix(spilled.number.get().to_be_bytes());
        let keys: Vec<UserKey> = rows.map(|row| row.key()).collect::<Result<_, _>>()?;
        let own = state_key(spilled.number, spilled.version);
        let excess = (keys.len() + 1).saturating_sub(keep).min(keys.len());
        if excess == 0 || keys.iter().any(|key| **key == own) {
            return Ok(());
        }
        let below = keys.partition_point(|key| **key < own[..]);
        for key in keys.into_iter().skip(below.saturating_sub(excess)).take(excess) {
            batch.remove(&self.0.states, key);
        }
        Ok(())
    }
}

fn state_key(number: AggregateNumber, version: Version) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&number.get().to_be_bytes());
    key[8..].copy_from_slice(&version.get().to_be_bytes());
    key
}
