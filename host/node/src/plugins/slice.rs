//! What a payload mode comes to: parts of a delivery, and fields of its payload and state.

use std::{collections::BTreeMap, sync::Arc};

use eventdbx_sandbox::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    PayloadMode,
    fields::{FieldFilter, FieldList},
    mode::ModeName,
    shaping::Shaping,
};

/// A part of a delivery, or the parts that make an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Payload, envelope and extensions.
    Event,
    /// The payload.
    Payload,
    /// The state right after the event.
    State,
    /// The schema that it was checked with.
    Schema,
    /// Actor, note, metadata, digest.
    Envelope,
    /// The extensions.
    Extensions,
}

/// Parts and fields: as much of an event as may be delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) parts: Parts,
    /// All of them hold.
    pub(super) fields: Vec<Arc<FieldFilter>>,
}

/// A mode of the domain's own.
#[derive(Debug, Clone)]
pub(super) struct Mode {
    /// What it lets through.
    pub(super) slice: Slice,
    /// The component that then shapes it, where the mode is one.
    pub(super) shaping: Option<Arc<Shaping>>,
}

/// The modes of a domain's own, at one moment.
pub(super) type ModeMap = BTreeMap<ModeName, Mode>;

impl Slice {
    /// What was asked for when a mode was made.
    pub(super) fn new(parts: &[Part], fields: &FieldList) -> Result<Self, Vec<String>> {
        let mut slice = Self::default();
        for part in parts {
            let parts = &mut slice.parts;
            match part {
                Part::Event => (parts.payload, parts.envelope, parts.extensions) = (true, true, true),
                Part::Payload => parts.payload = true,
                Part::State => parts.state = true,
                Part::Schema => parts.schema = true,
                Part::Envelope => parts.envelope = true,
                Part::Extensions => parts.extensions = true,
            }
        }
        slice.fields = FieldFilter::new(fields)?.map(Arc::new).into_iter().collect();
        Ok(slice)
    }

    /// What a mode names; none: the domain has no such mode.
    pub(super) fn of(mode: PayloadMode, modes: &ModeMap) -> Option<Self> {
        let event = matches!(mode, PayloadMode::All | PayloadMode::EventOnly | PayloadMode::EventAndSchema);
        let parts = match mode {
            PayloadMode::Named(name) => return modes.get(&name).map(|mode| mode.slice.clone()),
            mode => Parts {
                payload: event,
                state: matches!(mode, PayloadMode::All | PayloadMode::StateOnly),
                schema: matches!(mode, PayloadMode::All | PayloadMode::SchemaOnly | PayloadMode::EventAndSchema),
                envelope: event || matches!(mode, PayloadMode::ExtensionsOnly),
                extensions: event || matches!(mode, PayloadMode::ExtensionsOnly),
            },
        };
        Some(Self { parts, fields: Vec::new() })
    }

    /// What both let through.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.parts = common(self.parts, other.parts);
        self.fields.extend(other.fields);
        self
    }
}

/// The parts that both have.
const fn common(a: Parts, b: Parts) -> Parts {
    Parts {
        payload: a.payload && b.payload,
        state: a.state && b.state,
        schema: a.schema && b.schema,
        envelope: a.envelope && b.envelope,
        extensions: a.extensions && b.extensions,
    }
}

/// The parts by name.
pub(super) fn parts_of(parts: Parts) -> Vec<Part> {
    let all = [
        (parts.payload, Part::Payload),
        (parts.state, Part::State),
        (parts.schema, Part::Schema),
        (parts.envelope, Part::Envelope),
        (parts.extensions, Part::Extensions),
    ];
    all.into_iter().filter_map(|(has, part)| has.then_some(part)).collect()
}

/// The parts, as they are written.
pub(super) fn words(parts: Parts) -> Vec<&'static str> {
    let names = parts_of(parts).into_iter().map(|part| match part {
        Part::Event => "event",
        Part::Payload => "payload",
        Part::State => "state",
        Part::Schema => "schema",
        Part::Envelope => "envelope",
        Part::Extensions => "extensions",
    });
    names.collect()
}

/// The parts, in words.
pub(super) fn in_words(parts: Parts) -> String {
    let names = words(parts);
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
