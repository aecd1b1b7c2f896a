//! The keys of aggregates: each aggregate's payloads and state are sealed under a random key of its own, which is wrapped
//! by the domain's key and lies in the `keys` keyspace.
//!
//! A writer seals before the committer has created the aggregate, so it proposes a key. Where two writers create the same
//! aggregate at once, they find the same proposal here; if not, the committer sees that the key ids differ and has the
//! second one seal again.

use std::sync::Arc;

use fjall::Readable;
use quick_cache::{Equivalent, Weighter, sync::Cache};

use crate::{
    AggregateId, AggregateNumber, AggregateRef, AggregateType, ReadError, limits,
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

/// An aggregate's name where it stands in a row: it finds what is kept under an [`AggregateRef`] without making one.
#[derive(Hash)]
pub(crate) struct NameInRow<'a> {
    pub(crate) kind: &'a str,
    pub(crate) id: &'a str,
}

impl Equivalent<AggregateRef> for NameInRow<'_> {
    fn equivalent(&self, name: &AggregateRef) -> bool {
        self.kind == name.kind.as_str() && self.id == name.id.as_str()
    }
}

impl NameInRow<'_> {
    fn to_owned(&self) -> AggregateRef {
        AggregateRef { kind: AggregateType::trusted(self.kind), id: AggregateId::trusted(self.id) }
    }
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
        number: AggregateNumber,
        name: &AggregateRef,
        key_id: [u8; 8],
    ) -> Result<Arc<KeptKey>, ReadError> {
        if let Some(kept) = self.cache.get(name).filter(|kept| *kept.id() == key_id) {
            return Ok(kept);
        }
        let kept = self.stored(number, name)?;
        if *kept.id() != key_id {
            return Err(ReadError::Damaged(format!("{name}: a row is sealed under a key that is not the aggregate's")));
        }
        self.cache.insert(name.clone(), Arc::clone(&kept));
        Ok(kept)
    }

    /// As [`of_row`](Self::of_row), by a name as it stands in the row.
    pub(crate) fn of_view(
        &self,
        number: AggregateNumber,
        name: &NameInRow<'_>,
        key_id: [u8; 8],
    ) -> Result<Arc<KeptKey>, ReadError> {
        match self.cache.get(name).filter(|kept| *kept.id() == key_id) {
            Some(kept) => Ok(kept),
            None => self.of_row(number, &name.to_owned(), key_id),
        }
    }

    /// The key to seal with for an aggregate that exists (`number`) or is about to.
    pub(crate) fn for_write(
        &self,
        number: Option<AggregateNumber>,
        name: &AggregateRef,
    ) -> Result<Arc<KeptKey>, ReadError> {
        match number {
            Some(number) => self.cache.get_or_insert_with(name, || self.stored(number, name)),
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

    /// From no snapshot: a key row is written once, so that the newest one has every key that an older one had.
    fn stored(&self, number: AggregateNumber, name: &AggregateRef) -> Result<Arc<KeptKey>, ReadError> {
        let row = self.spaces.keys.get(number.get().to_be_bytes())?;
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

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn a_name_in_a_row_finds_what_is_kept_under_it() {
        let (name, hasher) = (AggregateRef::new("order", "o-1").expect("a name"), std::hash::RandomState::new());
        let in_row = NameInRow { kind: "order", id: "o-1" };
        assert!(in_row.equivalent(&name));
        assert_eq!(hasher.hash_one(&in_row), hasher.hash_one(&name));
        for other in [("order", "o-2"), ("orde", "ro-1"), ("o-1", "order")] {
            assert!(!NameInRow { kind: other.0, id: other.1 }.equivalent(&name), "{other:?}");
        }
    }
}
