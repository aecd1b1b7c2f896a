//! What a client asks to have written, before anything of it is believed.

use crate::Priority;

/// Which version an aggregate must have for an event to be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expected {
    /// Any; a missing aggregate is created.
    #[default]
    Any,
    /// The aggregate must not exist yet.
    NoAggregate,
    /// The aggregate must exist, at whatever version.
    Existing,
    /// The aggregate must be at exactly this version (0: it must not exist).
    Exact(u64),
}

/// How the text of an event's body is to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BodyKind {
    /// An object, folded into the state by merge-patch (RFC 7396).
    #[default]
    Payload,
    /// A JSON Patch (RFC 6902): an array of operations, kept as it is and applied to the state.
    Patch,
}

/// One event as a client gives it. Nothing in here has been checked.
#[derive(Debug, Clone, Default)]
pub struct NewEvent {
    /// Type of the aggregate.
    pub aggregate_type: String,
    /// Id of the aggregate.
    pub aggregate_id: String,
    /// Type of the event.
    pub event_type: String,
    /// How `body` is to be read.
    pub body_kind: BodyKind,
    /// JSON text: the payload, or the patch. Kept byte for byte.
    pub body: String,
    /// JSON object, or none.
    pub metadata: Option<String>,
    /// JSON object whose keys begin with `@`, or none.
    pub extensions: Option<String>,
    /// A remark for people.
    pub note: Option<String>,
    /// When it happened, as RFC 3339, if the writer knows.
    pub occurred_at: Option<String>,
    /// The plugins and subscriptions that get it; none: whoever selects it; an empty list: nobody.
    pub publish: Option<Vec<NewRecipient>>,
    /// What the aggregate's version must be. Evaluated as if the request's events were written one after the other.
    pub expected: Expected,
}

/// A plugin or subscription that is to get an event, as a client names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRecipient {
    /// Its name.
    pub name: String,
    /// A payload mode: the most that it gets of this event.
    pub mode: Option<String>,
    /// How soon.
    pub priority: Priority,
}

impl NewEvent {
    /// An event with a payload and nothing else.
    #[must_use]
    pub fn new(aggregate_type: &str, aggregate_id: &str, event_type: &str, payload: &str) -> Self {
        Self {
            aggregate_type: aggregate_type.to_owned(),
            aggregate_id: aggregate_id.to_owned(),
            event_type: event_type.to_owned(),
            body: payload.to_owned(),
            ..Self::default()
        }
    }
}

/// A request: events that are written all together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The events, in the order of their positions.
    pub events: Vec<NewEvent>,
    /// Idempotency key of the request. Holds for the life of the aggregates: the same key with the same content answers
    /// with the first receipt, with other content it is refused.
    pub key: Option<String>,
    /// Who asks.
    pub actor: String,
}

impl Draft {
    /// A request of one event, without an idempotency key.
    #[must_use]
    pub fn one(event: NewEvent, actor: &str) -> Self {
        Self { events: vec![event], key: None, actor: actor.to_owned() }
    }

    /// The same request under an idempotency key.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}
