//! Payloads that are committed to member by member, so that one member can be shown, or taken out, without the rest.
//!
//! The leaves of a small tree are salted commitments to the top-level members, in the order of their names (that of
//! RFC 8785). Each has a salt of its own, so that a leaf gives nothing away about a value. What stands in the event digest is
//! a commitment to how many there are and to the root.

use std::{collections::HashMap, sync::Arc};

use fjall::Readable;
use serde_json::value::RawValue;

use crate::{
    Body, Digest, Domain, EventId, Header, Position, ReadError,
    digest::{BY_MEMBER, Commitments, commitments, event_digest},
    merkle::{self, CompactRange, Part, SaltSeed},
    rows,
};

/// A top-level member of a payload, its value byte for byte as it was sent.
struct Member<'t> {
    name: String,
    text: &'t str,
}

/// The members of a payload in the order of their leaves; none: it is no object.
fn members(payload: &str) -> Option<Vec<Member<'_>>> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(payload).ok()?;
    let mut members: Vec<_> = members.into_iter().map(|(name, value)| Member { name, text: value.get() }).collect();
    members.sort_unstable_by(|a, b| a.name.encode_utf16().cmp(b.name.encode_utf16()));
    Some(members)
}

fn leaves(seed: &SaltSeed, members: &[Member<'_>]) -> Vec<Digest> {
    let mut salts = merkle::member_salts(seed);
    members.iter().map(|member| merkle::member(&salts.next_salt(), &member.name, member.text)).collect()
}

/// Commits to a payload member by member; none: it is no object.
pub(crate) fn commitment(seed: &SaltSeed, payload: &str) -> Option<Digest> {
    let leaves = leaves(seed, &members(payload)?);
    let mut tree = CompactRange::new();
    leaves.into_iter().for_each(|leaf| tree.push(leaf));
    Some(over(merkle::salts(seed).of(Part::Payload), tree.size(), &tree.root()))
}

/// What stands in the event digest for a tree of members.
fn over(salt: &[u8; 32], count: u64, root: &Digest) -> Digest {
    merkle::commitment_under(Part::Payload, salt, &[&count.to_be_bytes(), root.0.as_slice()].concat())
}

/// Shows one member of an event's payload, and nothing of the others, to whoever knows the digest of the event.
#[derive(Clone, PartialEq, Eq)]
pub struct MemberProof {
    /// Name of the member.
    pub name: String,
    /// Its value as JSON, byte for byte as it was sent.
    pub text: String,
    /// The salt of the member.
    pub salt: [u8; 32],
    /// Its index among the members, in the order of their names.
    pub index: u64,
    /// How many members the payload has.
    pub count: u64,
    /// From the leaf upwards.
    pub path: Vec<Digest>,
    /// The salt of the payload.
    pub payload_salt: [u8; 32],
    /// Commitments to metadata, extensions and note.
    pub others: [Digest; 3],
    /// Who wrote the event.
    pub actor: Arc<str>,
    /// Id of the domain in whose log the event was first written.
    pub origin: [u8; 16],
}

impl MemberProof {
    /// Whether the event with this header has the member, going by its digest.
    #[must_use]
    pub fn holds_for(&self, header: &Header) -> bool {
        let leaf = merkle::member(&self.salt, &self.name, &self.text);
        let Some(root) = merkle::implied_root(&leaf, self.index, self.count, &self.path) else { return false };
        let [metadata, extensions, note] = self.others;
        let commitments = [over(&self.payload_salt, self.count, &root), metadata, extensions, note];
        event_digest(&self.origin, header, &self.actor, BY_MEMBER, &commitments) == header.digest
    }
}

impl Domain {
    /// Proves what a member of an event's payload says. None: there is no such event or member, or the event's payload is
    /// committed to as a whole, since its schema was not redactable.
    ///
    /// # Errors
    ///
    /// When the event cannot be read.
    pub fn prove_member(&self, event: EventId, name: &str) -> Result<Option<MemberProof>, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let Some(row) = at.get(&files.spaces.ids, event.0)? else { return Ok(None) };
        let position = Position::new(rows::number(&row, "ids")?);
        let opened = files.open_row(position, &files.log_row(&at, position)?)?;
        if opened.commitment_kind != BY_MEMBER {
            return Ok(None);
        }
        let origin = *files.keys.keyring.domain_id();
        Ok(prove(&opened.seed, &opened.event.body, origin, name))
    }
}

fn prove(seed: &SaltSeed, body: &Body, origin: [u8; 16], name: &str) -> Option<MemberProof> {
    let members = members(body.payload.as_str())?;
    let index = members.iter().position(|member| member.name == name)?;
    let path = merkle::inclusion_in(&leaves(seed, &members), index);
    let [_, metadata, extensions, note]: Commitments = commitments(seed, body, BY_MEMBER)?;
    Some(MemberProof {
        name: name.to_owned(),
        text: members[index].text.to_owned(),
        salt: merkle::member_salts(seed).nth_salt(index),
        index: index as u64,
        count: members.len() as u64,
        path,
        payload_salt: *merkle::salts(seed).of(Part::Payload),
        others: [metadata, extensions, note],
        actor: Arc::clone(&body.actor),
        origin,
    })
}

#[cfg(test)]
mod tests;
