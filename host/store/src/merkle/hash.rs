//! Every hash of the log, each kind in a domain of its own: the first byte that is hashed says what it is, so that no
//! value of one kind can pass for a value of another.
//!
//! | byte | what | hashed after it |
//! |---|---|---|
//! | 0x00 | leaf of an aggregate's tree: the event digest | the encoding of the event |
//! | 0x01 | inner node of either tree | left child ‖ right child |
//! | 0x02 | leaf of a domain's tree | position u64 BE ‖ event digest |
//! | 0x03 | snapshot | salt 32 ‖ canonical state |
//! | 0x04 | kept for checkpoints | |
//! | 0x05 | commitment | part u8 ‖ salt 32 ‖ value; part 4: a member of a payload |
//! | 0x06 | commit record | its encoding |
//! | 0x07 | salts of an event (128 bytes of output, then 32 for each member) | seed 16 |
//!
//! The root of an empty tree is the hash of nothing at all.

use blake3::{Hasher, OutputReader};

use crate::{Digest, Position};

const LEAF: u8 = 0x00;
const NODE: u8 = 0x01;
const DOMAIN_LEAF: u8 = 0x02;
const SNAPSHOT: u8 = 0x03;
const COMMITMENT: u8 = 0x05;
const COMMIT_RECORD: u8 = 0x06;
const SALTS: u8 = 0x07;

/// The event digest, which is a leaf of the aggregate's tree.
pub(crate) fn leaf(encoding: &[u8]) -> Digest {
    tagged(LEAF, encoding)
}

/// The node above two others.
pub(crate) fn node(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [NODE; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Digest(blake3::hash(&bytes).into())
}

/// A leaf of the domain's tree.
pub(crate) fn domain_leaf(position: Position, event: &Digest) -> Digest {
    let mut bytes = [DOMAIN_LEAF; 41];
    bytes[1..9].copy_from_slice(&position.get().to_be_bytes());
    bytes[9..].copy_from_slice(&event.0);
    Digest(blake3::hash(&bytes).into())
}

/// The hash of a commit record.
pub(crate) fn commit_record(encoding: &[u8]) -> Digest {
    tagged(COMMIT_RECORD, encoding)
}

/// A part of an event that is committed to by itself. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Part {
    /// The payload or patch.
    Payload = 0,
    /// The metadata.
    Metadata = 1,
    /// The extensions.
    Extensions = 2,
    /// The note.
    Note = 3,
}

/// From which the salts of an event are derived. It is stored inside the ciphertext.
pub(crate) type SaltSeed = [u8; 16];

/// A member of a payload: beside the numbers of [`Part`].
const MEMBER: u8 = 4;

/// Bytes of the salts of all parts.
const PART_SALTS: usize = 128;

/// One salt per [`Part`].
pub(crate) struct Salts([u8; PART_SALTS]);

impl Salts {
    /// The salt of a part.
    pub(crate) fn of(&self, part: Part) -> &[u8; 32] {
        &self.0.as_chunks().0[part as usize]
    }
}

/// The salts that a seed stands for.
pub(crate) fn salts(seed: &SaltSeed) -> Salts {
    let mut salts = [0; PART_SALTS];
    salts_of(seed).fill(&mut salts);
    Salts(salts)
}

fn salts_of(seed: &SaltSeed) -> OutputReader {
    let mut bytes = [SALTS; 17];
    bytes[1..].copy_from_slice(seed);
    Hasher::new().update(&bytes).finalize_xof()
}

/// The salts of the members of a payload, one after the other.
pub(crate) struct MemberSalts(OutputReader);

/// The salts of members that a seed stands for: they follow those of the parts.
pub(crate) fn member_salts(seed: &SaltSeed) -> MemberSalts {
    let mut salts = salts_of(seed);
    salts.set_position(PART_SALTS as u64);
    MemberSalts(salts)
}

impl MemberSalts {
    /// The salt of the next member.
    pub(crate) fn next_salt(&mut self) -> [u8; 32] {
        let mut salt = [0; 32];
        self.0.fill(&mut salt);
        salt
    }

    /// The salt of the member at an index, counted from the next one.
    pub(crate) fn nth_salt(mut self, index: usize) -> [u8; 32] {
        self.0.set_position(self.0.position() + 32 * index as u64);
        self.next_salt()
    }
}

/// Commits to a member of a payload.
pub(crate) fn member(salt: &[u8; 32], name: &str, text: &str) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[COMMITMENT, MEMBER]).update(salt);
    hasher.update(&(name.len() as u64).to_be_bytes()).update(name.as_bytes()).update(text.as_bytes());
    Digest(hasher.finalize().into())
}

/// Commits to a value without betraying it: whoever does not know the salt cannot try values out.
pub(crate) fn commitment(part: Part, salts: &Salts, value: &[u8]) -> Digest {
    commitment_under(part, salts.of(part), value)
}

/// The same under a salt that is at hand.
pub(crate) fn commitment_under(part: Part, salt: &[u8; 32], value: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[COMMITMENT, part as u8]).update(salt).update(value);
    Digest(hasher.finalize().into())
}

/// Commits to the state that a snapshot holds.
pub(crate) fn snapshot(salt: &[u8; 32], state: &[u8]) -> Digest {
    Digest(Hasher::new().update(&[SNAPSHOT]).update(salt).update(state).finalize().into())
}

/// The root of a tree without leaves.
pub(super) fn empty() -> Digest {
    Digest(blake3::hash(&[]).into())
}

fn tagged(tag: u8, bytes: &[u8]) -> Digest {
    Digest(Hasher::new().update(&[tag]).update(bytes).finalize().into())
}
