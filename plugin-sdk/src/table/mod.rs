//! Tables: ordered maps that the host keeps for a plugin, with typed keys and values.
//!
//! Keys are stored in a form that sorts as their values do ([`TableKey`]), values as JSON, which the host and an operator
//! can read too.

mod access;
mod backend;
mod key;
mod rows;
mod slot;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;

pub use access::Tables;
pub(crate) use backend::Backend;
#[cfg(target_arch = "wasm32")]
pub(crate) use backend::HostTables;
pub use key::TableKey;
pub use rows::{Keys, Rows};

use crate::{Failure, HandleError, QueryError, error::misfit};

/// How values are written, for the descriptor.
pub(crate) const VALUE_FORMAT: &str = "json";

/// Names a table, and says what is in it. Make it a constant.
///
/// ```
/// use eventdbx_plugin_sdk::Table;
/// const DEPARTURES: Table<(String, u64), u32> = Table::new("departures");
/// ```
#[derive(Debug)]
pub struct Table<K, V> {
    name: &'static str,
    content: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Table<K, V> {
    /// A table of this name; [`Descriptor::table`](crate::Descriptor::table) declares it.
    pub const fn new(name: &'static str) -> Self {
        Self { name, content: PhantomData }
    }

    fn unfit(self) -> impl Fn(serde_json::Error) -> TableError {
        move |error| TableError::unfit(self.name, &error)
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<K, V> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Table<K, V> {}

/// What is stored in a table does not have the type that the table is declared with, or a value has no JSON form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError {
    table: &'static str,
    message: String,
}

impl TableError {
    fn new(table: &'static str, message: impl Into<String>) -> Self {
        Self { table, message: message.into() }
    }

    fn unfit(table: &'static str, error: &serde_json::Error) -> Self {
        Self::new(table, format!("a value: {}", misfit(error)))
    }
}

impl std::fmt::Display for TableError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, message } = self;
        write!(f, "table {table}: {message} (a change of what is stored takes a new STATE_VERSION)")
    }
}

impl std::error::Error for TableError {}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        Self::new("unreadable-table", error.to_string())
    }
}

impl From<TableError> for HandleError {
    /// The next event would fare no better.
    fn from(error: TableError) -> Self {
        Self::Fatal(error.into())
    }
}

impl From<TableError> for QueryError {
    fn from(error: TableError) -> Self {
        Self::Failed(error.into())
    }
}
