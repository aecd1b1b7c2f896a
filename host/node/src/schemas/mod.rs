//! What schemas mean for what is there: whether history and states fit them, which one would fit, and how they change.
//!
//! The store decides about each event as it is written. Here are the slow questions about a whole type: they walk its
//! aggregates in pages, hold one of them in memory at a time, and change nothing. The one thing that changes a schema
//! ([`edit`]) asks them first: *a schema that refuses what is there becomes active only by force*.

mod check;
mod edit;
mod infer;
mod standing;
mod switches;
mod walk;

use eventdbx_store::{SchemaDocument, schema::Known};

use crate::wire::Reason;

pub(crate) use check::Check;
pub(crate) use edit::{Edit, Expected, changes_between};
pub(crate) use infer::infer;
pub(crate) use switches::switches;
pub(crate) use walk::kinds_without_schema;

/// Most events and states that an answer shows, of those that a schema refuses.
const EXAMPLES: usize = 100;

/// Everything that is wrong with a schema document. It needs no daemon, and so does not know which types and rules
/// extensions bring: a daemon does; `path` is a JSON Pointer into the document.
#[must_use]
pub fn schema_faults(text: &str) -> Vec<Reason> {
    SchemaDocument::parse_knowing(text, Known::Any).err().unwrap_or_default().into_iter().map(Reason::from).collect()
}
