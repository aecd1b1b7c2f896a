//! The second step of a cut: what the component of a payload mode makes of the items of a batch.
//!
//! Invariant: an item comes out as the component said, or not at all. Whatever goes wrong is a fault, and there is no batch.

use eventdbx_sandbox::{Batch, DeliveryMode, Replacement, Shaped};
use eventdbx_store::{
    EventKind, Json, Shape,
    limits::{EXTENSIONS_BYTES, METADATA_BYTES, PAYLOAD_BYTES, STATE_BYTES},
};
use serde_json::{Map, Value};

use super::{Cut, CutError, Cutter, Gathered, Item};
use crate::plugins::shaping::Lens;

impl Cutter<'_> {
    /// Has the component of the mode, if it is one, shape a batch, all of it in one call.
    pub(in crate::plugins) fn finish(&self, gathered: Gathered) -> Result<Cut, CutError> {
        let mut cut = gathered.0;
        let Some(lens) = self.lens.as_ref().filter(|_| !cut.items.is_empty()) else { return Ok(cut) };
        let domain = &self.services.domain;
        let last = cut.items.last().map_or(cut.end, |item| item.header().position);
        let answers = cut.lend(&domain.schemas(), |schemas, items| {
            lens.shape(&Batch {
                domain: domain.name().as_str(),
                // What comes again is shaped as it was, whoever asks and however often.
                mode: DeliveryMode::Live,
                payload_mode: lens.mode(),
                attempt: 1,
                head_position: last.get(),
                schemas,
                items,
            })
        })?;
        let items = std::mem::take(&mut cut.items);
        let count = items.len();
        for (item, answer) in items.into_iter().zip(answers) {
            cut.items.extend(item.shaped(answer, lens, count)?);
        }
        Ok(cut)
    }
}

impl Item {
    /// Takes over what a component made of it; none: it is left out.
    fn shaped(mut self, answer: Shaped, lens: &Lens, items: usize) -> Result<Option<Self>, CutError> {
        match answer {
            Shaped::Keep => Ok(Some(self)),
            Shaped::LeaveOut => Ok(None),
            Shaped::Replace(new) => {
                let header = self.header();
                if let Err(what) = check(header.kind, &new) {
                    return Err(lens
                        .fault(items, format!("it shapes position {} wrongly: {what}", header.position))
                        .into());
                }
                self.shaped = Some(new);
                Ok(Some(self))
            }
        }
    }
}

/// What a component puts in the place of content must be such content: a receiver is promised as much.
fn check(kind: EventKind, new: &Replacement) -> Result<(), String> {
    let payload = if kind == EventKind::Patch { Shape::Array } else { Shape::Object };
    for (what, text, shape, most) in [
        ("payload", &new.payload, payload, PAYLOAD_BYTES),
        ("state", &new.state, Shape::Object, STATE_BYTES),
        ("metadata", &new.metadata, Shape::Object, METADATA_BYTES),
        ("extensions", &new.extensions, Shape::Object, EXTENSIONS_BYTES),
    ] {
        let parsed = text.as_deref().map(|text| Json::parse(text, shape, most)).transpose();
        parsed.map_err(|fault| format!("its {what}: {fault}"))?;
    }
    let extensions: Map<String, Value> =
        new.extensions.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    match extensions.keys().find(|key| !key.starts_with('@')) {
        Some(_) => Err("its extensions: a key does not begin with @".to_owned()),
        None => Ok(()),
    }
}
