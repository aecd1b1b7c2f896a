//! Filter expressions, sorting and selection by path: which rows of a listing, and in which order.
//!
//! One rule runs through the room: *whatever the expression and whatever the row, the answer comes soon and is the same on
//! every machine*. So a [`Filter`] is parsed once, within named limits, for a [`Subject`]; evaluation is total (a missing
//! value is a value, never an error), looks at no clock and takes time linear in the row. The meaning of an expression is
//! written down at `Expression`, which encodes the grammar.
//!
//! A row is asked for as little as the filter needs: first the fields that stand in clear ([`ClearFields`]), which often
//! decide alone, then the sealed part ([`Row`]), of whose JSON only the wanted paths are read, all in one pass over the
//! text and without building values. That is also why this is a room of its own: it knows JSON text and the names of
//! fields, and nothing of keys, disks or pages.

mod compare;
mod datum;
mod decimal;
mod evaluate;
mod expression;
mod extract;
mod fault;
mod like;
mod parser;
mod path;
mod paths;
mod row;
mod sort;
mod subject;
mod token;

pub use datum::{Datum, Instant};
pub use evaluate::Filter;
pub use fault::FilterFault;
pub use path::Path;
pub use paths::Needs;
pub(crate) use row::{AggregateFields, EventFields};
pub use row::{ClearFields, Row};
pub use sort::{Sort, SortKey};
pub use subject::{Document, Field, Subject};

#[cfg(test)]
pub(crate) mod tests;
