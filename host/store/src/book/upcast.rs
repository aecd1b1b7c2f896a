//! Old events in today's shape, for readers that ask for it. The log keeps what was written, and states are folded from that.

use serde_json::Value;

use super::SchemaBook;
use crate::{Domain, Event, EventKind, Json, json};

impl SchemaBook {
    /// The payload of an event in the shape that the active schema of its type has: renamed, and completed with defaults.
    /// None: it reads as it was written, be it that it has that shape, that it is a JSON Patch or an event of EventDBX's own,
    /// or that its type has no active schema.
    ///
    /// An event that was checked with no schema is taken for one as old as the first version. One that was checked with a
    /// later version than the active one is left as it is.
    #[must_use]
    pub fn upcast(&self, event: &Event) -> Option<Json> {
        let header = &event.header;
        if header.kind != EventKind::Payload {
            return None;
        }
        let active = self.active(&header.aggregate.kind)?;
        if header.schema_version >= active.version || !active.schema.upcasts_from(header.schema_version) {
            return None;
        }
        let Ok(Value::Object(written)) = event.body.payload.value() else { return None };
        let mut members = written.clone();
        active.schema.upcast(header.schema_version, &mut members);
        (members != written).then(|| Json::trusted(json::canonical_object(&members)))
    }
}

impl Domain {
    /// The payload of an event in today's shape, if that is another one than it was written in: see
    /// [`SchemaBook::upcast`], which is to be asked for many events that have to fit together.
    #[must_use]
    pub fn upcast(&self, event: &Event) -> Option<Json> {
        self.schemas().upcast(event)
    }
}
