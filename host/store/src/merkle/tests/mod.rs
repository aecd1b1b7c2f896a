//! The trees, held against the definitions of RFC 6962 written out.

mod growing;
mod hashes;
mod proofs;

use std::{cell::Cell, collections::HashMap, ops::Range};

use super::{
    hash::node,
    proof::{consistency, inclusion, verify_consistency, verify_inclusion},
    *,
};
use crate::Digest;

/// `n` different leaves.
fn leaves(n: u64) -> Vec<Digest> {
    (0..n).map(|index| leaf(&index.to_be_bytes())).collect()
}

/// MTH of RFC 6962, section 2.1, word for word.
fn mth(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest(*blake3::hash(b"").as_bytes()),
        [leaf] => *leaf,
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            let mut bytes = vec![0x01];
            bytes.extend_from_slice(&mth(&leaves[..split]).0);
            bytes.extend_from_slice(&mth(&leaves[split..]).0);
            Digest(*blake3::hash(&bytes).as_bytes())
        }
    }
}

/// A stored tree: what was committed, and how often it was read.
#[derive(Default)]
struct Stored {
    leaves: Vec<Digest>,
    tiles: HashMap<(u8, u64), Tile>,
    tiles_read: Cell<usize>,
    leaves_read: Cell<usize>,
}

impl Stored {
    /// Commits leaves through an edge.
    fn append(&mut self, edge: &mut Edge, leaves: &[Digest]) {
        let mut full = Vec::new();
        for leaf in leaves {
            edge.push(*leaf, self, &mut full).expect("everything stored can be read");
        }
        self.leaves.extend_from_slice(leaves);
        for CompleteTile { level, index, tile } in full {
            assert!(self.tiles.insert((level, index), tile).is_none(), "tile {level}/{index} was written twice");
        }
    }

    fn of(leaves: &[Digest]) -> Self {
        let mut stored = Self::default();
        stored.append(&mut Edge::default(), leaves);
        stored
    }
}

impl TileSource for Stored {
    type Error = String;

    fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    fn tile(&self, level: u8, index: u64) -> Result<Tile, String> {
        self.tiles_read.update(|n| n + 1);
        self.tiles.get(&(level, index)).cloned().ok_or_else(|| format!("no tile {level}/{index}"))
    }

    fn leaves(&self, range: Range<u64>) -> Result<Vec<Digest>, String> {
        self.leaves_read.update(|n| n + (range.end - range.start) as usize);
        let range = range.start as usize..range.end as usize;
        self.leaves.get(range.clone()).map(<[Digest]>::to_vec).ok_or_else(|| format!("no leaves {range:?}"))
    }
}
