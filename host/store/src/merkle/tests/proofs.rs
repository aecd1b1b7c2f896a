//! Proofs, made and checked.

use proptest::prelude::*;

use super::*;

/// RFC 6962, section 2.1.3: the tree of seven leaves.
#[test]
fn the_examples_of_the_rfc() {
    let leaves = leaves(7);
    let stored = Stored::of(&leaves);
    let [a, b, c, d, e, f, j] = *leaves.as_slice() else { panic!("seven") };
    let (g, h, i) = (node(&a, &b), node(&c, &d), node(&e, &f));
    let (k, l) = (node(&g, &h), node(&i, &j));
    assert_eq!(root_at(&stored, 7), Ok(node(&k, &l)));
    assert_eq!(inclusion(&stored, 0, 7), Ok(vec![b, h, l]));
    assert_eq!(inclusion(&stored, 3, 7), Ok(vec![c, g, l]));
    assert_eq!(inclusion(&stored, 4, 7), Ok(vec![f, j, k]));
    assert_eq!(inclusion(&stored, 6, 7), Ok(vec![i, k]));
    assert_eq!(consistency(&stored, 3, 7), Ok(vec![c, d, g, l]));
    assert_eq!(consistency(&stored, 4, 7), Ok(vec![l]));
    assert_eq!(consistency(&stored, 6, 7), Ok(vec![i, j, k]));
}

#[test]
fn every_inclusion_proof_leads_to_the_root_and_to_no_other() {
    let leaves = leaves(130);
    let stored = Stored::of(&leaves);
    for size in 1..=130 {
        let root = mth(&leaves[..size as usize]);
        for index in 0..size {
            let leaf = &leaves[index as usize];
            let path = inclusion(&stored, index, size).expect("stored");
            assert!(verify_inclusion(leaf, index, size, &path, &root), "{index} in {size}");
            assert!(!verify_inclusion(leaf, index + 1, size, &path, &root), "another index");
            assert!(!verify_inclusion(leaf, index, size, &path, leaf) || size == 1, "another root");
            let other = &leaves[(index as usize + 1) % 130];
            assert!(!verify_inclusion(other, index, size, &path, &root), "another leaf");
            for mangled in mangled(&path) {
                assert!(!verify_inclusion(leaf, index, size, &mangled, &root), "{index} in {size}: {mangled:?}");
            }
        }
        assert!(!verify_inclusion(&root, size, size, &[], &root), "past the end");
    }
    assert!(!verify_inclusion(&leaves[0], 0, 0, &[], &leaves[0]), "nothing is in an empty tree");
}

#[test]
fn every_consistency_proof_links_two_roots_and_no_others() {
    let leaves = leaves(130);
    let stored = Stored::of(&leaves);
    let roots: Vec<Digest> = (0..=130).map(|size| mth(&leaves[..size])).collect();
    for new in 1..=130 {
        for old in 1..=new {
            let (old_root, new_root) = (&roots[old as usize], &roots[new as usize]);
            let proof = consistency(&stored, old, new).expect("stored");
            assert!(verify_consistency(old, new, old_root, new_root, &proof), "{old} to {new}");
            assert!(!verify_consistency(old, new, &roots[0], new_root, &proof), "another old root");
            assert!(!verify_consistency(old, new, old_root, &roots[0], &proof), "another new root");
            assert!(!verify_consistency(old - 1, new, old_root, new_root, &proof), "another old size");
            for mangled in mangled(&proof) {
                assert!(!verify_consistency(old, new, old_root, new_root, &mangled), "{old} to {new}: {mangled:?}");
            }
        }
    }
    assert!(!verify_consistency(2, 1, &roots[2], &roots[1], &[]), "a tree does not shrink");
}

/// A proof with a hash changed, missing, or too many.
fn mangled(proof: &[Digest]) -> Vec<Vec<Digest>> {
    let mut all = vec![[proof, &[Digest::default()]].concat(), [&[Digest::default()], proof].concat()];
    for at in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[at].0[31] ^= 1;
        let mut missing = proof.to_vec();
        missing.remove(at);
        all.extend([changed, missing]);
    }
    all
}

/// Once: a tree that has a tile of the second level.
fn large() -> (Stored, CompactRange) {
    let leaves = leaves(65_536 + 700);
    let mut range = CompactRange::new();
    leaves.iter().for_each(|leaf| range.push(*leaf));
    (Stored::of(&leaves), range)
}

#[test]
fn proofs_of_a_large_tree_cost_few_reads() {
    let (stored, range) = large();
    let (size, root) = (range.size(), range.root());
    for index in [0, 1, 255, 256, 40_000, 65_535, 65_536, 65_791, 65_792, size - 1] {
        let read = (stored.tiles_read.get(), stored.leaves_read.get());
        let path = inclusion(&stored, index, size).expect("stored");
        assert!(verify_inclusion(&stored.leaves[index as usize], index, size, &path, &root), "{index}");
        let old_root = root_at(&stored, index + 1).expect("stored");
        let proof = consistency(&stored, index + 1, size).expect("stored");
        assert!(verify_consistency(index + 1, size, &old_root, &root, &proof), "{index}");
        assert!(stored.tiles_read.get() - read.0 <= 64 && stored.leaves_read.get() - read.1 <= 3 * 255, "{index}");
    }
}

proptest! {
    #[test]
    fn proofs_of_any_tree_hold(size in 131_u64..3000, at: prop::sample::Index) {
        let leaves = leaves(size);
        let stored = Stored::of(&leaves);
        let root = mth(&leaves);
        let index = at.index(leaves.len());
        let path = inclusion(&stored, index as u64, size).expect("stored");
        prop_assert!(verify_inclusion(&leaves[index], index as u64, size, &path, &root));
        let proof = consistency(&stored, index as u64 + 1, size).expect("stored");
        prop_assert!(verify_consistency(index as u64 + 1, size, &mth(&leaves[..=index]), &root, &proof));
    }
}
