//! Schemas as people write them: TOML, in a file that is called `schema.dbx` by custom.
//!
//! One table for each aggregate type, and in it what the schema document says (`docs/SCHEMAS.md`), with two short forms: a
//! field may be its type alone (`total = "decimal(12,2)"`), and an event may be its fields alone
//! (`order_placed = ["total"]`). What travels to the daemon is the JSON document; reading and writing here are each other's
//! inverse. Nothing is judged here but the shape: what a document may say is known in one place, and its faults come back
//! with the line that they are about.

mod places;
mod read;
mod write;

pub(crate) use read::{File, TypeSchema};
pub(crate) use write::text;

#[cfg(test)]
mod tests;
