//! Rows as a scan sees them: borrowed from the disk's blocks, and unsealed only where that decides.

use super::EventQuery;
use crate::{
    ClearFields, Datum, Document, Event, Field, Filter, ReadError, Row, Sort, SortKey,
    files::Files,
    filter::{AggregateFields, EventFields},
    rows::{EventView, PartsView},
    unseal::Unsealer,
};

impl ClearFields for EventView<'_> {
    fn field(&self, field: Field) -> Datum<'_> {
        let fields = EventFields {
            position: self.position,
            version: self.version,
            aggregate_type: self.aggregate_type,
            aggregate_id: self.aggregate_id,
            event_type: self.event_type,
            event_id: self.event_id,
            recorded_at: self.recorded_at,
            occurred_at: self.occurred_at,
            schema_version: self.schema_version,
        };
        fields.get(field)
    }
}

/// An event and its body; none: nobody will ask for it.
struct SeenEvent<'a>(&'a EventView<'a>, Option<PartsView<'a>>);

impl ClearFields for SeenEvent<'_> {
    fn field(&self, field: Field) -> Datum<'_> {
        self.0.field(field)
    }
}

impl Row for SeenEvent<'_> {
    fn actor(&self) -> Option<&str> {
        self.1.map(|parts| parts.actor)
    }

    fn note(&self) -> Option<&str> {
        self.1.and_then(|parts| parts.note)
    }

    fn document(&self, document: Document) -> Option<&str> {
        let parts = self.1?;
        match document {
            Document::Payload => Some(parts.payload),
            Document::Metadata => parts.metadata,
            Document::Extensions => parts.extensions,
            Document::State => None,
        }
    }
}

/// An aggregate and its state; none: nobody will ask for it.
pub(super) struct SeenHead<'a>(pub(super) AggregateFields<'a>, pub(super) Option<&'a str>);

impl ClearFields for SeenHead<'_> {
    fn field(&self, field: Field) -> Datum<'_> {
        self.0.get(field)
    }
}

impl Row for SeenHead<'_> {
    fn document(&self, document: Document) -> Option<&str> {
        self.1.filter(|_| document == Document::State)
    }
}

/// Looks at the events of a scan, one after the other, in buffers that it keeps.
pub(super) struct Looker<'s> {
    files: &'s Files,
    query: &'s EventQuery,
    unsealer: Unsealer,
    /// Whether the unsealer holds the body of the event that is looked at.
    is_open: bool,
}

impl<'s> Looker<'s> {
    pub(super) fn new(files: &'s Files, query: &'s EventQuery) -> Self {
        Self { files, query, unsealer: Unsealer::default(), is_open: false }
    }

    /// Whether the query wants an event. The next event is looked at only after this one is done with.
    pub(super) fn wants(&mut self, view: &EventView<'_>) -> Result<bool, ReadError> {
        self.is_open = false;
        let query = self.query;
        let other_kind = query.kind.as_ref().is_some_and(|kind| kind.as_str() != view.aggregate_type);
        if other_kind || (!query.system && view.is_system()) {
            return Ok(false);
        }
        query.filter.as_ref().map_or(Ok(true), |filter| self.passes(filter, view))
    }

    /// The event that was looked at last, to be kept.
    pub(super) fn event(&mut self, view: &EventView<'_>) -> Result<Event, ReadError> {
        Ok(Event { header: view.header(), body: self.open(view)?.body() })
    }

    /// Its place in the order.
    pub(super) fn key(&mut self, sort: &Sort, view: &EventView<'_>) -> Result<SortKey, ReadError> {
        let parts = if sort.needs().body { Some(self.open(view)?) } else { None };
        Ok(sort.key(&SeenEvent(view, parts)))
    }

    fn passes(&mut self, filter: &Filter, view: &EventView<'_>) -> Result<bool, ReadError> {
        match filter.decide_by_header(view) {
            Some(passes) => Ok(passes),
            None => Ok(filter.matches(&SeenEvent(view, Some(self.open(view)?)))),
        }
    }

    /// The body, unsealed at most once.
    fn open(&mut self, view: &EventView<'_>) -> Result<PartsView<'_>, ReadError> {
        if self.is_open {
            return self.unsealer.opened();
        }
        let parts = self.unsealer.open(self.files, view)?;
        self.is_open = true;
        Ok(parts)
    }
}
