//! Reading a stretch of a table in order.

use std::{collections::VecDeque, marker::PhantomData};

use serde::de::DeserializeOwned;

use super::{Table, TableError, TableKey, Tables};
use crate::bindings::state::{Entry, KeyRange};

/// How many rows are fetched in one crossing, if the host's page is not full before.
const PAGE: u32 = 256;

/// Which rows of a table, and from which end.
#[derive(Clone, Debug)]
pub struct Keys<K> {
    start: Option<Vec<u8>>,
    end: Option<Vec<u8>>,
    reversed: bool,
    key: PhantomData<fn() -> K>,
}

impl<K: TableKey> Keys<K> {
    /// All of them, the smallest first.
    pub fn all() -> Self {
        Self { start: None, end: None, reversed: false, key: PhantomData }
    }

    /// Beginning with `key`.
    #[must_use]
    pub fn from(mut self, key: K::Ref<'_>) -> Self {
        self.start = Some(encoded::<K>(key, true));
        self
    }

    /// Ending before `key`.
    #[must_use]
    pub fn until(mut self, key: K::Ref<'_>) -> Self {
        self.end = Some(encoded::<K>(key, true));
        self
    }

    /// The largest first.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.reversed = true;
        self
    }

    fn beginning_with(prefix: Vec<u8>) -> Self {
        Self { end: after_all_with(&prefix), start: Some(prefix), ..Self::all() }
    }
}

impl Keys<String> {
    /// Those that begin with `prefix`.
    pub fn prefix(prefix: &str) -> Self {
        Self::beginning_with(prefix.as_bytes().to_vec())
    }
}

impl<A: TableKey, B: TableKey> Keys<(A, B)> {
    /// Those whose first part is `first`.
    pub fn with_first(first: A::Ref<'_>) -> Self {
        Self::beginning_with(encoded::<A>(first, false))
    }
}

pub(super) fn encoded<K: TableKey>(key: K::Ref<'_>, last: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    K::encode(key, last, &mut bytes);
    bytes
}

/// The first key after all that begin with `prefix`; none if there is no such key.
fn after_all_with(prefix: &[u8]) -> Option<Vec<u8>> {
    let length = prefix.iter().rposition(|byte| *byte != u8::MAX)? + 1;
    let mut after = prefix[..length].to_vec();
    after[length - 1] += 1;
    Some(after)
}

/// The rows of a table, fetched as they are asked for. Made by [`Tables::scan`].
pub struct Rows<'t, K, V> {
    tables: &'t Tables<'t>,
    table: Table<K, V>,
    range: KeyRange,
    fetched: VecDeque<Entry>,
    more: bool,
}

impl<'t, K: TableKey, V> Rows<'t, K, V> {
    pub(super) fn new(tables: &'t Tables<'_>, table: Table<K, V>, keys: Keys<K>) -> Self {
        let Keys { start, end, reversed, .. } = keys;
        let range = KeyRange { start, end, reverse: reversed, limit: PAGE };
        Self { tables, table, range, fetched: VecDeque::new(), more: true }
    }

    fn fetch(&mut self) -> Result<(), TableError> {
        self.more = false;
        let page = self.tables.page(self.table.name(), &self.range)?;
        self.fetched.extend(page.entries);
        self.more = page.next.is_some();
        match self.range.reverse {
            true => self.range.end = page.next,
            false => self.range.start = page.next,
        }
        Ok(())
    }
}

impl<K: TableKey, V: DeserializeOwned> Iterator for Rows<'_, K, V> {
    type Item = Result<(K, V), TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.fetched.is_empty() && self.more {
            if let Err(error) = self.fetch() {
                return Some(Err(error));
            }
        }
        let entry = self.fetched.pop_front()?;
        Some(self.read(&entry))
    }
}

impl<K: TableKey, V: DeserializeOwned> Rows<'_, K, V> {
    fn read(&self, entry: &Entry) -> Result<(K, V), TableError> {
        let unfit = || TableError::new(self.table.name(), "a stored key has another type");
        let mut bytes = &entry.key[..];
        let key = K::decode(&mut bytes, true).filter(|_| bytes.is_empty()).ok_or_else(unfit)?;
        Ok((key, serde_json::from_slice(&entry.value).map_err(self.table.unfit())?))
    }
}
