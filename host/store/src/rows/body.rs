//! What is sealed in a log row: the salt seed and the parts that the event digest commits to.

use std::sync::Arc;

use super::{Reader, RowFault};
use crate::{
    Body, Json,
    merkle::{Part, SaltSeed},
};

/// Length that stands for an absent part.
const ABSENT: u32 = u32::MAX;

/// The parts in the order of their commitments, and the seed of their salts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealedParts {
    pub(crate) seed: SaltSeed,
    pub(crate) body: Body,
}

impl SealedParts {
    /// seed ‖ actor (length of one byte) ‖ payload, metadata, extensions, note (each a length of four bytes, or all ones
    /// for an absent one).
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let body = &self.body;
        out.extend_from_slice(&self.seed);
        out.push(u8::try_from(body.actor.len()).expect("checked against NAME_BYTES"));
        out.extend_from_slice(body.actor.as_bytes());
        for (_, part) in parts(body) {
            let length = part.map_or(ABSENT, |text| u32::try_from(text.len()).expect("checked against its limit"));
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(part.unwrap_or_default().as_bytes());
        }
    }
}

/// The same as it was unsealed, with nothing copied.
#[derive(Clone, Copy)]
pub(crate) struct PartsView<'a> {
    pub(crate) seed: SaltSeed,
    pub(crate) actor: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) metadata: Option<&'a str>,
    pub(crate) extensions: Option<&'a str>,
    pub(crate) note: Option<&'a str>,
}

impl<'a> PartsView<'a> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new("event body", bytes);
        let seed = reader.array()?;
        let actor = reader.short_text()?;
        let payload = part(&mut reader)?.ok_or_else(|| reader.fault("no payload"))?;
        let metadata = part(&mut reader)?;
        let extensions = part(&mut reader)?;
        let note = part(&mut reader)?;
        reader.end()?;
        Ok(Self { seed, actor, payload, metadata, extensions, note })
    }

    /// The body, to be kept.
    pub(crate) fn body(&self) -> Body {
        Body {
            actor: self.actor.into(),
            payload: Json::trusted(self.payload),
            metadata: self.metadata.map(Json::trusted),
            extensions: self.extensions.map(Json::trusted),
            note: self.note.map(Arc::from),
        }
    }
}

/// The four parts that are committed to, in the order in which they stand.
pub(crate) fn parts(body: &Body) -> [(Part, Option<&str>); 4] {
    [
        (Part::Payload, Some(body.payload.as_str())),
        (Part::Metadata, body.metadata.as_ref().map(Json::as_str)),
        (Part::Extensions, body.extensions.as_ref().map(Json::as_str)),
        (Part::Note, body.note.as_deref()),
    ]
}

fn part<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a str>, RowFault> {
    match reader.u32()? {
        ABSENT => Ok(None),
        length => reader.text(length as usize).map(Some),
    }
}
