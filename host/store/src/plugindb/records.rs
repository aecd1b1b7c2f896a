//! What is installed, which generations exist, and which are on their way out.

use fjall::{OwnedWriteBatch, PersistMode};

use super::{Generation, PluginDb, PluginDbError, rows, rows::Kind};

const NAME: u8 = b'n';
const DOOMED: u8 = b'd';
const NEXT_GENERATION: [u8; 1] = [b'g'];

impl PluginDb {
    /// Every installed plugin: its name and its record.
    ///
    /// # Errors
    ///
    /// When a row cannot be read.
    pub fn plugins(&self) -> Result<Vec<(String, Vec<u8>)>, PluginDbError> {
        self.by_name(NAME)
    }

    /// The records of one sort, whose rows begin with its byte, by name.
    pub(super) fn by_name(&self, sort: u8) -> Result<Vec<(String, Vec<u8>)>, PluginDbError> {
        let rows = self.0.plugins.prefix([sort]);
        rows.map(|row| {
            let (key, sealed) = row.into_inner()?;
            let record = self.unseal(Kind::Plugin, &key, &sealed)?;
            let name = String::from_utf8(key[1..].to_vec()).map_err(|_| rows::damaged("plugins"))?;
            Ok((name, record))
        })
        .collect()
    }

    /// Puts a record into a batch.
    pub(super) fn put_record(&self, batch: &mut OwnedWriteBatch, key: Vec<u8>, record: &[u8]) {
        let sealed = self.seal(Kind::Plugin, &key, record);
        batch.insert(&self.0.plugins, key, sealed);
    }

    /// Writes the record of a plugin and dooms generations that it no longer names, in one synced batch.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn save_plugin(&self, name: &str, record: &[u8], doomed: &[Generation]) -> Result<(), PluginDbError> {
        let mut batch = self.doom(doomed);
        self.put_record(&mut batch, name_key(NAME, name), record);
        Ok(batch.commit()?)
    }

    /// Forgets a plugin and dooms its generations, in one synced batch.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn remove_plugin(&self, name: &str, doomed: &[Generation]) -> Result<(), PluginDbError> {
        let mut batch = self.doom(doomed);
        batch.remove(&self.0.plugins, name_key(NAME, name));
        Ok(batch.commit()?)
    }

    /// A number that no generation had before. One that is not used afterwards leaves a gap, no more.
    ///
    /// # Errors
    ///
    /// When the disk fails, or after 2^32 generations.
    pub fn next_generation(&self) -> Result<Generation, PluginDbError> {
        let stored = self.0.plugins.get(NEXT_GENERATION)?;
        let next = match stored.as_deref() {
            Some(bytes) => u32::from_be_bytes(bytes.try_into().map_err(|_| rows::damaged("plugins"))?),
            None => 1,
        };
        let following = next.checked_add(1).ok_or_else(|| PluginDbError::Disk("out of generations".to_owned()))?;
        let mut batch = self.0.db.batch().durability(Some(PersistMode::SyncData));
        batch.insert(&self.0.plugins, NEXT_GENERATION, following.to_be_bytes());
        batch.commit()?;
        Ok(Generation(next))
    }

    /// Generations that still have to be deleted.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn doomed(&self) -> Result<Vec<Generation>, PluginDbError> {
        let rows = self.0.plugins.prefix([DOOMED]);
        rows.map(|row| {
            let key = row.key()?;
            let number = key.last_chunk().ok_or_else(|| rows::damaged("plugins"))?;
            Ok(Generation(u32::from_be_bytes(*number)))
        })
        .collect()
    }

    /// A synced batch in which generations are doomed.
    pub(super) fn doom(&self, generations: &[Generation]) -> OwnedWriteBatch {
        let mut batch = self.0.db.batch().durability(Some(PersistMode::SyncData));
        for generation in generations {
            batch.insert(&self.0.plugins, doom_key(*generation), []);
        }
        batch
    }
}

pub(super) fn doom_key(generation: Generation) -> [u8; 5] {
    let mut key = [DOOMED; 5];
    key[1..].copy_from_slice(&generation.key());
    key
}

/// Key of a record of one sort.
pub(super) fn name_key(sort: u8, name: &str) -> Vec<u8> {
    [&[sort], name.as_bytes()].concat()
}
