//! What a row must answer, so that it can be filtered and sorted, and the rows of this crate.

use super::{Datum, Document, Field};
use crate::{Aggregate, AggregateRef, Event, EventId, Header, Micros, Position, Version};

/// The part of a row that stands in clear.
pub trait ClearFields {
    /// The value of a field; [`Null`](Datum::Null) where the row has none.
    fn field(&self, field: Field) -> Datum<'_>;
}

/// A whole row.
pub trait Row: ClearFields {
    /// Who wrote an event.
    fn actor(&self) -> Option<&str> {
        None
    }

    /// The note of an event.
    fn note(&self) -> Option<&str> {
        None
    }

    /// A JSON text that was checked when it was taken in; none where the row has none.
    fn document(&self, document: Document) -> Option<&str>;
}

/// The clear part of an event, wherever it stands.
pub(crate) struct EventFields<'a> {
    pub(crate) position: Position,
    pub(crate) version: Version,
    pub(crate) aggregate_type: &'a str,
    pub(crate) aggregate_id: &'a str,
    pub(crate) event_type: &'a str,
    pub(crate) event_id: EventId,
    pub(crate) recorded_at: Micros,
    pub(crate) occurred_at: Option<&'a str>,
    pub(crate) schema_version: u32,
}

impl<'a> EventFields<'a> {
    pub(crate) fn get(&self, field: Field) -> Datum<'a> {
        match field {
            Field::Position => Datum::count(self.position.get()),
            Field::Version => Datum::count(self.version.get()),
            Field::AggregateType => Datum::text(self.aggregate_type),
            Field::AggregateId => Datum::text(self.aggregate_id),
            Field::EventType => Datum::text(self.event_type),
            Field::EventId => Datum::Text(self.event_id.to_string().into()),
            Field::RecordedAt => Datum::micros(self.recorded_at),
            Field::OccurredAt => self.occurred_at.map_or(Datum::Null, Datum::timestamp),
            Field::SchemaVersion => Datum::count(self.schema_version.into()),
            Field::Archived | Field::CreatedAt | Field::UpdatedAt => Datum::Null,
        }
    }
}

/// The clear part of an aggregate, wherever it stands.
pub(crate) struct AggregateFields<'a> {
    pub(crate) name: &'a AggregateRef,
    pub(crate) version: Version,
    pub(crate) archived: bool,
    pub(crate) last_position: Position,
    pub(crate) created_at: Micros,
    pub(crate) updated_at: Micros,
}

impl<'a> AggregateFields<'a> {
    pub(crate) fn get(&self, field: Field) -> Datum<'a> {
        match field {
            Field::Position => Datum::count(self.last_position.get()),
            Field::Version => Datum::count(self.version.get()),
            Field::AggregateType => Datum::text(self.name.kind.as_str()),
            Field::AggregateId => Datum::text(self.name.id.as_str()),
            Field::Archived => Datum::Bool(self.archived),
            Field::CreatedAt => Datum::micros(self.created_at),
            Field::UpdatedAt => Datum::micros(self.updated_at),
            Field::EventType | Field::EventId | Field::RecordedAt | Field::OccurredAt | Field::SchemaVersion => {
                Datum::Null
            }
        }
    }
}

impl ClearFields for Header {
    fn field(&self, field: Field) -> Datum<'_> {
        let fields = EventFields {
            position: self.position,
            version: self.version,
            aggregate_type: self.aggregate.kind.as_str(),
            aggregate_id: self.aggregate.id.as_str(),
            event_type: self.event_type.as_str(),
            event_id: self.event_id,
            recorded_at: self.recorded_at,
            occurred_at: self.occurred_at.as_deref(),
            schema_version: self.schema_version,
        };
        fields.get(field)
    }
}

impl ClearFields for Event {
    fn field(&self, field: Field) -> Datum<'_> {
        self.header.field(field)
    }
}

impl Row for Event {
    fn actor(&self) -> Option<&str> {
        Some(&self.body.actor)
    }

    fn note(&self) -> Option<&str> {
        self.body.note.as_deref()
    }

    fn document(&self, document: Document) -> Option<&str> {
        let json = match document {
            Document::Payload => Some(&self.body.payload),
            Document::Metadata => self.body.metadata.as_ref(),
            Document::Extensions => self.body.extensions.as_ref(),
            Document::State => None,
        };
        json.map(crate::Json::as_str)
    }
}

impl ClearFields for Aggregate {
    fn field(&self, field: Field) -> Datum<'_> {
        let fields = AggregateFields {
            name: &self.name,
            version: self.version,
            archived: self.archived,
            last_position: self.last_position,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        fields.get(field)
    }
}

impl Row for Aggregate {
    fn document(&self, document: Document) -> Option<&str> {
        (document == Document::State).then(|| self.state.as_str())
    }
}
