//! One event, as much of it as the plugin may see.

use serde::Deserialize;

use crate::{
    Failure, HandleError,
    bindings::types::{Batch, Delivery, DeliveryMode},
    error::misfit,
};

/// How a delivery came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Just committed.
    Live,
    /// The plugin is behind and reads history.
    CatchUp,
    /// An operator asked for history once more.
    Replay,
    /// Nothing that the plugin does will be kept.
    DryRun,
}

/// An event that is delivered to a plugin. JSON is parsed when it is asked for, and not before.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    batch: &'a Batch,
    delivery: &'a Delivery,
}

impl<'a> Event<'a> {
    pub(crate) fn new(batch: &'a Batch, delivery: &'a Delivery) -> Self {
        Self { batch, delivery }
    }

    /// Place in the log of the domain: 1, 2, 3 …
    pub fn position(&self) -> u64 {
        self.delivery.position
    }

    /// The same in every replay.
    pub fn event_id(&self) -> &'a str {
        &self.delivery.event_id
    }

    /// Type of the aggregate to which it happened.
    pub fn aggregate_type(&self) -> &'a str {
        &self.delivery.aggregate_type
    }

    /// Id of the aggregate to which it happened.
    pub fn aggregate_id(&self) -> &'a str {
        &self.delivery.aggregate_id
    }

    /// Place in the history of the aggregate: 1, 2, 3 …
    pub fn version(&self) -> u64 {
        self.delivery.version
    }

    /// What happened. Events of the host's own begin with `$`.
    pub fn event_type(&self) -> &'a str {
        &self.delivery.event_type
    }

    /// Milliseconds since 1970 at which it was committed: the only clock that a plugin has, and one that a replay repeats.
    pub fn recorded_at_ms(&self) -> u64 {
        self.delivery.recorded_at_ms
    }

    /// RFC 3339, as the writer gave it, if he did.
    pub fn occurred_at(&self) -> Option<&'a str> {
        self.delivery.occurred_at.as_deref()
    }

    /// The domain in which it happened.
    pub fn domain(&self) -> &'a str {
        &self.batch.domain
    }

    /// How this delivery came about.
    pub fn mode(&self) -> Mode {
        match self.batch.mode {
            DeliveryMode::Live => Mode::Live,
            DeliveryMode::CatchUp => Mode::CatchUp,
            DeliveryMode::Replay => Mode::Replay,
            DeliveryMode::DryRun => Mode::DryRun,
        }
    }

    /// The payload, parsed. `T` may borrow from it.
    ///
    /// # Errors
    /// When the delivery carries none, or `T` does not fit. `?` in [`handle`](crate::ReadModel::handle) poisons the event.
    pub fn payload<T: Deserialize<'a>>(&self) -> Result<T, EventError> {
        self.parse("payload", self.payload_json())
    }

    /// The payload as JSON text, if the delivery carries it.
    pub fn payload_json(&self) -> Option<&'a str> {
        self.delivery.payload.as_deref()
    }

    /// The state of the aggregate right after this event, parsed.
    ///
    /// # Errors
    /// Like [`Event::payload`].
    pub fn state<T: Deserialize<'a>>(&self) -> Result<T, EventError> {
        self.parse("state", self.state_json())
    }

    /// The state of the aggregate right after this event as JSON text, if the delivery carries it.
    pub fn state_json(&self) -> Option<&'a str> {
        self.delivery.state.as_deref()
    }

    /// The extensions, an object whose keys begin with `@`, parsed.
    ///
    /// # Errors
    /// Like [`Event::payload`].
    pub fn extensions<T: Deserialize<'a>>(&self) -> Result<T, EventError> {
        self.parse("extensions", self.extensions_json())
    }

    /// The extensions as JSON text, if there are any and the delivery carries them.
    pub fn extensions_json(&self) -> Option<&'a str> {
        self.delivery.extensions.as_deref()
    }

    /// The metadata, parsed.
    ///
    /// # Errors
    /// Like [`Event::payload`].
    pub fn metadata<T: Deserialize<'a>>(&self) -> Result<T, EventError> {
        self.parse("metadata", self.metadata_json())
    }

    /// The metadata as JSON text, if there are any and the delivery carries the envelope.
    pub fn metadata_json(&self) -> Option<&'a str> {
        self.delivery.envelope.as_ref()?.metadata.as_deref()
    }

    /// Who wrote the event, if the delivery carries the envelope.
    pub fn actor(&self) -> Option<&'a str> {
        self.delivery.envelope.as_ref()?.actor.as_deref()
    }

    /// The note beside the event, if there is one and the delivery carries the envelope.
    pub fn note(&self) -> Option<&'a str> {
        self.delivery.envelope.as_ref()?.note.as_deref()
    }

    /// The digest of the event, 32 bytes, if the delivery carries the envelope.
    pub fn digest(&self) -> Option<&'a [u8]> {
        Some(&self.delivery.envelope.as_ref()?.digest)
    }

    /// The schema document with which the event was checked, as JSON text, if there was one and the delivery carries it.
    pub fn schema_json(&self) -> Option<&'a str> {
        let index = usize::try_from(self.delivery.schema?).ok()?;
        Some(&self.batch.schemas.get(index)?.document)
    }

    fn parse<T: Deserialize<'a>>(&self, part: &'static str, text: Option<&'a str>) -> Result<T, EventError> {
        let Some(text) = text else {
            let mode = &self.batch.payload_mode;
            let reason =
                format!("is not there; it comes if `describe` asks for it and the payload mode (`{mode}`) has it");
            return Err(self.error(part, "missing", &reason));
        };
        let unfit = |error| self.error(part, "unfit", &format!("is not as expected: {}", misfit(&error)));
        serde_json::from_str(text).map_err(unfit)
    }

    // NOTE: the message names the event and never quotes its content.
    fn error(&self, part: &'static str, kind: &str, reason: &str) -> EventError {
        let Delivery { aggregate_type, aggregate_id, version, event_type, .. } = self.delivery;
        let message =
            format!("the {part} of {event_type} ({aggregate_type}/{aggregate_id}, version {version}) {reason}");
        EventError(Failure::new(format!("{kind}-{part}"), message))
    }
}

/// A part of an event is not there, or not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventError(Failure);

impl std::fmt::Display for EventError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for EventError {}

impl From<EventError> for HandleError {
    /// No retry makes the event another one.
    fn from(error: EventError) -> Self {
        Self::Poison(error.0)
    }
}
