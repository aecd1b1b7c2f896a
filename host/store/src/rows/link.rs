//! The index of references: which aggregates refer to one.
//!
//! | key | value |
//! |---|---|
//! | 0, aggregate type | position: all references of that type's states are in the index, as the schema has it that was active there |
//! | 1, target, aggregate number | the name of the aggregate that refers, as a key of `names` |
//!
//! A row says that an aggregate *may* refer to the target: whoever reads it asks the state. So a row too many does no harm,
//! and one too few is what must not be.

use crate::{AggregateNumber, AggregateRef, AggregateType, DomainName};

const INDEXED: u8 = 0;
const LINK: u8 = 1;

/// An aggregate that is referred to, as a keyed hash of its name: a reference is content, and content is not to be read on
/// the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Target([u8; 16]);

impl Target {
    /// `domain`: none for the own one.
    pub(crate) fn new(id_key: &[u8; 32], domain: Option<&DomainName>, name: &AggregateRef) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(id_key);
        // No aggregate that a client writes to has such a type, so no event id comes of the same bytes.
        for part in ["$link", domain.map_or("", DomainName::as_str), name.kind.as_str(), name.id.as_str()] {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        let mut target = [0; 16];
        hasher.finalize_xof().fill(&mut target);
        Self(target)
    }
}

/// Key of the row that says how far a type is indexed.
pub(crate) fn indexed_key(kind: &AggregateType) -> Vec<u8> {
    [&[INDEXED], kind.as_str().as_bytes()].concat()
}

/// What the keys of all that refer to a target begin with.
pub(crate) fn links_to(target: Target) -> [u8; 17] {
    let mut key = [LINK; 17];
    key[1..].copy_from_slice(&target.0);
    key
}

/// Key of the row of one that refers to a target.
pub(crate) fn link_key(target: Target, number: AggregateNumber) -> [u8; 25] {
    let mut key = [0; 25];
    key[..17].copy_from_slice(&links_to(target));
    key[17..].copy_from_slice(&number.get().to_be_bytes());
    key
}

/// The one that refers, by the key of its row.
pub(crate) fn number_of_link_key(key: &[u8]) -> Option<AggregateNumber> {
    Some(AggregateNumber::new(u64::from_be_bytes(key.get(17..)?.try_into().ok()?)))
}
