//! The schemas of a domain and its mode: what the log says about what may be written.
//!
//! They are events like any other, in reserved aggregates: `$mode_switched` in `$domain/settings`; `$schema_set`,
//! `$schema_activated` and `$schema_removed` in `$schema/TYPE`. A [`SchemaBook`] is what they add up to. It is read from
//! the log when the domain is opened ([`load`]) and changed by the committer, and by nobody else, when it places such an
//! event ([`Change`]).
//!
//! The invariant that the room owns: *a switch takes effect between two commits*. A request is checked under one book; the
//! committer lets it through only if its own book, at that very place in the log, decides about these events alike.

mod change;
mod load;
mod mode;
mod schema_book;
mod switch;
mod upcast;

pub(crate) use change::{Change, is_own, snapshots};
pub(crate) use load::load;
pub use mode::{Mode, ModeError};
pub(crate) use schema_book::Rule;
pub use schema_book::{SchemaBook, StoredSchema};
