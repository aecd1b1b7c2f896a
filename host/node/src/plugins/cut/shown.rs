//! A delivery as people see it.

use std::sync::Arc;

use eventdbx_store::{Digest, Event, Json};
use serde::Serialize;
use serde_json::value::RawValue;

use super::Item;

/// A delivery as people see it.
#[derive(Serialize)]
struct Shown<'a> {
    position: u64,
    event_id: String,
    aggregate_type: &'a str,
    aggregate_id: &'a str,
    version: u64,
    event_type: &'a str,
    recorded_at: String,
    occurred_at: Option<&'a str>,
    payload: Option<Box<RawValue>>,
    state: Option<Box<RawValue>>,
    actor: Option<&'a str>,
    note: Option<&'a str>,
    metadata: Option<Box<RawValue>>,
    extensions: Option<Box<RawValue>>,
    digest: Option<Digest>,
}

impl Item {
    /// The delivery as people see it: the same parts as the plugin gets.
    pub(in crate::plugins) fn shown(&self) -> serde_json::Result<Box<RawValue>> {
        let (parts, header) = (self.parts, self.header());
        let envelope = self.row.opened().map(|event| &event.body).filter(|_| parts.envelope);
        let raw = |text: Option<&str>| text.map(|text| RawValue::from_string(text.to_owned())).transpose();
        serde_json::value::to_raw_value(&Shown {
            position: header.position.get(),
            event_id: header.event_id.to_string(),
            aggregate_type: header.aggregate.kind.as_str(),
            aggregate_id: header.aggregate.id.as_str(),
            version: header.version.get(),
            event_type: header.event_type.as_str(),
            recorded_at: header.recorded_at.to_rfc3339(),
            occurred_at: header.occurred_at.as_deref(),
            payload: raw(self.payload())?,
            state: raw(self.state())?,
            actor: envelope.map(|body| &*body.actor),
            note: envelope.and_then(|body| body.note.as_deref()),
            metadata: raw(self.metadata())?,
            extensions: raw(self.extensions())?,
            digest: parts.envelope.then_some(header.digest),
        })
    }
}

/// Bytes of what an event carries, about.
pub(super) fn content_bytes(event: &Arc<Event>) -> usize {
    let body = &event.body;
    let text = |json: &Option<Json>| json.as_ref().map_or(0, |json| json.as_str().len());
    body.payload.as_str().len() + text(&body.metadata) + text(&body.extensions)
}
