//! A request that comes again is answered with the receipt of the first time.
//!
//! Event `i` of a request with key `k` has an id that is a keyed hash of its aggregate and `k/i`. So the row that finds an
//! event by id also finds it by key, and the key holds for as long as the aggregate is there.

use fjall::Readable;

use super::parse::ParsedEvent;
use crate::{
    AggregateRef, AppendError, Event, EventId, EventReceipt, Json, Micros, ReadError, Receipt, canonical_json,
    files::Files, rows::EventView,
};

/// Id of event `index` of the request `key`: a UUID of version 8 (RFC 9562, section 5.8).
pub(crate) fn keyed_id(id_key: &[u8; 32], name: &AggregateRef, key: &str, index: usize) -> EventId {
    let mut hasher = blake3::Hasher::new_keyed(id_key);
    for part in [name.kind.as_str(), name.id.as_str(), key] {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(&(index as u64).to_be_bytes());
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    EventId(uuid::Builder::from_custom_bytes(id).into_uuid().into_bytes())
}

/// A new id for an event without a key: a UUID of version 7.
pub(crate) fn fresh_id(now: Micros) -> EventId {
    let random: [u8; 10] = rand::random();
    EventId(uuid::Builder::from_unix_timestamp_millis(now.get() / 1000, &random).into_uuid().into_bytes())
}

/// The receipt of the request `key`, if it was committed before.
///
/// # Errors
///
/// [`AppendError::KeyReused`] when the key was used for other content.
pub(crate) fn committed_before(
    files: &Files,
    at: &fjall::Snapshot,
    events: &[ParsedEvent],
    key: &str,
) -> Result<Option<Receipt>, AppendError> {
    let id_key = files.keys.keyring.id_key();
    let find = |name: &AggregateRef, index: usize| -> Result<Option<Event>, AppendError> {
        let row = at.get(&files.spaces.ids, keyed_id(id_key, name, key, index).0);
        let Some(position) = row.map_err(ReadError::from)? else { return Ok(None) };
        files.event_at_row(at, &position).map(Some).map_err(AppendError::from)
    };
    let reused = || AppendError::KeyReused { key: key.to_owned() };
    let mut receipts: Vec<EventReceipt> = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        match find(&event.aggregate, index)? {
            // Events of one request stand side by side; else they are of two that shared the key over other aggregates.
            Some(stored) if receipts.len() == index && same(&stored, event) && follows(&receipts, &stored) => {
                receipts.push(stored.receipt());
            }
            None if receipts.is_empty() => {}
            // Either all of a request is there or nothing of it.
            _ => return Err(reused()),
        }
    }
    if receipts.is_empty() {
        return Ok(None);
    }
    // The first time it must not have had more events than now: they would stand right behind.
    if let Some(last) = receipts.last()
        && let Some(row) =
            at.get(&files.spaces.log, last.position.next().get().to_be_bytes()).map_err(ReadError::from)?
    {
        let next = EventView::decode(last.position.next(), &row).map_err(ReadError::from)?.header();
        if next.event_id == keyed_id(id_key, &next.aggregate, key, events.len()) {
            return Err(reused());
        }
    }
    Ok(Some(Receipt { events: receipts, durability: files.durability, duplicate: true }))
}

/// Whether an event stands right behind the ones before it.
fn follows(receipts: &[EventReceipt], stored: &Event) -> bool {
    receipts.last().is_none_or(|last| last.position.next() == stored.header.position)
}

/// Whether the same was asked for. JSON is compared by value: white space and the order of members do not count.
fn same(stored: &Event, asked: &ParsedEvent) -> bool {
    let json = |a: &Json, b: &Json| a == b || canonical_json(a.as_str()) == canonical_json(b.as_str());
    let optional = |a: &Option<Json>, b: &Option<Json>| match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => json(a, b),
        _ => false,
    };
    stored.header.kind == asked.kind
        && stored.header.event_type == asked.event_type
        && stored.header.occurred_at == asked.occurred_at
        && stored.header.recipients == asked.recipients
        && stored.body.note == asked.body.note
        && json(&stored.body.payload, &asked.body.payload)
        && optional(&stored.body.metadata, &asked.body.metadata)
        && optional(&stored.body.extensions, &asked.body.extensions)
}
