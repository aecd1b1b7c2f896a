//! The event digest: the hash that stands for an event in every proof.
//!
//! It binds everything about the event in a canonical encoding in which each variable part stands behind its length, so
//! that no two events have the same encoding. Payload, metadata, extensions and note enter as salted commitments: a
//! digest gives nothing away about them, and stays valid when they are erased.

use crate::{
    Body, Digest, Header, members,
    merkle::{self, SaltSeed},
    rows,
};

/// Format of the encoding; the first byte of it.
const FORMAT: u8 = 1;

/// Commitments to payload, metadata, extensions and note, in this order.
pub(crate) type Commitments = [Digest; 4];

/// Commitment kind of a payload that is committed to as a whole.
pub(crate) const WHOLE: u8 = 0;
/// Commitment kind of a payload that is committed to member by member.
pub(crate) const BY_MEMBER: u8 = 1;

/// Commits to each part under its own salt. An absent part is committed to as well, so that a digest does not tell whether
/// there was a note. None: the payload cannot be committed to in that way, or nobody knows the way.
pub(crate) fn commitments(seed: &SaltSeed, body: &Body, kind: u8) -> Option<Commitments> {
    let mut commitments = whole(seed, body);
    match kind {
        WHOLE => {}
        BY_MEMBER => commitments[0] = members::commitment(seed, body.payload.as_str())?,
        _ => return None,
    }
    Some(commitments)
}

/// Commits to each part as a whole.
pub(crate) fn whole(seed: &SaltSeed, body: &Body) -> Commitments {
    let salts = merkle::salts(seed);
    // No part that is there is empty, so nothing stands for an absent one.
    rows::parts(body).map(|(part, text)| merkle::commitment(part, &salts, text.unwrap_or_default().as_bytes()))
}

/// The digest of an event of the domain `origin`, in whose log it was first written.
pub(crate) fn event_digest(
    origin: &[u8; 16],
    header: &Header,
    actor: &str,
    commitment_kind: u8,
    commitments: &Commitments,
) -> Digest {
    let mut bytes = Vec::with_capacity(384);
    bytes.push(FORMAT);
    bytes.extend_from_slice(origin);
    text(&mut bytes, header.aggregate.kind.as_str());
    text(&mut bytes, header.aggregate.id.as_str());
    bytes.extend_from_slice(&header.version.get().to_be_bytes());
    bytes.extend_from_slice(header.event_id.as_bytes());
    text(&mut bytes, header.event_type.as_str());
    bytes.extend_from_slice(&header.recorded_at.get().to_be_bytes());
    // A time of occurrence is never empty, so an empty text stands for none.
    text(&mut bytes, header.occurred_at.as_deref().unwrap_or_default());
    text(&mut bytes, actor);
    bytes.extend_from_slice(&header.schema_version.to_be_bytes());
    bytes.extend_from_slice(&[header.kind as u8, commitment_kind]);
    for commitment in commitments {
        bytes.extend_from_slice(&commitment.0);
    }
    merkle::leaf(&bytes)
}

fn text(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("names and times are short");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}
