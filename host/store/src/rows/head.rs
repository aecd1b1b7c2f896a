//! The head of an aggregate: one row, rewritten with every batch that touches it.

use super::{Reader, RowFault};
use crate::{Micros, Position, Version, merkle::CompactRange};

const FORMAT: u8 = 1;
const ARCHIVED: u8 = 1;

/// Where an aggregate stands. `sealed_state` is the canonical JSON of its state, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeadRow<S> {
    pub(crate) version: Version,
    pub(crate) archived: bool,
    pub(crate) last_position: Position,
    pub(crate) created_at: Micros,
    pub(crate) updated_at: Micros,
    /// Id of the key under which the state is sealed.
    pub(crate) key_id: [u8; 8],
    /// The aggregate's tree, of as many leaves as it has versions.
    pub(crate) tree: CompactRange,
    pub(crate) sealed_state: S,
}

impl<S: AsRef<[u8]>> HeadRow<S> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let state = self.sealed_state.as_ref();
        let tree = self.tree.encode();
        let mut out = Vec::with_capacity(42 + tree.len() + state.len());
        out.extend_from_slice(&[FORMAT, if self.archived { ARCHIVED } else { 0 }]);
        let numbers = [self.version.get(), self.last_position.get(), self.created_at.get(), self.updated_at.get()];
        for number in numbers {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.key_id);
        out.extend_from_slice(&tree);
        out.extend_from_slice(state);
        out
    }
}

impl<'a> HeadRow<&'a [u8]> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new("head", bytes);
        reader.version(FORMAT)?;
        let archived = reader.u8()? & ARCHIVED != 0;
        let version = Version::new(reader.u64()?);
        let last_position = Position::new(reader.u64()?);
        let created_at = Micros::new(reader.u64()?);
        let updated_at = Micros::new(reader.u64()?);
        let key_id = reader.array()?;
        let fault = reader.fault("its tree does not fit");
        let mut rest = reader.rest();
        let tree = CompactRange::decode(&mut rest).filter(|tree| tree.size() == version.get()).ok_or(fault)?;
        Ok(Self { version, archived, last_position, created_at, updated_at, key_id, tree, sealed_state: rest })
    }
}
