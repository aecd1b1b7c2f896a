//! Proofs: that a leaf is in a tree (*inclusion*), and that a tree grew out of an earlier one (*consistency*). Made as in
//! RFC 6962, section 2.1; checked by the algorithms of RFC 9162, section 2.1, without the tree.
//!
//! Nothing hands out proofs yet. They are here for the tests, which show by them that what is stored of a tree is enough.

use super::{TileSource, hash, reader::root_of};
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

/// Proves that the tree of the first `new` leaves begins with that of the first `old`. `0 < old <= new`.
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
pub(super) fn verify_inclusion(leaf: &Digest, index: u64, size: u64, path: &[Digest], root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
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
    last == 0 && hash == *root
}

/// Whether a tree of `new` leaves with one root begins with a tree of `old` leaves with the other.
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
