//! What a domain keeps for its plugins under names of people's choosing: payload modes, secrets, keys of signers.
//!
//! Rows of the keyspace `plugins`, beside the installations. What a value says is the dispatcher's business.

use super::{PluginDb, PluginDbError, records::name_key, rows::Kind};

/// Which names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Payload modes that were made at run time.
    Mode,
    /// Secrets that configurations refer to.
    Secret,
    /// How components must be signed.
    Signing,
}

impl Named {
    const fn byte(self) -> u8 {
        match self {
            Self::Mode => b'm',
            Self::Secret => b'x',
            Self::Signing => b'k',
        }
    }
}

impl PluginDb {
    /// Everything of one sort, by name.
    ///
    /// # Errors
    ///
    /// When a row cannot be read.
    pub fn named(&self, sort: Named) -> Result<Vec<(String, Vec<u8>)>, PluginDbError> {
        self.by_name(sort.byte())
    }

    /// One, by its name.
    ///
    /// # Errors
    ///
    /// When its row cannot be read.
    pub fn named_one(&self, sort: Named, name: &str) -> Result<Option<Vec<u8>>, PluginDbError> {
        let key = name_key(sort.byte(), name);
        let row = self.0.plugins.get(&key)?;
        row.map(|sealed| self.unseal(Kind::Plugin, &key, &sealed)).transpose()
    }

    /// Writes one, in a synced batch.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn save_named(&self, sort: Named, name: &str, value: &[u8]) -> Result<(), PluginDbError> {
        let mut batch = self.doom(&[]);
        self.put_record(&mut batch, name_key(sort.byte(), name), value);
        Ok(batch.commit()?)
    }

    /// Removes one, in a synced batch.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn remove_named(&self, sort: Named, name: &str) -> Result<(), PluginDbError> {
        let mut batch = self.doom(&[]);
        batch.remove(&self.0.plugins, name_key(sort.byte(), name));
        Ok(batch.commit()?)
    }
}
