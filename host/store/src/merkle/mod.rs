//! Merkle trees shaped as in RFC 6962, over BLAKE3: one per aggregate (leaves: event digests, leaf 0 is version 1) and
//! one per domain (leaves: position and event digest, leaf 0 is position 1).
//!
//! What is kept of a tree is its [`CompactRange`] (in the head) and its full tiles of 256 hashes (each written once, by
//! [`Edge`]); everything between the last full tile and the end is recomputed from the digests in the log rows. Old roots
//! are read from both by way of [`TileSource`], and so will proofs be.

mod edge;
mod hash;
mod proof;
mod range;
mod reader;
mod tile;

#[cfg(test)]
mod tests;

pub(crate) use edge::Edge;
pub(crate) use hash::{
    Part, SaltSeed, commit_record, commitment, commitment_under, domain_leaf, leaf, member, member_salts, salts,
    snapshot,
};
pub(crate) use proof::{implied_root, inclusion_in};
pub use range::CompactRange;
pub(crate) use reader::{TileSource, range_at, root_at};
pub(crate) use tile::{CompleteTile, Tile};
