//! Old events in today's shape, for readers that ask for it and for plugins. The log keeps what was written, and states are folded
//! from that.

use super::SchemaBook;
use crate::{
    Domain, EventKind, Header, Json,
    schema::{ExtensionFailure, Extensions, Upcasting, Written, upcast_all},
};

impl SchemaBook {
    /// The version of the active schema of its type, if that gives an event another shape than it was written in.
    ///
    /// An event that was checked with no schema is taken for one as old as the first version. One that was checked with a
    /// later version than the active one is left as it is.
    #[must_use]
    pub fn upcast_version(&self, header: &Header) -> Option<u32> {
        if header.kind != EventKind::Payload {
            return None;
        }
        let active = self.active(&header.aggregate.kind)?;
        let is_old = header.schema_version < active.version && active.schema.upcasts_from(header.schema_version);
        is_old.then_some(active.version)
    }

    /// The payloads of events in the shape that the active schemas of their types have, as many answers as events. None: it
    /// reads as it was written, be it that it has that shape, that it is a JSON Patch or an event of EventDBX's own, or that
    /// its type has no active schema.
    ///
    /// # Errors
    ///
    /// When an extension has no shape for one of them.
    pub fn upcast(
        &self,
        extensions: Option<&dyn Extensions>,
        events: &[Written<'_>],
    ) -> Result<Vec<Option<Json>>, ExtensionFailure> {
        let begun = events.iter().enumerate().filter_map(|(index, event)| {
            self.upcast_version(event.header)?;
            Upcasting::begin(index, &self.active(&event.header.aggregate.kind)?.schema, *event)
        });
        upcast_all(extensions, events.len(), begun.collect())
    }
}

impl Domain {
    /// The payloads of events in today's shape: see [`SchemaBook::upcast`].
    ///
    /// # Errors
    ///
    /// When an extension has no shape for one of them.
    pub fn upcast(&self, book: &SchemaBook, events: &[Written<'_>]) -> Result<Vec<Option<Json>>, ExtensionFailure> {
        book.upcast(self.extensions().as_deref(), events)
    }
}
