//! Frozen values: whoever changes one of these changes the format.

use super::*;
use crate::Position;

#[test]
fn hashes_are_as_they_always_were() {
    let a = leaf(b"a");
    let frozen = [
        (a, "1ff621ee3430890e869728995a6cee4f2b0b61271bfc19b0092b06d778750ae8"),
        (node(&a, &leaf(b"b")), "6564e87d8619ea09c801c567c641d47fe817ae3b2cf80685cde2eb6557247eca"),
        (domain_leaf(Position::new(7), &a), "a8b66865470e7b752fbc5b35c897d57069268b600e2ec5f57f3b9632365d9fa3"),
        (
            commitment(Part::Note, &salts(&[9; 16]), b"a"),
            "1c2a5ced08cdc77ec5f9f51110d223ea90f391988a77d8ab2b4ee85b26230b78",
        ),
        (commit_record(b"a"), "2637baf001b44da0d3ca499ab889925ac8f204f8e62b14da550ca6b86fcf8174"),
        (CompactRange::new().root(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
    ];
    for (digest, hex) in frozen {
        assert_eq!(digest.to_string(), hex);
    }
}

#[test]
fn every_kind_is_hashed_in_a_domain_of_its_own() {
    let digest = Digest([1; 32]);
    let placed = [&7_u64.to_be_bytes(), &digest.0[..]].concat();
    assert_ne!(leaf(b"the same bytes"), commit_record(b"the same bytes"));
    assert_ne!(node(&digest, &digest), leaf(&[1; 64]));
    assert_ne!(domain_leaf(Position::new(7), &digest), leaf(&placed));
}

#[test]
fn salts_differ_by_part_and_by_seed() {
    let parts = [Part::Payload, Part::Metadata, Part::Extensions, Part::Note];
    let (one, other) = (salts(&[1; 16]), salts(&[2; 16]));
    let all: std::collections::HashSet<_> = parts.iter().flat_map(|&part| [one.of(part), other.of(part)]).collect();
    assert_eq!(all.len(), 8);
    assert_ne!(commitment(Part::Payload, &one, b"x"), commitment(Part::Metadata, &one, b"x"));
    assert_ne!(commitment(Part::Payload, &one, b"x"), commitment(Part::Payload, &other, b"x"));
}
