//! Tiles: 256 neighbouring hashes of one tree, stored as one value once all of them are known.
//!
//! As in C2SP's `tlog-tiles`: tile `i` of level `l` holds the nodes of height 8·l with the indices 256·i to 256·i + 255,
//! 8,192 bytes. A node of a height between is computed from the tile below it.

use super::hash;
use crate::Digest;

/// Hashes of a tile.
pub(crate) const TILE_WIDTH: u64 = 256;
/// Bytes of a tile.
pub(crate) const TILE_BYTES: usize = 8192;
/// Heights that one level of tiles spans.
pub(super) const TILE_HEIGHT: u8 = 8;

/// A tile as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Tile(Box<[u8; TILE_BYTES]>);

impl Tile {
    /// A stored value. `None`: it does not have the length of a tile.
    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        Box::<[u8]>::from(value).try_into().ok().map(Self)
    }

    /// The 256 hashes of a tile.
    pub(super) fn of(hashes: impl IntoIterator<Item = Digest>) -> Self {
        let mut bytes = Box::new([0; TILE_BYTES]);
        bytes.as_chunks_mut().0.iter_mut().zip(hashes).for_each(|(place, digest)| *place = digest.0);
        Self(bytes)
    }

    /// The value to store.
    pub(crate) fn bytes(&self) -> &[u8; TILE_BYTES] {
        &self.0
    }

    /// Its hashes.
    pub(super) fn hashes(&self) -> impl ExactSizeIterator<Item = Digest> + '_ {
        self.0.as_chunks().0.iter().copied().map(Digest)
    }

    /// The node above all of its hashes.
    pub(super) fn root(&self) -> Digest {
        perfect(self.hashes().collect())
    }
}

/// A tile that an append filled: to be stored, once.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CompleteTile {
    /// Level: 0 holds leaves.
    pub(crate) level: u8,
    /// Index within the level.
    pub(crate) index: u64,
    /// Its hashes.
    pub(crate) tile: Tile,
}

/// The root of a perfect tree over a power of two of hashes.
pub(super) fn perfect(mut hashes: Vec<Digest>) -> Digest {
    debug_assert!(hashes.len().is_power_of_two());
    while hashes.len() > 1 {
        hashes = hashes.as_chunks().0.iter().map(|[left, right]| hash::node(left, right)).collect();
    }
    hashes[0]
}
