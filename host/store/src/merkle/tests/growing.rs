//! Trees as they grow: roots, ranges and tiles.

use proptest::prelude::*;

use super::*;

#[test]
fn roots_are_those_of_rfc_6962() {
    let leaves = leaves(1030);
    let mut range = CompactRange::new();
    for (size, leaf) in leaves.iter().enumerate() {
        assert_eq!(range.root(), mth(&leaves[..size]), "{size} leaves");
        range.push(*leaf);
    }
    assert_eq!(range.root(), mth(&leaves));
}

#[test]
fn a_range_is_read_back_as_it_was_written() {
    let mut range = CompactRange::new();
    for leaf in leaves(70) {
        let bytes = range.encode();
        assert_eq!(bytes.len(), 8 + 32 * range.size().count_ones() as usize);
        let mut rest = [&bytes[..], b"more"].concat();
        let mut rest = rest.as_mut_slice() as &[u8];
        assert_eq!(CompactRange::decode(&mut rest).as_ref(), Some(&range));
        assert_eq!(rest, b"more");
        for length in 0..bytes.len() {
            assert_eq!(CompactRange::decode(&mut &bytes[..length]), None, "{length} of {} bytes", bytes.len());
        }
        range.push(leaf);
    }
}

/// Tiles hold the nodes that their names say, and all of them that are full are there.
fn check_tiles(stored: &Stored) {
    let mut nodes = stored.leaves.clone();
    for level in 0_u8.. {
        let full = nodes.len() / 256;
        for index in 0..full {
            let tile = &stored.tiles[&(level, index as u64)];
            assert_eq!(
                tile.bytes().as_slice(),
                nodes[index * 256..][..256].iter().flat_map(|node| node.0).collect::<Vec<_>>()
            );
        }
        assert_eq!(stored.tiles.keys().filter(|tile| tile.0 == level).count(), full, "level {level}");
        if full == 0 {
            break;
        }
        nodes = nodes.chunks_exact(256).map(mth).collect();
    }
}

#[test]
fn tiles_are_written_once_when_they_are_full() {
    for size in [0, 1, 255, 256, 257, 511, 512, 1000] {
        check_tiles(&Stored::of(&leaves(size)));
    }
}

#[test]
fn tiles_of_higher_levels_are_written_by_warm_and_by_cold_edges() {
    let leaves = leaves(65_536 + 700);
    let warm = Stored::of(&leaves);
    check_tiles(&warm);
    assert_eq!((warm.tiles_read.get(), warm.leaves_read.get()), (0, 0), "a warm edge reads nothing");

    let mut cold = Stored::of(&leaves[..65_500]);
    let mut range = CompactRange::new();
    leaves[..65_500].iter().for_each(|leaf| range.push(*leaf));
    cold.append(&mut Edge::at(range), &leaves[65_500..]);
    check_tiles(&cold);
    assert_eq!((cold.tiles_read.get(), cold.leaves_read.get()), (255, 220), "a cold edge reads what it completes");
    assert!(warm.tiles == cold.tiles);
}

#[test]
fn a_cold_edge_reads_nothing_until_a_tile_is_full() {
    let leaves = leaves(512);
    let mut stored = Stored::of(&leaves[..300]);
    let mut range = CompactRange::new();
    leaves[..300].iter().for_each(|leaf| range.push(*leaf));
    let mut edge = Edge::at(range);
    stored.append(&mut edge, &leaves[300..511]);
    assert_eq!((stored.tiles_read.get(), stored.leaves_read.get()), (0, 0));
    stored.append(&mut edge, &leaves[511..]);
    assert_eq!((stored.tiles_read.get(), stored.leaves_read.get()), (0, 44));
    check_tiles(&stored);
}

#[test]
fn an_edge_stays_small() {
    let mut edge = Edge::default();
    let stored = Stored::default();
    for leaf in leaves(5000) {
        edge.push(leaf, &stored, &mut Vec::new()).expect("a warm edge reads nothing");
        assert!(edge.memory() <= 16 * 1024, "{} bytes", edge.memory());
    }
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let mut edge = Edge::default();
    let stored = Stored::default();
    leaves(200).into_iter().for_each(|leaf| edge.push(leaf, &stored, &mut Vec::new()).expect("warm"));
    let mut cold = Edge::at(edge.range().clone());
    let pushed: Result<Vec<()>, _> =
        leaves(56).into_iter().map(|leaf| cold.push(leaf, &stored, &mut Vec::new())).collect();
    assert_eq!(pushed, Err("no leaves 0..200".to_owned()));
}

#[test]
fn every_earlier_root_can_be_read() {
    let leaves = leaves(1500);
    let stored = Stored::of(&leaves);
    let mut range = CompactRange::new();
    for size in 0..=1500 {
        assert_eq!(root_at(&stored, size), Ok(range.root()), "{size} of 1500");
        range.push(leaves[(size as usize).min(1499)]);
    }
}

#[test]
fn an_earlier_root_of_a_large_tree_costs_few_reads() {
    let leaves = leaves(65_536 + 700);
    let stored = Stored::of(&leaves);
    for size in [1, 255, 256, 300, 65_535, 65_536, 65_537, 66_000, leaves.len()] {
        let read = (stored.tiles_read.get(), stored.leaves_read.get());
        assert_eq!(root_at(&stored, size as u64), Ok(mth(&leaves[..size])), "{size}");
        assert!(stored.tiles_read.get() - read.0 <= 16 && stored.leaves_read.get() - read.1 <= 255, "{size}");
    }
}

#[test]
fn roots_below_the_first_tile_of_a_higher_level_are_found_too() {
    let leaves = leaves(50_000);
    let stored = Stored::of(&leaves);
    for size in [20_000, 32_767, 32_768, 49_999] {
        stored.tiles_read.set(0);
        assert_eq!(root_at(&stored, size as u64), Ok(mth(&leaves[..size])), "{size}");
        assert!(stored.tiles_read.get() <= 255, "{size}");
    }
}

proptest! {
    /// However appends are grouped, and wherever an edge is made anew from what a head holds.
    #[test]
    fn groups_and_restarts_make_no_difference(groups in prop::collection::vec((1_u64..400, any::<bool>()), 1..12)) {
        let leaves = leaves(groups.iter().map(|group| group.0).sum());
        let mut stored = Stored::default();
        let mut edge = Edge::default();
        for (count, restart) in groups {
            if restart {
                let head = edge.range().encode();
                edge = Edge::at(CompactRange::decode(&mut head.as_slice()).expect("as written"));
            }
            let done = stored.leaves.len();
            stored.append(&mut edge, &leaves[done..done + count as usize]);
            prop_assert_eq!(edge.size(), stored.size());
        }
        prop_assert_eq!(edge.root(), mth(&leaves));
        check_tiles(&stored);
    }
}
