//! The rows of the log as they lie on disk. `docs/FORMAT.md` is the specification; this is the one place that encodes and
//! decodes them.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `log` | position | one event: header in clear, body sealed |
//! | `index` | aggregate number, version | position |
//! | `ids` | event id | position |
//! | `names` | aggregate type, 0, aggregate id | aggregate number |
//! | `heads` | aggregate number | version, tree, flags in clear; state sealed |
//! | `keys` | aggregate number | the aggregate's key, wrapped |
//! | `tiles` | tree, level, index | 256 hashes of a Merkle tree |
//! | `commits` | last position of the batch | commit record |
//! | `snapshots` | aggregate number, version | position of its event, hash in clear; state sealed |
//! | `links` | keyed hash of an aggregate's name, number of one that refers to it | name of that one |
//! | `urgent` | position of an event that is urgent to a recipient | nothing |
//!
//! All numbers are big-endian, so that keys sort as numbers do.

mod body;
mod commit;
mod event;
mod head;
mod keyspaces;
mod link;
mod reader;
mod snapshot;

pub(crate) use body::{PartsView, SealedParts, parts};
pub(crate) use commit::CommitRecord;
pub(crate) use event::{EventRow, EventView, SharedNames, short_text};
pub(crate) use head::HeadRow;
pub(crate) use keyspaces::{Keyspaces, index_key, kind_prefix, name_key, name_of_key, tile_key};
pub(crate) use link::{Target, indexed_key, link_key, links_to, number_of_link_key};
pub(crate) use reader::Reader;
pub(crate) use snapshot::{SnapshotRow, snapshot_key, version_of_snapshot_key};

/// A row that does not decode: damage, or a newer format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{row} row: {what}")]
pub(crate) struct RowFault {
    /// Which kind of row.
    pub(crate) row: &'static str,
    /// What is wrong with it.
    pub(crate) what: &'static str,
}

/// A row whose value is one number.
pub(crate) fn number(value: &[u8], row: &'static str) -> Result<u64, RowFault> {
    let mut reader = Reader::new(row, value);
    let number = reader.u64()?;
    reader.end()?;
    Ok(number)
}
