//! What a domain keeps for its plugins under names of people's choosing: payload modes, secrets, keys of signers.
//!
//! Rows of the keyspace `plugins`, beside the installations. What a value says is the dispatcher's business.

use fjall::PersistMode;

use super::{PluginDb, PluginDbError, rows, rows::Kind};

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

    fn key(self, name: &str) -> Vec<u8> {
        [&[self.byte()], name.as_bytes()].concat()
    }
}

impl PluginDb {
    /// Everything of one sort, by name.
    ///
    /// # Errors
    ///
    /// When a row cannot be read.
    pub fn named(&self, sort: Named) -> Result<Vec<(String, Vec<u8>)>, PluginDbError> {
        let rows = self.0.plugins.prefix([sort.byte()]);
        rows.map(|row| {
            let (key, sealed) = row.into_inner()?;
            let value = self.unseal(Kind::Plugin, &key, &sealed)?;
            let name = String::from_utf8(key[1..].to_vec()).map_err(|_| rows::damaged("plugins"))?;
            Ok((name, value))
        })
        .collect()
    }

    /// Writes one, in a synced batch.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn save_named(&self, sort: Named, name: &str, value: &[u8]) -> Result<(), PluginDbError> {
        let key = sort.key(name);
        let mut batch = self.0.db.batch().durability(Some(PersistMode::SyncData));
        let sealed = self.seal(Kind::Plugin, &key, value);
        batch.insert(&self.0.plugins, key, sealed);
        Ok(batch.commit()?)
    }

    /// Removes one, in a synced batch.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn remove_named(&self, sort: Named, name: &str) -> Result<(), PluginDbError> {
        let mut batch = self.0.db.batch().durability(Some(PersistMode::SyncData));
        batch.remove(&self.0.plugins, sort.key(name));
        Ok(batch.commit()?)
    }
}
