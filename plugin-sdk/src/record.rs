//! An event as one JSON object, for transports that hand on all that they get.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{Event, Mode};

/// The members, in the order in which they are written; what the delivery does not carry is left out.
#[derive(Serialize)]
struct Record<'a> {
    event_id: &'a str,
    domain: &'a str,
    position: u64,
    aggregate_type: &'a str,
    aggregate_id: &'a str,
    version: u64,
    event_type: &'a str,
    recorded_at_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replay: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<&'a RawValue>,
}

impl Event<'_> {
    /// The event as one JSON object on one line: identity, times, and whatever the delivery carries. Payload, state,
    /// metadata and extensions stand in it as they were written, but for line breaks.
    pub fn to_json(&self) -> String {
        let record = Record {
            event_id: self.event_id(),
            domain: self.domain(),
            position: self.position(),
            aggregate_type: self.aggregate_type(),
            aggregate_id: self.aggregate_id(),
            version: self.version(),
            event_type: self.event_type(),
            recorded_at_ms: self.recorded_at_ms(),
            occurred_at: self.occurred_at(),
            replay: self.mode() == Mode::Replay,
            payload: raw(self.payload_json()),
            state: raw(self.state_json()),
            metadata: raw(self.metadata_json()),
            extensions: raw(self.extensions_json()),
        };
        // Text, numbers and what was JSON before always have a JSON form.
        let text = serde_json::to_string(&record).unwrap_or_default();
        // In JSON a line break stands between tokens only, never within a text.
        if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ") } else { text }
    }
}

/// What a delivery carries is JSON.
fn raw(json: Option<&str>) -> Option<&RawValue> {
    json.and_then(|json| serde_json::from_str(json).ok())
}
