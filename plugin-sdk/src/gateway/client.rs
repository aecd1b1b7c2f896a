//! The domain, as a gateway asks it.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Reply, bindings::eventdbx::plugin::client as contract};

pub use contract::{
    Aggregate, Appended, ClientError, Content, Event as StoredEvent, EventPage, Expectation, Reason, Receipt,
};

/// The domain, as far as the operator granted it. In the sandbox it is the host's; in a native test it is
/// [`testing::Domain`](crate::testing::Domain).
pub trait Client {
    /// Writes events, all or none. With an idempotency key, the same events under the same key are written once, and
    /// answered with the first receipts.
    ///
    /// # Errors
    /// See [`ClientError`]; `?` in [`answer`](super::Gateway::answer) makes an answer of each.
    fn append(&self, events: Vec<NewEvent>, key: Option<&str>) -> Result<Appended, ClientError>;

    /// Reads an aggregate with its state.
    ///
    /// # Errors
    /// Like [`Client::append`].
    fn aggregate(&self, aggregate_type: &str, aggregate_id: &str) -> Result<Aggregate, ClientError>;

    /// Reads a page of the history of an aggregate, from a version on (1: the first).
    ///
    /// # Errors
    /// Like [`Client::append`].
    fn events(&self, aggregate_type: &str, aggregate_id: &str, from: u64, limit: u32)
    -> Result<EventPage, ClientError>;

    /// Asks a read model. With `wait_for`, the answer has the log up to that position in it.
    ///
    /// # Errors
    /// Like [`Client::append`].
    fn query(
        &self,
        plugin: &str,
        name: &str,
        params: &Value,
        cursor: Option<&str>,
        wait_for: Option<u64>,
    ) -> Result<Answered, ClientError>;
}

/// What a read model answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// JSON.
    pub body: String,
    /// Cursor of the following page.
    pub next: Option<String>,
    /// Position up to which the log is in the answer.
    pub as_of: u64,
}

impl Answered {
    /// The answer, parsed.
    ///
    /// # Errors
    /// A 500, when `T` does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Reply> {
        let unfit =
            |error| Reply::error(500, &format!("the read model answers otherwise: {}", crate::error::misfit(&error)));
        serde_json::from_str(&self.body).map_err(unfit)
    }
}

/// An event that is to be written.
#[derive(Clone, Debug)]
pub struct NewEvent(pub(crate) contract::NewEvent);

impl NewEvent {
    /// An event with an empty payload.
    pub fn new(aggregate_type: &str, aggregate_id: &str, event_type: &str) -> Self {
        Self(contract::NewEvent {
            aggregate_type: aggregate_type.to_owned(),
            aggregate_id: aggregate_id.to_owned(),
            event_type: event_type.to_owned(),
            content: Content::Payload("{}".to_owned()),
            metadata: None,
            extensions: None,
            note: None,
            occurred_at: None,
            expect: Expectation::Any,
        })
    }

    /// With this payload, which is merged into the state.
    #[must_use]
    pub fn payload(self, payload: &Value) -> Self {
        self.payload_text(payload.to_string())
    }

    /// With a payload that is JSON text already; it is kept byte for byte.
    #[must_use]
    pub fn payload_text(mut self, payload: impl Into<String>) -> Self {
        self.0.content = Content::Payload(payload.into());
        self
    }

    /// With a JSON Patch of the state instead of a payload.
    #[must_use]
    pub fn patch(mut self, operations: &Value) -> Self {
        self.0.content = Content::Patch(operations.to_string());
        self
    }

    /// With what belongs to the event but not to the state.
    #[must_use]
    pub fn metadata(mut self, metadata: &Value) -> Self {
        self.0.metadata = Some(metadata.to_string());
        self
    }

    /// With a remark for people.
    #[must_use]
    pub fn note(mut self, note: &str) -> Self {
        self.0.note = Some(note.to_owned());
        self
    }

    /// With the time when it happened, RFC 3339.
    #[must_use]
    pub fn occurred_at(mut self, time: &str) -> Self {
        self.0.occurred_at = Some(time.to_owned());
        self
    }

    /// Only if the aggregate is at this version.
    #[must_use]
    pub fn expect(mut self, expectation: Expectation) -> Self {
        self.0.expect = expectation;
        self
    }
}
