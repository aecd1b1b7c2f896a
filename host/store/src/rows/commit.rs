//! The commit record: one per batch, so that batch N+1 proves that batch N was whole.

use super::{Reader, RowFault};
use crate::{Digest, Micros, Position, merkle};

const MAGIC: &[u8; 8] = b"EDBXCMT1";

/// What a batch was, and what the log was after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommitRecord {
    /// Position of the first event of the batch.
    pub(crate) first: Position,
    /// Position of the last one, which is the size of the domain's tree.
    pub(crate) last: Position,
    /// When the batch was committed: the recording time of its events.
    pub(crate) recorded_at: Micros,
    /// Aggregates created so far.
    pub(crate) aggregates: u64,
    /// Root of the domain's tree.
    pub(crate) root: Digest,
    /// Hash of the commit record before; zeros for the first.
    pub(crate) previous: Digest,
}

impl CommitRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(104);
        out.extend_from_slice(MAGIC);
        for number in [self.first.get(), self.last.get(), self.recorded_at.get(), self.aggregates] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.root.0);
        out.extend_from_slice(&self.previous.0);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new("commit", bytes);
        if reader.bytes(MAGIC.len())? != MAGIC {
            return Err(reader.fault("of an unknown format version"));
        }
        let record = Self {
            first: Position::new(reader.u64()?),
            last: Position::new(reader.u64()?),
            recorded_at: Micros::new(reader.u64()?),
            aggregates: reader.u64()?,
            root: Digest(reader.array()?),
            previous: Digest(reader.array()?),
        };
        reader.end()?;
        Ok(record)
    }

    /// What the next record holds as `previous`.
    pub(crate) fn hash(encoded: &[u8]) -> Digest {
        merkle::commit_record(encoded)
    }
}
