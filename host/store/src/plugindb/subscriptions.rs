//! Subscriptions: what a program outside the sandbox follows the log by. Each has a generation of its own, whose cursor says
//! up to where everything is settled, whose one table has the positions beyond it that are settled too, and whose parked rows
//! are those of the plugins.

use super::{Generation, PluginDb, PluginDbError, records::name_key};

const SUBSCRIPTION: u8 = b's';

impl PluginDb {
    /// Every subscription: its name and its record.
    ///
    /// # Errors
    ///
    /// When a row cannot be read.
    pub fn subscriptions(&self) -> Result<Vec<(String, Vec<u8>)>, PluginDbError> {
        self.by_name(SUBSCRIPTION)
    }

    /// Writes the record of a subscription, synced.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn save_subscription(&self, name: &str, record: &[u8]) -> Result<(), PluginDbError> {
        let mut batch = self.doom(&[]);
        self.put_record(&mut batch, name_key(SUBSCRIPTION, name), record);
        Ok(batch.commit()?)
    }

    /// Forgets a subscription and dooms its generation, in one synced batch.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn remove_subscription(&self, name: &str, doomed: Generation) -> Result<(), PluginDbError> {
        let mut batch = self.doom(&[doomed]);
        batch.remove(&self.0.plugins, name_key(SUBSCRIPTION, name));
        Ok(batch.commit()?)
    }
}
