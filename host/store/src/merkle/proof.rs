//! Proofs: that a leaf is in a tree (*inclusion*), and that a tree grew out of an earlier one (*consistency*). Made as in
//! RFC 6962, section 2.1; checked by the algorithms of RFC 9162, section 2.1, without the tree.
//!
//! So far proofs are handed out of the small trees over the members of a payload. Those of a log's trees are here for the
//! tests, which show by them that what is stored of a tree is enough.

use std::{convert::Infallible, ops::Range};

use super::{
    TileSource, hash,
    reader::root_of,
    tile::{TILE_WIDTH, Tile},
};
use crate::Digest;

/// The audit path of leaf `index` in the tree of the first `size` leaves, from the leaf upwards. `index < size`.
pub(super) fn inclusion<S: TileSource>(source: &S, index: u64, size: u64) -> Result<Vec<Digest>, S::Error> {
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    // Downwards: the half that the leaf is not in.
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(root_of(source, middle..end)?);
            end = middle;
        } else {
            path.push(root_of(source, start..middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The audit path of the leaf at `index` in a tree of which all leaves are at hand.
pub(crate) fn inclusion_in(leaves: &[Digest], index: usize) -> Vec<Digest> {
    let Ok(path) = inclusion(&Leaves(leaves), index as u64, leaves.len() as u64);
    path
}

/// A tree of which all leaves are at hand.
struct Leaves<'l>(&'l [Digest]);

impl TileSource for Leaves<'_> {
    type Error = Infallible;

    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn tile(&self, level: u8, index: u64) -> Result<Tile, Infallible> {
        let entries = index * TILE_WIDTH..(index + 1) * TILE_WIDTH;
        match level.checked_sub(1) {
            None => self.leaves(entries).map(Tile::of),
            Some(below) => Ok(Tile::of(entries.map(|entry| {
                let Ok(tile) = self.tile(below, entry);
                tile.root()
            }))),
        }
    }

    fn leaves(&self, range: Range<u64>) -> Result<Vec<Digest>, Infallible> {
        Ok(self.0[range.start as usize..range.end as usize].to_vec())
    }
}

/// Proves that the tree of the first `new` leaves begins with that of the first `old`. `0 < old <= new`.
#[cfg(test)]
pub(super) fn consistency<S: TileSource>(source: &S, old: u64, new: u64) -> Result<Vec<Digest>, S::Error> {
    let (mut start, mut end) = (0, new);
    let mut proof = Vec::new();
    // Downwards to the subtree that ends where the old tree ends.
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(root_of(source, middle..end)?);
            end = middle;
        } else {
            proof.push(root_of(source, start..middle)?);
            start = middle;
        }
    }
    // The old tree itself is known to whoever checks; a part of it is not.
    if start > 0 {
        proof.push(root_of(source, start..end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Whether `path` leads from a leaf at `index` to the root of a tree of `size` leaves.
#[cfg(test)]
pub(super) fn verify_inclusion(leaf: &Digest, index: u64, size: u64, path: &[Digest], root: &Digest) -> bool {
    implied_root(leaf, index, size, path).is_some_and(|implied| implied == *root)
}

/// The root of the tree of `size` leaves in which `path` leads upwards from a leaf at `index`; none: there is no such tree.
pub(crate) fn implied_root(leaf: &Digest, index: u64, size: u64, path: &[Digest]) -> Option<Digest> {
    if index >= size {
        return None;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = hash::node(sibling, &hash);
            // A right edge without a sibling is carried up unchanged.
            let carried = if at & 1 == 1 { 0 } else { at.trailing_zeros() };
            (at, last) = (at >> carried, last >> carried);
        } else {
            hash = hash::node(&hash, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    (last == 0).then_some(hash)
}

/// Whether a tree of `new` leaves with one root begins with a tree of `old` leaves with the other.
#[cfg(test)]
pub(super) fn verify_consistency(old: u64, new: u64, old_root: &Digest, new_root: &Digest, proof: &[Digest]) -> bool {
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    if old == 0 || old > new {
        return false;
    }
    // The largest perfect tree at the end of the old one; when that is the old tree itself, the proof leaves it out.
    let known = old.is_power_of_two().then_some(old_root);
    let Some((first, rest)) = known.map(|root| (root, proof)).or_else(|| proof.split_first()) else { return false };
    let (mut at, mut last) = (old - 1, new - 1);
    let skipped = at.trailing_ones();
    (at, last) = (at >> skipped, last >> skipped);
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_hash = hash::node(sibling, &old_hash);
            new_hash = hash::node(sibling, &new_hash);
            let carried = if at & 1 == 1 { 0 } else { at.trailing_zeros() };
            (at, last) = (at >> carried, last >> carried);
        } else {
            new_hash = hash::node(&new_hash, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

/// The largest power of two below `length`, which is at least 2.
fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}
