//! Subscriptions: what a program outside the sandbox follows the log by. Each has a generation of its own, whose cursor says
//! up to where everything is settled, whose one table has the positions beyond it that are settled too, and whose parked rows
//! are those of the plugins.

use fjall::PersistMode;

use super::{Generation, PluginDb, PluginDbError, rows, rows::Kind};

const SUBSCRIPTION: u8 = b's';

impl PluginDb {
    /// Every subscription: its name and its record.
    ///
    /// # Errors
    ///
    /// When a row cannot be read.
    pub fn subscriptions(&self) -> Result<Vec<(String, Vec<u8>)>, PluginDbError> {
        let rows = self.0.plugins.prefix([SUBSCRIPTION]);
        rows.map(|row| {
            let (key, sealed) = row.into_inner()?;
            let record = self.unseal(Kind::Subscription, &key, &sealed)?;
            let name = String::from_utf8(key[1..].to_vec()).map_err(|_| rows::damaged("plugins"))?;
            Ok((name, record))
        })
        .collect()
    }

    /// Writes the record of a subscription, synced.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn save_subscription(&self, name: &str, record: &[u8]) -> Result<(), PluginDbError> {
        let key = key(name);
        let sealed = self.seal(Kind::Subscription, &key, record);
        let mut batch = self.0.db.batch().durability(Some(PersistMode::SyncData));
        batch.insert(&self.0.plugins, key, sealed);
        Ok(batch.commit()?)
    }

    /// Forgets a subscription and dooms its generation, in one synced batch.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn remove_subscription(&self, name: &str, doomed: Generation) -> Result<(), PluginDbError> {
        let mut batch = self.doom(&[doomed]);
        batch.remove(&self.0.plugins, key(name));
        Ok(batch.commit()?)
    }
}

fn key(name: &str) -> Vec<u8> {
    [&[SUBSCRIPTION], name.as_bytes()].concat()
}
