//! Tables in memory.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use crate::{
    bindings::state::{Entry, KeyRange, Mutation, Page},
    table::Backend,
};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// The tables that a plugin has declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    tables: RefCell<HashMap<String, Rows>>,
}

impl Memory {
    pub(crate) fn new(names: impl Iterator<Item = String>) -> Self {
        Self { tables: RefCell::new(names.map(|name| (name, Rows::new())).collect()) }
    }

    fn with<R>(&self, table: &str, act: impl FnOnce(&mut Rows) -> R) -> R {
        let mut tables = self.tables.borrow_mut();
        let rows = tables.get_mut(table);
        act(rows
            .unwrap_or_else(|| panic!("`describe` does not declare the table {table}: the host would stop the plugin")))
    }
}

impl Backend for Memory {
    fn get(&self, table: &str, key: &[u8]) -> Option<Vec<u8>> {
        self.with(table, |rows| rows.get(key).cloned())
    }

    fn get_many(&self, table: &str, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.with(table, |rows| keys.iter().map(|key| rows.get(key).cloned()).collect())
    }

    fn scan(&self, table: &str, keys: &KeyRange) -> Page {
        let KeyRange { start, end, reverse, limit } = keys;
        let after_start = |key: &[u8]| start.as_deref().is_none_or(|start| start <= key);
        let before_end = |key: &[u8]| end.as_deref().is_none_or(|end| key < end);
        self.with(table, |rows| {
            let range = rows.iter().filter(|(key, _)| after_start(key) && before_end(key));
            let entries = range.map(|(key, value)| Entry { key: key.clone(), value: value.clone() });
            match reverse {
                false => page(entries, *limit, |_, rest| rest),
                true => page(entries.rev(), *limit, |last, _| last),
            }
        })
    }

    fn apply(&self, table: &str, mutations: &[Mutation]) {
        self.with(table, |rows| {
            for mutation in mutations {
                match mutation {
                    Mutation::Put(Entry { key, value }) => rows.insert(key.clone(), value.clone()),
                    Mutation::Remove(key) => rows.remove(key),
                };
            }
        });
    }

    fn clear(&self, table: &str) {
        self.with(table, Rows::clear);
    }
}

/// The first entries, and where the next page goes on: told by the last key of this page and the first of the rest.
fn page(mut rows: impl Iterator<Item = Entry>, limit: u32, next: fn(Vec<u8>, Vec<u8>) -> Vec<u8>) -> Page {
    let entries: Vec<Entry> = rows.by_ref().take(limit as usize).collect();
    let next = entries.last().zip(rows.next()).map(|(last, rest)| next(last.key.clone(), rest.key));
    Page { entries, next }
}
