//! The compact range: all that an append needs to know of a tree.
//!
//! A tree of n leaves is a row of perfect trees, one per bit of n, the largest first; the range is the list of their
//! roots, the *peaks*. Appending a leaf adds one hash on average, whatever n is.
//!
//! Encoded: size u64 (big-endian) ‖ peaks, 32 bytes each; their count is the number of ones in the size.

use super::hash;
use crate::Digest;

/// The peaks of a tree (at most 64), from which its root follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompactRange {
    size: u64,
    /// The largest perfect tree first.
    peaks: Vec<Digest>,
}

impl CompactRange {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree of `size` leaves by its peaks, one per one in the size.
    pub(super) fn of_peaks(size: u64, peaks: Vec<Digest>) -> Self {
        debug_assert_eq!(size.count_ones() as usize, peaks.len());
        Self { size, peaks }
    }

    /// How many leaves the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Digest) {
        self.push_with(leaf, |_, _, _| {});
    }

    /// Appends a leaf, telling of each node that is complete now: its height (0: the leaf itself), its index among the
    /// nodes of that height, and its hash.
    pub(super) fn push_with(&mut self, leaf: Digest, mut completed: impl FnMut(u8, u64, &Digest)) {
        let mut top = leaf;
        completed(0, self.size, &top);
        for height in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { unreachable!("there is a peak per bit of the size") };
            top = hash::node(&left, &top);
            completed(height as u8 + 1, self.size >> (height + 1), &top);
        }
        self.peaks.push(top);
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Digest {
        fold(&self.peaks)
    }

    /// The bytes that stand in a head.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 32 * self.peaks.len());
        bytes.extend_from_slice(&self.size.to_be_bytes());
        self.peaks.iter().for_each(|peak| bytes.extend_from_slice(&peak.0));
        bytes
    }

    /// Reads a range from the front of `bytes`, leaving what follows it. `None`: it is too short.
    pub fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let (size, rest) = bytes.split_first_chunk()?;
        let size = u64::from_be_bytes(*size);
        let (peaks, rest) = rest.split_at_checked(32 * size.count_ones() as usize)?;
        let peaks = peaks.as_chunks().0.iter().copied().map(Digest).collect();
        *bytes = rest;
        Some(Self { size, peaks })
    }
}

/// The root above peaks, the largest first: the smallest two are joined, then that with the next.
pub(super) fn fold(peaks: &[Digest]) -> Digest {
    peaks.iter().rev().copied().reduce(|right, left| hash::node(&left, &right)).unwrap_or_else(hash::empty)
}
