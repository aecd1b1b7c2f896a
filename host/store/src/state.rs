//! The state of an aggregate, folded by hand: for those who walk the log and need the state after each event.

use serde_json::{Map, Value};

use crate::{Event, Json, ReadError, json, read};

/// The state of an aggregate, open for folding.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State(Map<String, Value>);

impl State {
    /// Opens a state that was folded before.
    ///
    /// # Errors
    ///
    /// When the text is not an object.
    pub fn parse(text: &Json) -> Result<Self, ReadError> {
        match text.value() {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(ReadError::Damaged("a folded state is not an object".into())),
        }
    }

    /// The state after one event more.
    ///
    /// # Errors
    ///
    /// When the event does not fit: it was accepted once, so that is damage.
    pub fn fold(self, event: &Event) -> Result<Self, ReadError> {
        read::fold(self.0, event).map(Self)
    }

    /// Its members.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Its canonical text (RFC 8785).
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::trusted(json::canonical_object(&self.0))
    }
}
