//! The row of one event in the log: what routes it and its digest in clear, the rest sealed.

use std::sync::Arc;

use super::{Reader, RowFault};
use crate::{
    AggregateId, AggregateNumber, AggregateRef, AggregateType, Digest, EventId, EventKind, EventType, Header, Micros,
    Position, Recipients, Version,
};

const FORMAT: u8 = 1;
/// The sealed body was compressed (LZ4 block behind its length) before it was sealed.
const COMPRESSED: u8 = 1;
const HAS_OCCURRED_AT: u8 = 2;
/// It goes to those alone whom it names.
const HAS_RECIPIENTS: u8 = 4;

/// A log row, its body still sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventRow<S> {
    pub(crate) header: Header,
    /// Id of the key under which the body is sealed.
    pub(crate) key_id: [u8; 8],
    /// How the payload is committed to: 0 whole, 1 member by member. Part of the digest.
    pub(crate) commitment_kind: u8,
    pub(crate) compressed: bool,
    /// Nonce, ciphertext, tag.
    pub(crate) sealed: S,
}

impl<S: AsRef<[u8]>> EventRow<S> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let header = &self.header;
        let sealed = self.sealed.as_ref();
        let mut out = Vec::with_capacity(192 + sealed.len());
        let recipients = header.recipients.encode();
        let flags = if self.compressed { COMPRESSED } else { 0 }
            | if header.occurred_at.is_some() { HAS_OCCURRED_AT } else { 0 }
            | if recipients.is_empty() { 0 } else { HAS_RECIPIENTS };
        out.extend_from_slice(&[FORMAT, header.kind as u8, flags, self.commitment_kind]);
        out.extend_from_slice(&header.number.get().to_be_bytes());
        out.extend_from_slice(&header.version.get().to_be_bytes());
        out.extend_from_slice(header.event_id.as_bytes());
        out.extend_from_slice(&header.recorded_at.get().to_be_bytes());
        out.extend_from_slice(&header.schema_version.to_be_bytes());
        out.extend_from_slice(&self.key_id);
        out.extend_from_slice(&header.digest.0);
        short_text(&mut out, header.aggregate.kind.as_str());
        short_text(&mut out, header.aggregate.id.as_str());
        short_text(&mut out, header.event_type.as_str());
        if let Some(text) = &header.occurred_at {
            short_text(&mut out, text);
        }
        if !recipients.is_empty() {
            let length = u16::try_from(recipients.len()).expect("RECIPIENTS short names");
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(&recipients);
        }
        out.extend_from_slice(sealed);
        out
    }
}

/// A log row as it lies there: nothing is copied, so that a scan pays only for what it keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventView<'a> {
    pub(crate) position: Position,
    pub(crate) number: AggregateNumber,
    pub(crate) aggregate_type: &'a str,
    pub(crate) aggregate_id: &'a str,
    pub(crate) version: Version,
    pub(crate) event_id: EventId,
    pub(crate) event_type: &'a str,
    pub(crate) recorded_at: Micros,
    pub(crate) occurred_at: Option<&'a str>,
    pub(crate) schema_version: u32,
    pub(crate) kind: EventKind,
    /// As [`Recipients`] are encoded; nothing: everyone.
    pub(crate) recipients: &'a [u8],
    pub(crate) digest: Digest,
    pub(crate) key_id: [u8; 8],
    pub(crate) commitment_kind: u8,
    pub(crate) compressed: bool,
    pub(crate) sealed: &'a [u8],
}

impl<'a> EventView<'a> {
    pub(crate) fn decode(position: Position, bytes: &'a [u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new("log", bytes);
        reader.version(FORMAT)?;
        let kind = match reader.u8()? {
            0 => EventKind::Payload,
            1 => EventKind::Patch,
            2 => EventKind::System,
            _ => return Err(reader.fault("unknown kind of event")),
        };
        let flags = reader.u8()?;
        let commitment_kind = reader.u8()?;
        Ok(Self {
            position,
            kind,
            commitment_kind,
            compressed: flags & COMPRESSED != 0,
            number: AggregateNumber::new(reader.u64()?),
            version: Version::new(reader.u64()?),
            event_id: EventId(reader.array()?),
            recorded_at: Micros::new(reader.u64()?),
            schema_version: reader.u32()?,
            key_id: reader.array()?,
            digest: Digest(reader.array()?),
            aggregate_type: reader.short_text()?,
            aggregate_id: reader.short_text()?,
            event_type: reader.short_text()?,
            occurred_at: if flags & HAS_OCCURRED_AT == 0 { None } else { Some(reader.short_text()?) },
            recipients: if flags & HAS_RECIPIENTS == 0 { &[] } else { recipients(&mut reader)? },
            sealed: reader.rest(),
        })
    }

