//! The plugins' own database: what was installed, how far each got, and its tables.
//!
//! A second fjall database per domain, beside the log: all of it but the installations can be derived from the log again,
//! it churns where the log only grows, and it is not synced per commit. What makes a projection exactly-once is that one
//! [`GenerationCommit`] writes tables, cursor and parked rows in one batch: whatever is lost by a crash is lost together.
//!
//! A *generation* is one set of tables with its cursor. A plugin has a live one, and while it is being rebuilt a second.
//!
//! # Rows
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `plugins` | `n` ‖ name | installed plugin: the dispatcher's record, sealed |
//! | | `s` ‖ name | subscription: the dispatcher's record, sealed |
//! | | `j` ‖ id u64 | job of the dispatcher's: its record, sealed |
//! | | `g` | next number of a generation, u32, in clear |
//! | | `d` ‖ generation | empty: this generation is being deleted |
//! | | `m`, `x` or `k` ‖ name | payload mode, secret, or how components must be signed: the dispatcher's, sealed |
//! | `cursors` | generation | [`Cursor`], sealed |
//! | `tables` | generation ‖ table u16 ‖ key of the plugin's | value of the plugin's, sealed |
//! | `parked` | generation ‖ aggregate number u64 | the dispatcher's row, sealed |
//! | `states` | aggregate number u64 ‖ version u64 | state of the aggregate right after that version, canonical JSON, sealed |
//!
//! Generations are u32, every integer is big-endian. Values are sealed under the domain's plugin key; the additional data
//! is one byte for the kind of the row and the whole row key, so that a value that is moved does not open. Keys, and with
//! them the keys of a plugin's tables, are visible on disk, as are sizes.

mod churn;
mod commit;
mod cursor;
mod erase;
mod jobs;
mod named;
mod records;
mod rows;
mod states;
mod subscriptions;
mod tables;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode, config::CompressionPolicy};

use crate::{AggregateNumber, Cipher, Durability, journal};

use self::rows::Kind;
pub use self::{
    commit::{Change, GenerationCommit, Prepared, TableWrite},
    cursor::{Counters, Cursor, Generation},
    named::Named,
    states::SpilledState,
    tables::{Rows, Snapshot, Tables},
};

/// Bytes of one memtable. There are five.
const MEMTABLE_BYTES: u64 = 8 << 20;
/// Bytes of journals that are kept before memtables are flushed.
const JOURNAL_BYTES: u64 = 64 << 20;

/// Why the plugins' database could not be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PluginDbError {
    /// The disk, or fjall.
    #[error("the plugins' database: {0}")]
    Disk(String),
    /// A row that does not open or does not read.
    #[error("the plugins' database is damaged: {0}")]
    Damaged(String),
}

impl From<fjall::Error> for PluginDbError {
    fn from(error: fjall::Error) -> Self {
        Self::Disk(error.to_string())
    }
}

/// The plugins' database of one domain. Cheap to clone; the last clone to go closes it.
#[derive(Clone)]
pub struct PluginDb(Arc<Inner>);

struct Inner {
    db: Database,
    plugins: Keyspace,
    cursors: Keyspace,
    tables: Keyspace,
    parked: Keyspace,
    states: Keyspace,
    cipher: Cipher,
    churn: churn::Churn,
}

impl PluginDb {
    /// Opens the database in `dir`, creating it when it is missing. `cipher` seals every value: the domain's plugin key.
    ///
    /// Commits are not synced, so that a power cut may leave a journal of which a part in the middle is missing. It is cut
    /// there, what follows is set aside beside `dir`, and the generations go on from where they are then.
    ///
    /// # Errors
    ///
    /// When the disk fails or what is there is damaged.
    pub fn open(dir: &Path, cipher: Cipher, cache_bytes: u64) -> Result<Self, PluginDbError> {
        journal::inspect(dir, &dir.with_file_name("set-aside"), None, Durability::Os)
            .map_err(|error| PluginDbError::Disk(error.to_string()))?;
        let db = Database::builder(dir)
            .cache_size(cache_bytes)
            .journal_compression(CompressionType::None)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(1)
            .open()?;
        // Ciphertext does not compress.
        let options = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(MEMTABLE_BYTES)
                .data_block_compression_policy(CompressionPolicy::disabled())
        };
        Ok(Self(Arc::new(Inner {
            plugins: db.keyspace("plugins", options)?,
            cursors: db.keyspace("cursors", options)?,
            tables: db.keyspace("tables", options)?,
            parked: db.keyspace("parked", options)?,
            states: db.keyspace("states", options)?,
            db,
            cipher,
            churn: churn::Churn::default(),
        })))
    }

    /// How far a generation got; none: it has not committed yet.
    ///
    /// # Errors
    ///
    /// When the row cannot be read.
    pub fn cursor(&self, generation: Generation) -> Result<Option<Cursor>, PluginDbError> {
        let key = generation.key();
        let sealed = self.0.cursors.get(key)?;
        sealed.map(|sealed| Cursor::decode(&self.unseal(Kind::Cursor, &key, &sealed)?)).transpose()
    }

    /// Everything that a generation has parked, by number of the aggregate.
    ///
    /// # Errors
    ///
    /// When a row cannot be read.
    pub fn parked(&self, generation: Generation) -> Result<Vec<(AggregateNumber, Vec<u8>)>, PluginDbError> {
        let rows = self.0.parked.prefix(generation.key());
        rows.map(|row| {
            let (key, sealed) = row.into_inner()?;
            let number = rows::last_u64(&key).ok_or_else(|| rows::damaged("parked"))?;
            Ok((AggregateNumber::new(number), self.unseal(Kind::Parked, &key, &sealed)?))
        })
        .collect()
    }

    /// Makes everything that was committed survive a power cut.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn sync(&self) -> Result<(), PluginDbError> {
        Ok(self.0.db.persist(PersistMode::SyncData)?)
    }

    /// Bytes on disk.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.0.db.disk_space().unwrap_or_default()
    }
}
