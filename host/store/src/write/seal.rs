//! The last of what is done on the caller's thread: the parts of an event are committed to and its body is sealed.

use std::sync::Arc;

use super::{
    CheckedEvent, Effect, Follows, Need,
    idempotency::{fresh_id, keyed_id},
    parse::ParsedEvent,
};
use crate::{
    AggregateRef, EventKind, Micros, Recipients,
    digest::{BY_MEMBER, WHOLE, commitments, whole},
    files::Files,
    keys::KeptKey,
    rows::SealedParts,
    seal::Binding,
};

/// What was found out about an event.
pub(super) struct Terms {
    pub(super) effect: Effect,
    pub(super) follows: Option<Follows>,
    pub(super) needs: Vec<Need>,
    pub(super) snapshot_threshold: u32,
}

/// Commits to the parts of an event and seals its body.
pub(super) fn seal(
    files: &Files,
    event: ParsedEvent,
    terms: Terms,
    key: Arc<KeptKey>,
    idempotency: Option<(&str, usize)>,
    now: Micros,
) -> CheckedEvent {
    let keyring = &files.keys.keyring;
    let event_id = match idempotency {
        Some((key, index)) => keyed_id(keyring.id_key(), &event.aggregate, key, index),
        None => fresh_id(now),
    };
    let parts = SealedParts { seed: rand::random(), body: event.body };
    // A patch says what to do with members rather than what they are: it has none to take out.
    let by_member = event.kind == EventKind::Payload
        && terms.follows.as_ref().is_some_and(|follows| follows.schema.document().is_redactable());
    let by_member = by_member.then(|| commitments(&parts.seed, &parts.body, BY_MEMBER)).flatten();
    let commitment_kind = if by_member.is_some() { BY_MEMBER } else { WHOLE };
    let commitments = by_member.unwrap_or_else(|| whole(&parts.seed, &parts.body));
    let mut plain = Vec::with_capacity(256 + parts.body.payload.as_str().len());
    parts.encode(&mut plain);
    let (plain, compressed) = compress_where_it_pays(plain);
    let binding = body_binding(keyring.domain_id(), key.id(), &event.aggregate, event_id, &event.recipients);
    let sealed = key.cipher.seal(&binding, &plain);
    CheckedEvent {
        aggregate: event.aggregate,
        event_type: event.event_type,
        event_id,
        kind: event.kind,
        expected: event.expected,
        occurred_at: event.occurred_at,
        recipients: event.recipients,
        body: parts.body,
        effect: terms.effect,
        follows: terms.follows,
        needs: terms.needs,
        snapshot_threshold: terms.snapshot_threshold,
        commitments,
        commitment_kind,
        key,
        compressed,
        sealed,
    }
}

/// What an event's ciphertext is bound to, so that it opens nowhere else. The digest binds the event id to its version.
fn body_binding(
    domain_id: &[u8; 16],
    key_id: &[u8; 8],
    name: &AggregateRef,
    event_id: crate::EventId,
    recipients: &Recipients,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    let (name, recipients) = ((name.kind.as_str(), name.id.as_str()), recipients.encode());
    Binding::of_body(&mut bytes, key_id, domain_id, name, event_id, &recipients).finish();
    bytes
}

/// Compresses a body from this size on, if that saves an eighth of it.
const COMPRESS_FROM: usize = 512;

pub(super) fn compress_where_it_pays(plain: Vec<u8>) -> (Vec<u8>, bool) {
    if plain.len() < COMPRESS_FROM {
        return (plain, false);
    }
    let packed = lz4_flex::block::compress_prepend_size(&plain);
    if packed.len() < plain.len() / 8 * 7 { (packed, true) } else { (plain, false) }
}