    /// Whether the event is one of EventDBX's own, or stands in a reserved aggregate.
    pub(crate) fn is_system(&self) -> bool {
        self.event_type.starts_with('$') || self.aggregate_type.starts_with('$')
    }

    /// What stands in clear, to be kept.
    pub(crate) fn header(&self) -> Header {
        SharedNames::default().header(self)
    }
}

/// The names of the row before: rows that follow each other share most of theirs, and a scan keeps each but once.
#[derive(Default)]
pub(crate) struct SharedNames(Option<(AggregateRef, EventType)>);

impl SharedNames {
    /// What stands in clear in the next row, to be kept.
    pub(crate) fn header(&mut self, view: &EventView<'_>) -> Header {
        let (aggregate, event_type) = self.names(view);
        Header {
            position: view.position,
            number: view.number,
            aggregate,
            version: view.version,
            event_id: view.event_id,
            event_type,
            recorded_at: view.recorded_at,
            occurred_at: view.occurred_at.map(Arc::from),
            schema_version: view.schema_version,
            kind: view.kind,
            // They were read once, when the row was.
            recipients: Recipients::decode(view.recipients).unwrap_or_default(),
            digest: view.digest,
        }
    }

    fn names(&mut self, view: &EventView<'_>) -> (AggregateRef, EventType) {
        let EventView { aggregate_type, aggregate_id, event_type, .. } = *view;
        let before = self.0.take();
        let kind = before.as_ref().map(|(name, _)| &name.kind).filter(|kind| kind.as_str() == aggregate_type);
        let id = before.as_ref().map(|(name, _)| &name.id).filter(|id| id.as_str() == aggregate_id);
        let event = before.as_ref().map(|(_, event)| event).filter(|event| event.as_str() == event_type);
        let names = (
            AggregateRef {
                kind: kind.cloned().unwrap_or_else(|| AggregateType::trusted(aggregate_type)),
                id: id.cloned().unwrap_or_else(|| AggregateId::trusted(aggregate_id)),
            },
            event.cloned().unwrap_or_else(|| EventType::trusted(event_type)),
        );
        self.0 = Some(names.clone());
        names
    }
}

/// The recipients in a row, checked to be some.
fn recipients<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], RowFault> {
    let length = u16::from_be_bytes(reader.array()?);
    let bytes = reader.bytes(usize::from(length))?;
    match Recipients::decode(bytes)? {
        Recipients::Only(_) => Ok(bytes),
        Recipients::Everyone => Err(reader.fault("recipients without any")),
    }
}

pub(crate) fn short_text(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).expect("names are at most NAME_BYTES"));
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_shares_names_and_changes_no_header() {
        let rows =
            [("order", "o-1", "placed"), ("order", "o-1", "paid"), ("order", "o-2", "paid"), ("cart", "o-2", "paid")];
        let headers = rows.map(|(kind, id, event)| Header {
            position: Position::new(9),
            number: AggregateNumber::new(3),
            aggregate: AggregateRef::new(kind, id).expect("a name"),
            version: Version::new(2),
            event_id: EventId([7; 16]),
            event_type: event.parse().expect("a type"),
            recorded_at: Micros::new(5),
            occurred_at: (id == "o-1").then(|| "2013-01-01T08:00:00Z".into()),
            schema_version: 1,
            kind: EventKind::Payload,
            recipients: Recipients::Everyone,
            digest: Digest([1; 32]),
        });
        let encoded = headers.clone().map(|header| {
            EventRow { header, key_id: [4; 8], commitment_kind: 0, compressed: false, sealed: [0; 40] }.encode()
        });
        let mut names = SharedNames::default();
        let read = encoded.map(|row| names.header(&EventView::decode(Position::new(9), &row).expect("a row")));
        assert_eq!(read, headers);
        let same = |one: &str, other: &str| std::ptr::eq(one, other);
        assert!(same(read[0].aggregate.kind.as_str(), read[2].aggregate.kind.as_str()));
        assert!(same(read[0].aggregate.id.as_str(), read[1].aggregate.id.as_str()));
        assert!(same(read[1].event_type.as_str(), read[3].event_type.as_str()));
    }
}
