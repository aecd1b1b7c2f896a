//! The growing end of a tree: takes leaves, tells the root, and hands out each tile once, when it is full.

use super::{
    CompactRange, CompleteTile, TileSource, reader,
    tile::{TILE_HEIGHT, TILE_WIDTH, Tile},
};
use crate::Digest;

/// The growing end of a tree.
///
/// Beside the compact range it remembers, per level, the hashes of the unfinished tile *that were added since it was
/// made*. So an edge that was read from a head ([`Edge::at`]) is as small as the head; what it has not seen is read when
/// a tile is completed, and not before. It never remembers more than 255 hashes a level: 8 KiB for a tree of up to
/// 65,536 leaves.
#[derive(Clone, Default)]
pub(crate) struct Edge {
    range: CompactRange,
    /// Per level, the last hashes of its unfinished tile.
    seen: Vec<Vec<Digest>>,
}

impl Edge {
    /// The edge of a tree that is stored.
    pub(crate) fn at(range: CompactRange) -> Self {
        Self { range, seen: Vec::new() }
    }

    /// What stands in the head.
    pub(crate) fn range(&self) -> &CompactRange {
        &self.range
    }

    /// How many leaves the tree has.
    pub(crate) fn size(&self) -> u64 {
        self.range.size()
    }

    /// The root of the tree.
    pub(crate) fn root(&self) -> Digest {
        self.range.root()
    }

    /// Bytes of memory that it holds, about.
    pub(crate) fn memory(&self) -> usize {
        let remembered: usize = self.seen.iter().map(Vec::capacity).sum();
        (remembered + 64) * size_of::<Digest>()
    }

    /// Appends a leaf; tiles that it completes are added to `full`. `source` is asked only then, and only for what was
    /// stored before this edge was made. After an error the edge is of no use any more and must be made anew.
    pub(crate) fn push<S: TileSource>(
        &mut self,
        leaf: Digest,
        source: &S,
        full: &mut Vec<CompleteTile>,
    ) -> Result<(), S::Error> {
        let seen = &mut self.seen;
        let mut result = Ok(());
        self.range.push_with(leaf, |height, index, node| {
            if height.is_multiple_of(TILE_HEIGHT) && result.is_ok() {
                result = remember(seen, height / TILE_HEIGHT, index, *node, source, full);
            }
        });
        result
    }
}

/// Remembers a node that tiles of `level` hold, and completes its tile if it is the last one of it.
fn remember<S: TileSource>(
    seen: &mut Vec<Vec<Digest>>,
    level: u8,
    index: u64,
    node: Digest,
    source: &S,
    full: &mut Vec<CompleteTile>,
) -> Result<(), S::Error> {
    if seen.len() <= usize::from(level) {
        seen.resize_with(usize::from(level) + 1, Vec::new);
    }
    let recent = &mut seen[usize::from(level)];
    recent.push(node);
    let end = index + 1;
    if !end.is_multiple_of(TILE_WIDTH) {
        return Ok(());
    }
    let unseen = end - TILE_WIDTH..end - recent.len() as u64;
    let before = if unseen.is_empty() { Vec::new() } else { reader::entries(source, level, unseen)? };
    let tile = Tile::of(before.into_iter().chain(std::mem::take(recent)));
    full.push(CompleteTile { level, index: index / TILE_WIDTH, tile });
    Ok(())
}
