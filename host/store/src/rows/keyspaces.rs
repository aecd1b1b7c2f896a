//! The keyspaces of the log's database, and the keys of their rows.

use fjall::{Database, Keyspace, KeyspaceCreateOptions, config::CompressionPolicy};

use crate::{AggregateNumber, AggregateRef, AggregateType, Version};

/// Few, since an idle keyspace pins journal files and slows the next open.
#[derive(Clone)]
pub(crate) struct Keyspaces {
    pub(crate) log: Keyspace,
    pub(crate) index: Keyspace,
    pub(crate) ids: Keyspace,
    pub(crate) names: Keyspace,
    pub(crate) heads: Keyspace,
    pub(crate) keys: Keyspace,
    pub(crate) tiles: Keyspace,
    pub(crate) commits: Keyspace,
    pub(crate) snapshots: Keyspace,
    pub(crate) links: Keyspace,
    pub(crate) urgent: Keyspace,
}

impl Keyspaces {
    pub(crate) fn open(db: &Database) -> fjall::Result<Self> {
        const MIB: u64 = 1024 * 1024;
        // Ciphertext and hashes do not compress.
        let dense = |memtable: u64| {
            KeyspaceCreateOptions::default()
                .max_memtable_size(memtable)
                .data_block_compression_policy(CompressionPolicy::disabled())
        };
        let sparse = |memtable: u64| KeyspaceCreateOptions::default().max_memtable_size(memtable);
        Ok(Self {
            log: db.keyspace("log", || dense(16 * MIB))?,
            index: db.keyspace("index", || sparse(8 * MIB))?,
            ids: db.keyspace("ids", || dense(8 * MIB))?,
            names: db.keyspace("names", || sparse(8 * MIB))?,
            heads: db.keyspace("heads", || dense(16 * MIB))?,
            keys: db.keyspace("keys", || dense(8 * MIB))?,
            tiles: db.keyspace("tiles", || dense(8 * MIB))?,
            commits: db.keyspace("commits", || dense(8 * MIB))?,
            snapshots: db.keyspace("snapshots", || dense(8 * MIB))?,
            links: db.keyspace("links", || sparse(8 * MIB))?,
            urgent: db.keyspace("urgent", || sparse(MIB))?,
        })
    }

    /// Every keyspace with its name, for statistics and for closing.
    pub(crate) fn all(&self) -> [&Keyspace; 11] {
        [
            &self.log,
            &self.index,
            &self.ids,
            &self.names,
            &self.heads,
            &self.keys,
            &self.tiles,
            &self.commits,
            &self.snapshots,
            &self.links,
            &self.urgent,
        ]
    }
}

/// Key of an `index` row.
pub(crate) fn index_key(number: AggregateNumber, version: Version) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&number.get().to_be_bytes());
    key[8..].copy_from_slice(&version.get().to_be_bytes());
    key
}

/// Key of a `names` row. Neither part can hold the zero that parts them, so `order/1` is no prefix of `order/10`'s rows.
pub(crate) fn name_key(name: &AggregateRef) -> Vec<u8> {
    [name.kind.as_str().as_bytes(), &[0], name.id.as_str().as_bytes()].concat()
}

/// What the keys of all aggregates of a type begin with, and no other's.
pub(crate) fn kind_prefix(kind: &AggregateType) -> Vec<u8> {
    [kind.as_str().as_bytes(), &[0]].concat()
}

/// The name behind a key of `names`.
pub(crate) fn name_of_key(key: &[u8]) -> Option<AggregateRef> {
    let (kind, id) = std::str::from_utf8(key).ok()?.split_once('\0')?;
    AggregateRef::new(kind, id).ok()
}

/// Key of a `tiles` row. Number 0 is the domain's own tree.
pub(crate) fn tile_key(number: AggregateNumber, level: u8, index: u64) -> [u8; 17] {
    let mut key = [0; 17];
    key[..8].copy_from_slice(&number.get().to_be_bytes());
    key[8] = level;
    key[9..].copy_from_slice(&index.to_be_bytes());
    key
}
