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
use crate::plugins::{PayloadMode, shaping::Lens, states::StateError};

impl Cutter<'_> {
    /// Gives old events the shape of today, and has the components that are concerned shape the batch: that of the mode, if
    /// it is one, all of it in one call, and then those that writers named for events of theirs.
    pub(in crate::plugins) fn finish(&self, gathered: Gathered) -> Result<Cut, CutError> {
        let mut cut = gathered.0;
        self.upcast(&mut cut.items)?;
        let count = cut.items.len();
        if let Some(lens) = &self.lens {
            self.shape(&mut cut, lens, |_| true)?;
        }
        for (mode, lens) in self.of_writers(&cut) {
            // Fewer items may leave out the one that it fails on, whoever else is in the batch.
            let whole = |fault| match fault {
                CutError::Mode(fault) => fault.among(count).into(),
                other => other,
            };
            self.shape(&mut cut, &lens, |item| self.selector.mode_of(item.header()) == Some(mode)).map_err(whole)?;
        }
        Ok(cut)
    }

    /// The batch as it is, unless some component is to shape something of it.
    ///
    /// # Errors
    ///
    /// When an old event has no shape of today.
    pub(in crate::plugins) fn finish_unshaped(&self, gathered: Gathered) -> Result<Option<Cut>, StateError> {
        let mut cut = gathered.0;
        if self.lens.is_some() || !self.of_writers(&cut).is_empty() {
            return Ok(None);
        }
        self.upcast(&mut cut.items)?;
        Ok(Some(cut))
    }

    /// The components among the modes that the writers of events in a batch named for this recipient. A mode that is gone,
    /// or was never there, lets nothing through: there is nothing to shape.
    fn of_writers(&self, cut: &Cut) -> Vec<(PayloadMode, Lens)> {
        let mut lenses: Vec<(PayloadMode, Lens)> = Vec::new();
        for mode in cut.items.iter().filter_map(|item| self.selector.mode_of(item.header())) {
            let PayloadMode::Named(name) = mode else { continue };
            let is_component = self.modes.get(&name).is_some_and(|mode| mode.shaping.is_some());
            if is_component && mode != self.mode && lenses.iter().all(|(known, _)| *known != mode) {
                lenses.extend(self.selector.lens(mode, &self.modes).map(|lens| (mode, lens)));
            }
        }
        lenses
    }

    /// Has one component shape the items that it is about.
    fn shape(&self, cut: &mut Cut, lens: &Lens, is_about: impl Fn(&Item) -> bool) -> Result<(), CutError> {
        let (about, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut cut.items).into_iter().enumerate().partition(|(_, item)| is_about(item));
        let (places, items): (Vec<_>, Vec<_>) = about.into_iter().unzip();
        let Some(last) = items.last().map(|item: &Item| item.header().position) else {
            cut.items = others.into_iter().map(|(_, item)| item).collect();
            return Ok(());
        };
        let domain = &self.services.domain;
        let asked = Cut { items, end: last, tree: cut.tree.clone(), left_out: 0, bytes: 0 };
        let answers = asked.lend(&domain.schemas(), |schemas, items| {
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
        let count = asked.items.len();
        let mut shaped = others;
        for ((place, item), answer) in places.into_iter().zip(asked.items).zip(answers) {
            shaped.extend(item.shaped(answer, lens, count)?.map(|item| (place, item)));
        }
        shaped.sort_unstable_by_key(|(place, _)| *place);
        cut.items = shaped.into_iter().map(|(_, item)| item).collect();
        Ok(())
    }
}

impl Item {
    /// Takes over what a component made of it; none: it is left out.
    fn shaped(mut self, answer: Shaped, lens: &Lens, items: usize) -> Result<Option<Self>, CutError> {
        match answer {
            Shaped::Keep => Ok(Some(self)),
            Shaped::LeaveOut => Ok(None),
            Shaped::Replace(mut new) => {
                let header = self.header();
                if let Err(what) = check(header.kind, &new) {
                    return Err(lens
                        .fault(items, format!("it shapes position {} wrongly: {what}", header.position))
                        .into());
                }
                if let Some(before) = &self.shaped {
                    new = as_far_as(before, new);
                }
                self.shaped = Some(new);
                Ok(Some(self))
            }
        }
    }
}

/// What an earlier component has left out stays out.
fn as_far_as(before: &Replacement, new: Replacement) -> Replacement {
    let both = |before: &Option<String>, new: Option<String>| before.as_ref().and(new);
    Replacement {
        payload: both(&before.payload, new.payload),
        state: both(&before.state, new.state),
        metadata: both(&before.metadata, new.metadata),
        extensions: both(&before.extensions, new.extensions),
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
