//! A history to test with: positions, versions and states are made as the store makes them.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::bindings::types::{Delivery, Envelope};

/// An event that is to be written. Its JSON form is a line of what `dbx import` takes.
#[derive(Clone, Debug, Deserialize)]
pub struct Draft {
    aggregate_type: String,
    aggregate_id: String,
    event_type: String,
    #[serde(default = "empty_object")]
    payload: Value,
    occurred_at: Option<String>,
    metadata: Option<Value>,
    extensions: Option<Value>,
    note: Option<String>,
}

fn empty_object() -> Value {
    json!({})
}

impl Draft {
    /// An event with an empty payload.
    pub fn new(aggregate_type: &str, aggregate_id: &str, event_type: &str) -> Self {
        Self {
            aggregate_type: aggregate_type.to_owned(),
            aggregate_id: aggregate_id.to_owned(),
            event_type: event_type.to_owned(),
            payload: empty_object(),
            occurred_at: None,
            metadata: None,
            extensions: None,
            note: None,
        }
    }

    /// With this payload.
    #[must_use]
    pub fn payload(mut self, payload: Value) -> Self {
        self.payload = payload;
        self
    }

    /// With this time, RFC 3339.
    #[must_use]
    pub fn occurred_at(mut self, time: &str) -> Self {
        self.occurred_at = Some(time.to_owned());
        self
    }

    /// With these metadata.
    #[must_use]
    pub fn metadata(mut self, metadata: Value) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// With these extensions.
    #[must_use]
    pub fn extensions(mut self, extensions: Value) -> Self {
        self.extensions = Some(extensions);
        self
    }

    /// With this note.
    #[must_use]
    pub fn note(mut self, note: &str) -> Self {
        self.note = Some(note.to_owned());
        self
    }
}

/// A log of events, with all that a delivery can carry.
#[derive(Clone, Debug, Default)]
pub struct Log {
    deliveries: Vec<Delivery>,
    heads: HashMap<(String, String), (u64, Value)>,
}

impl Log {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// A log of the lines that `dbx import` takes: one JSON object each, with a payload.
    ///
    /// # Errors
    /// When a line is no such object.
    pub fn from_ndjson(lines: &str) -> Result<Self, serde_json::Error> {
        let mut log = Self::new();
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            log.append(serde_json::from_str(line)?);
        }
        Ok(log)
    }

    /// Writes an event.
    pub fn append(&mut self, draft: Draft) -> &mut Self {
        let position = self.deliveries.len() as u64 + 1;
        let aggregate = (draft.aggregate_type.clone(), draft.aggregate_id.clone());
        let (version, state) = self.heads.entry(aggregate).or_insert_with(|| (0, empty_object()));
        *version += 1;
        merge(state, &draft.payload);
        self.deliveries.push(Delivery {
            position,
            event_id: format!("event-{position}"),
            aggregate_type: draft.aggregate_type,
            aggregate_id: draft.aggregate_id,
            version: *version,
            event_type: draft.event_type,
            recorded_at_ms: position,
            occurred_at: draft.occurred_at,
            payload: Some(draft.payload.to_string()),
            state: Some(state.to_string()),
            schema: None,
            envelope: Some(Envelope {
                actor: Some("test".to_owned()),
                note: draft.note,
                metadata: draft.metadata.map(|metadata| metadata.to_string()),
                digest: vec![0; 32],
            }),
            extensions: draft.extensions.map(|extensions| extensions.to_string()),
        });
        self
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.deliveries.len()
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
    }

    pub(super) fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }
}

/// Folds a payload into a state: JSON merge patch, RFC 7396.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_those_right_after_each_event() {
        let mut log = Log::new();
        log.append(Draft::new("a", "1", "x").payload(json!({"n": 1, "o": {"p": 1}})));
        log.append(Draft::new("a", "2", "x").payload(json!({"n": 9})));
        log.append(Draft::new("a", "1", "x").payload(json!({"n": null, "o": {"q": [2]}})));
        let states: Vec<_> = log.deliveries().iter().filter_map(|it| it.state.as_deref()).collect();
        assert_eq!(states, [r#"{"n":1,"o":{"p":1}}"#, r#"{"n":9}"#, r#"{"o":{"p":1,"q":[2]}}"#]);
        assert_eq!(log.deliveries().iter().map(|it| it.version).collect::<Vec<_>>(), [1, 1, 2]);
    }

    #[test]
    fn a_line_that_is_no_event_is_refused() {
        assert!(Log::from_ndjson("{\"aggregate_type\":\"a\"}").is_err());
    }
}
