//! The row of a snapshot: where the log records it and what is committed to in clear, the state sealed.

use super::{Reader, RowFault};
use crate::{AggregateNumber, Digest, Position, Version};

const FORMAT: u8 = 1;
/// What is sealed was compressed (LZ4 block behind its length) before it was sealed.
const COMPRESSED: u8 = 1;

/// A snapshot. `sealed` is its salt and the canonical JSON of the state, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SnapshotRow<S> {
    /// Position of its `$snapshot_taken`.
    pub(crate) position: Position,
    /// Id of the key under which it is sealed.
    pub(crate) key_id: [u8; 8],
    /// The salted commitment to the state.
    pub(crate) hash: Digest,
    pub(crate) compressed: bool,
    pub(crate) sealed: S,
}

impl<S: AsRef<[u8]>> SnapshotRow<S> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let sealed = self.sealed.as_ref();
        let mut out = Vec::with_capacity(50 + sealed.len());
        out.extend_from_slice(&[FORMAT, if self.compressed { COMPRESSED } else { 0 }]);
        out.extend_from_slice(&self.position.get().to_be_bytes());
        out.extend_from_slice(&self.key_id);
        out.extend_from_slice(&self.hash.0);
        out.extend_from_slice(sealed);
        out
    }
}

impl<'a> SnapshotRow<&'a [u8]> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new("snapshot", bytes);
        reader.version(FORMAT)?;
        let compressed = reader.u8()? & COMPRESSED != 0;
        let position = Position::new(reader.u64()?);
        let (key_id, hash) = (reader.array()?, Digest(reader.array()?));
        Ok(Self { position, key_id, hash, compressed, sealed: reader.rest() })
    }
}

/// Key of a `snapshots` row.
pub(crate) fn snapshot_key(number: AggregateNumber, version: Version) -> [u8; 16] {
    super::index_key(number, version)
}

/// The version behind a key of `snapshots`.
pub(crate) fn version_of_snapshot_key(key: &[u8]) -> Result<Version, RowFault> {
    let mut reader = Reader::new("snapshot", key);
    reader.u64()?;
    let version = Version::new(reader.u64()?);
    reader.end()?;
    Ok(version)
}
