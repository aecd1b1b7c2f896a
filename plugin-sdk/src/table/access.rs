//! Reading and writing tables within one call.
//!
//! What was read or written stays here until the call ends, so that a key that a batch touches a hundred times is fetched
//! once and stored once: crossing into the host costs more than most plugins do with an event.

use std::{cell::RefCell, collections::BTreeMap};

use serde::{Serialize, de::DeserializeOwned};

use super::{Backend, Keys, Rows, Table, TableError, TableKey, slot::Slot};
use crate::bindings::state::{Entry, KeyRange, Mutation, Page};

/// The tables of a plugin, for the time of one call. A read sees the writes before it.
pub struct Tables<'t> {
    backend: &'t dyn Backend,
    seen: RefCell<Vec<(&'static str, Slots)>>,
}

/// What is known about the keys of one table.
type Slots = BTreeMap<Vec<u8>, Slot>;

impl<'t> Tables<'t> {
    pub(crate) fn new(backend: &'t dyn Backend) -> Self {
        Self { backend, seen: RefCell::default() }
    }

    /// The value under a key.
    ///
    /// # Errors
    /// When what is stored is no `V`.
    pub fn get<K: TableKey, V: DeserializeOwned>(
        &self,
        table: Table<K, V>,
        key: K::Ref<'_>,
    ) -> Result<Option<V>, TableError> {
        self.slot(table, key, |slot| slot.get()).map_err(table.unfit())
    }

    /// The values under many keys, in their order: one crossing for all of them.
    ///
    /// # Errors
    /// When something stored is no `V`.
    pub fn get_many<'k, K: TableKey + 'k, V: DeserializeOwned>(
        &self,
        table: Table<K, V>,
        keys: impl IntoIterator<Item = K::Ref<'k>>,
    ) -> Result<Vec<Option<V>>, TableError> {
        let keys: Vec<Vec<u8>> = keys.into_iter().map(|key| super::rows::encoded::<K>(key, true)).collect();
        self.with(table.name(), |slots| {
            let unseen: Vec<Vec<u8>> = keys.iter().filter(|key| !slots.contains_key(*key)).cloned().collect();
            if !unseen.is_empty() {
                let values = self.backend.get_many(table.name(), &unseen);
                slots.extend(unseen.into_iter().zip(values.into_iter().map(Slot::read)));
            }
            let value = |key| slots.get(key).map_or(Ok(None), Slot::get).map_err(table.unfit());
            keys.iter().map(value).collect()
        })
    }

    /// Whether there is a value under a key.
    pub fn contains<K: TableKey, V>(&self, table: Table<K, V>, key: K::Ref<'_>) -> bool {
        self.slot(table, key, |slot| slot.is_there())
    }

    /// Puts a value under a key, in place of the one that was there.
    ///
    /// # Errors
    /// When the value has no JSON form.
    pub fn put<K: TableKey, V: Serialize>(
        &mut self,
        table: Table<K, V>,
        key: K::Ref<'_>,
        value: &V,
    ) -> Result<(), TableError> {
        let value = serde_json::to_vec(value).map_err(table.unfit())?;
        self.write(table, key, Some(value));
        Ok(())
    }

    /// Removes a key, if it is there.
    pub fn remove<K: TableKey, V>(&mut self, table: Table<K, V>, key: K::Ref<'_>) {
        self.write(table, key, None);
    }

    /// Changes the value under a key, starting from the default if there is none; returns what `change` returns.
    ///
    /// # Errors
    /// When what is stored is no `V`.
    pub fn update<K: TableKey, V: Serialize + DeserializeOwned + Default + 'static, R>(
        &mut self,
        table: Table<K, V>,
        key: K::Ref<'_>,
        change: impl FnOnce(&mut V) -> R,
    ) -> Result<R, TableError> {
        self.slot(table, key, |slot| slot.change().map(change)).map_err(table.unfit())
    }

    /// Reads a stretch of a table in order.
    pub fn scan<'s, K: TableKey, V>(&'s self, table: Table<K, V>, keys: Keys<K>) -> Rows<'s, K, V> {
        Rows::new(self, table, keys)
    }

    /// Removes everything from a table.
    pub fn clear<K, V>(&mut self, table: Table<K, V>) {
        self.with(table.name(), Slots::clear);
        self.backend.clear(table.name());
    }

    /// Hands all writes to the host, table by table.
    ///
    /// # Errors
    /// When a value that was updated has no JSON form.
    pub(crate) fn finish(self) -> Result<(), TableError> {
        self.seen.into_inner().iter_mut().try_for_each(|(table, slots)| flush(self.backend, table, slots))
    }

    /// One page of a scan, which the host makes and which has to see our writes.
    pub(super) fn page(&self, table: &'static str, range: &KeyRange) -> Result<Page, TableError> {
        self.with(table, |slots| flush(self.backend, table, slots))?;
        Ok(self.backend.scan(table, range))
    }

    fn write<K: TableKey, V>(&mut self, table: Table<K, V>, key: K::Ref<'_>, value: Option<Vec<u8>>) {
        let key = super::rows::encoded::<K>(key, true);
        self.with(table.name(), |slots| slots.insert(key, Slot::write(value)));
    }

    /// Does something with what is known about a key, having asked the host if nothing is.
    fn slot<K: TableKey, V, R>(&self, table: Table<K, V>, key: K::Ref<'_>, act: impl FnOnce(&mut Slot) -> R) -> R {
        let key = super::rows::encoded::<K>(key, true);
        self.with(table.name(), |slots| {
            let read = |key: &Vec<u8>| Slot::read(self.backend.get(table.name(), key));
            act(slots.entry(key).or_insert_with_key(read))
        })
    }

    fn with<R>(&self, table: &'static str, act: impl FnOnce(&mut Slots) -> R) -> R {
        let mut seen = self.seen.borrow_mut();
        let index = seen.iter().position(|(name, _)| *name == table).unwrap_or_else(|| {
            seen.push((table, Slots::new()));
            seen.len() - 1
        });
        act(&mut seen[index].1)
    }
}

/// Hands the writes to a table to the host, and keeps them to be read.
fn flush(backend: &dyn Backend, table: &'static str, slots: &mut Slots) -> Result<(), TableError> {
    let written = slots.iter_mut().filter(|(_, slot)| slot.is_written());
    let mutations = written.map(|(key, slot)| {
        Ok(match slot.settle()? {
            Some(value) => Mutation::Put(Entry { key: key.clone(), value }),
            None => Mutation::Remove(key.clone()),
        })
    });
    let mutations = mutations.collect::<Result<Vec<_>, _>>().map_err(|error| TableError::unfit(table, &error))?;
    if !mutations.is_empty() {
        backend.apply(table, &mutations);
    }
    Ok(())
}
