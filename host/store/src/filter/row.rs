//! What a row must answer, so that it can be filtered and sorted, and the rows of this crate.

use super::{Datum, Document, Field};
use crate::{Aggregate, Event, Header};

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

impl ClearFields for Header {
    fn field(&self, field: Field) -> Datum<'_> {
        match field {
            Field::Position => Datum::count(self.position.get()),
            Field::Version => Datum::count(self.version.get()),
            Field::AggregateType => Datum::text(self.aggregate.kind.as_str()),
            Field::AggregateId => Datum::text(self.aggregate.id.as_str()),
            Field::EventType => Datum::text(self.event_type.as_str()),
            Field::EventId => Datum::Text(self.event_id.to_string().into()),
            Field::RecordedAt => Datum::micros(self.recorded_at),
            Field::OccurredAt => self.occurred_at.as_deref().map_or(Datum::Null, Datum::timestamp),
            Field::SchemaVersion => Datum::count(self.schema_version.into()),
            Field::Archived | Field::CreatedAt | Field::UpdatedAt => Datum::Null,
        }
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

impl Row for Aggregate {
    fn document(&self, document: Document) -> Option<&str> {
        (document == Document::State).then(|| self.state.as_str())
    }
}
