//! The keys of aggregates: each aggregate's payloads and state are sealed under a random key of its own, which is wrapped
//! by the domain's key and lies in the `keys` keyspace.
//!
//! A writer seals before the committer has created the aggregate, so it proposes a key. Where two writers create the same
//! aggregate at once, they find the same proposal here; if not, the committer sees that the key ids differ and has the
//! second one seal again.

use std::sync::Arc;

use fjall::Readable;
use quick_cache::{Weighter, sync::Cache};

use crate::{
    AggregateNumber, AggregateRef, ReadError, limits,
    rows::{self, Keyspaces},
    seal::{AggregateKey, Cipher, Keyring},
};

/// An aggregate's key, ready to use.
pub(crate) struct KeptKey {
    pub(crate) key: AggregateKey,
    pub(crate) cipher: Cipher,
}

impl KeptKey {
    fn new(key: AggregateKey) -> Arc<Self> {
        Arc::new(Self { cipher: key.cipher(), key })
    }

    pub(crate) fn id(&self) -> &[u8; 8] {
        self.key.id()
    }
}

/// Finds and makes the keys of aggregates, keeping recently used ones.
pub(crate) struct Keys {
    pub(crate) keyring: Arc<Keyring>,
    spaces: Keyspaces,
    cache: Cache<AggregateRef, Arc<KeptKey>, KeyWeight>,
}

#[derive(Clone)]
struct KeyWeight;

impl Weighter<AggregateRef, Arc<KeptKey>> for KeyWeight {
    fn weight(&self, name: &AggregateRef, _: &Arc<KeptKey>) -> u64 {
        // Two expanded AES keys, the wrapped one, the name and the cache's own entry.
        1024 + name.kind.as_str().len() as u64 + name.id.as_str().len() as u64
    }
}

impl Keys {
    pub(crate) fn new(keyring: Arc<Keyring>, spaces: Keyspaces) -> Self {
        let items = usize::try_from(limits::KEY_CACHE_BYTES / 1024).unwrap_or(usize::MAX);
        Self { keyring, spaces, cache: Cache::with_weighter(items, limits::KEY_CACHE_BYTES, KeyWeight) }
    }

    /// The key of an aggregate that a row names, under the id that the row was sealed with.
    pub(crate) fn of_row(
        &self,
        at: &impl Readable,
        number: AggregateNumber,
        name: &AggregateRef,
        key_id: [u8; 8],
    ) -> Result<Arc<KeptKey>, ReadError> {
        if let Some(kept) = self.cache.get(name).filter(|kept| *kept.id() == key_id) {
            return Ok(kept);
        }
        let kept = self.stored(at, number, name)?;
        if *kept.id() != key_id {
            return Err(ReadError::Damaged(format!("{name}: a row is sealed under a key that is not the aggregate's")));
        }
        self.cache.insert(name.clone(), Arc::clone(&kept));
        Ok(kept)
    }

    /// The key to seal with for an aggregate that exists (`number`) or is about to.
    pub(crate) fn for_write(
        &self,
        at: &impl Readable,
        number: Option<AggregateNumber>,
        name: &AggregateRef,
    ) -> Result<Arc<KeptKey>, ReadError> {
        match number {
            Some(number) => self.cache.get_or_insert_with(name, || self.stored(at, number, name)),
            None => self.cache.get_or_insert_with(name, || Ok(KeptKey::new(AggregateKey::generate()))),
        }
    }

    /// The key of `name` if it was used lately.
    pub(crate) fn cached(&self, name: &AggregateRef) -> Option<Arc<KeptKey>> {
        self.cache.get(name)
    }

    /// Drops what is remembered for `name`, e.g. a proposal that lost.
    pub(crate) fn forget(&self, name: &AggregateRef) {
        self.cache.remove(name);
    }

    fn stored(
        &self,
        at: &impl Readable,
        number: AggregateNumber,
        name: &AggregateRef,
    ) -> Result<Arc<KeptKey>, ReadError> {
        let row = at.get(&self.spaces.keys, number.get().to_be_bytes())?;
        let row = row.ok_or_else(|| ReadError::Damaged(format!("{name}: its key row is missing")))?;
        let key = AggregateKey::unwrap(&row, &self.keyring, number)
            .ok_or_else(|| ReadError::Damaged(format!("{name}: its key row does not open")))?;
        Ok(KeptKey::new(key))
    }
}

/// Number of an aggregate, none when it does not exist.
pub(crate) fn number_of(
    at: &impl Readable,
    spaces: &Keyspaces,
    name: &AggregateRef,
) -> Result<Option<AggregateNumber>, ReadError> {
    let row = at.get(&spaces.names, rows::name_key(name))?;
    row.map(|row| rows::number(&row, "names").map(AggregateNumber::new)).transpose().map_err(ReadError::from)
}
