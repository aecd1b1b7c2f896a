//! The row of one event in the log: what routes it and its digest in clear, the rest sealed.

use std::sync::Arc;

use super::{Reader, RowFault};
use crate::{
    AggregateId, AggregateNumber, AggregateRef, AggregateType, Digest, EventId, EventKind, EventType, Header, Micros,
    Position, Version,
};

const FORMAT: u8 = 1;
/// The sealed body was compressed (LZ4 block behind its length) before it was sealed.
const COMPRESSED: u8 = 1;
const HAS_OCCURRED_AT: u8 = 2;

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
        let flags = if self.compressed { COMPRESSED } else { 0 }
            | if header.occurred_at.is_some() { HAS_OCCURRED_AT } else { 0 };
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
        out.extend_from_slice(sealed);
        out
    }
}

impl<'a> EventRow<&'a [u8]> {
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
        let number = AggregateNumber::new(reader.u64()?);
        let version = Version::new(reader.u64()?);
        let event_id = EventId(reader.array()?);
        let recorded_at = Micros::new(reader.u64()?);
        let schema_version = reader.u32()?;
        let key_id = reader.array()?;
        let digest = Digest(reader.array()?);
        let aggregate = AggregateRef {
            kind: AggregateType::trusted(reader.short_text()?),
            id: AggregateId::trusted(reader.short_text()?),
        };
        let event_type = EventType::trusted(reader.short_text()?);
        let occurred_at = match flags & HAS_OCCURRED_AT {
            0 => None,
            _ => Some(Arc::from(reader.short_text()?)),
        };
        let header = Header {
            position,
            number,
            aggregate,
            version,
            event_id,
            event_type,
            recorded_at,
            occurred_at,
            schema_version,
            kind,
            digest,
        };
        Ok(Self { header, key_id, commitment_kind, compressed: flags & COMPRESSED != 0, sealed: reader.rest() })
    }
}

fn short_text(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).expect("names are at most NAME_BYTES"));
    out.extend_from_slice(text.as_bytes());
}
