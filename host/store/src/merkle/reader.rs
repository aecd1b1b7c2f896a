//! Reading a tree back: any node of it, and any root that it ever had, from full tiles and from leaves.

use std::ops::Range;

use super::{
    CompactRange, range, tile,
    tile::{TILE_HEIGHT, TILE_WIDTH, Tile},
};
use crate::Digest;

/// Where the parts of a stored tree are read.
pub(crate) trait TileSource {
    /// Why something could not be read; that it is not there is such a reason.
    type Error;

    /// How many leaves are stored.
    fn size(&self) -> u64;

    /// A full tile: one whose 256 hashes stand for leaves below [`size`](Self::size).
    fn tile(&self, level: u8, index: u64) -> Result<Tile, Self::Error>;

    /// Leaves with their indices in a range, all of them below [`size`](Self::size), in order: digests of log rows.
    fn leaves(&self, range: Range<u64>) -> Result<Vec<Digest>, Self::Error>;
}

/// The root of the tree as it was with its first `size` leaves, which are stored.
///
/// A right edge that no tile holds yet costs at most 255 reads per level; everything else one read per eight heights.
pub(crate) fn root_at<S: TileSource>(source: &S, size: u64) -> Result<Digest, S::Error> {
    root_of(source, 0..size)
}

/// The compact range of the tree as it was with its first `size` leaves. Costs as much as [`root_at`].
pub(crate) fn range_at<S: TileSource>(source: &S, size: u64) -> Result<CompactRange, S::Error> {
    Ok(CompactRange::of_peaks(size, peaks(source, 0..size)?))
}

/// The root of the tree over leaves `range`, which begins at a multiple of the largest power of two below its length.
pub(super) fn root_of<S: TileSource>(source: &S, range: Range<u64>) -> Result<Digest, S::Error> {
    Ok(range::fold(&peaks(source, range)?))
}

fn peaks<S: TileSource>(source: &S, range: Range<u64>) -> Result<Vec<Digest>, S::Error> {
    let length = range.end - range.start;
    let heights = (0..u64::BITS as u8).rev().filter(|height| length >> height & 1 == 1);
    let mut start = range.start;
    let mut peaks = Vec::new();
    for height in heights {
        peaks.push(node_at(source, height, start >> height)?);
        start += 1 << height;
    }
    Ok(peaks)
}

/// A node of which all leaves are stored.
pub(super) fn node_at<S: TileSource>(source: &S, height: u8, index: u64) -> Result<Digest, S::Error> {
    let (level, above) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
    let first = index << above;
    Ok(tile::perfect(entries(source, level, first..first + (1 << above))?))
}

/// Neighbouring nodes of height 8·`level`, all within one tile.
pub(super) fn entries<S: TileSource>(source: &S, level: u8, range: Range<u64>) -> Result<Vec<Digest>, S::Error> {
    let index = range.start / TILE_WIDTH;
    if is_full(source.size(), level, index) {
        let tile = source.tile(level, index)?;
        let skipped = (range.start % TILE_WIDTH) as usize;
        return Ok(tile.hashes().skip(skipped).take((range.end - range.start) as usize).collect());
    }
    match level.checked_sub(1) {
        None => source.leaves(range),
        Some(below) => range.map(|entry| source.tile(below, entry).map(|tile| tile.root())).collect(),
    }
}

/// Whether a tree of so many leaves has all hashes of a tile.
fn is_full(size: u64, level: u8, index: u64) -> bool {
    let nodes = size.checked_shr(u32::from(level * TILE_HEIGHT)).unwrap_or(0);
    index < nodes / TILE_WIDTH
}
