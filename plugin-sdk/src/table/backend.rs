//! Where tables really are: with the host, or in the memory of a test.

use crate::bindings::state::{KeyRange, Mutation, Page};

/// Tables of bytes, as the contract has them.
pub(crate) trait Backend {
    fn get(&self, table: &str, key: &[u8]) -> Option<Vec<u8>>;
    fn get_many(&self, table: &str, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>>;
    fn scan(&self, table: &str, keys: &KeyRange) -> Page;
    fn apply(&self, table: &str, mutations: &[Mutation]);
    fn clear(&self, table: &str);
}

/// The tables of the host.
#[cfg(target_arch = "wasm32")]
pub(crate) struct HostTables;

#[cfg(target_arch = "wasm32")]
impl Backend for HostTables {
    fn get(&self, table: &str, key: &[u8]) -> Option<Vec<u8>> {
        crate::bindings::state::get(table, key)
    }

    fn get_many(&self, table: &str, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        crate::bindings::state::get_many(table, keys)
    }

    fn scan(&self, table: &str, keys: &KeyRange) -> Page {
        crate::bindings::state::scan(table, keys)
    }

    fn apply(&self, table: &str, mutations: &[Mutation]) {
        crate::bindings::state::apply(table, mutations);
    }

    fn clear(&self, table: &str) {
        crate::bindings::state::clear(table);
    }
}
