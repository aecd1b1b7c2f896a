//! What a filter is about, and which names its paths may begin with.

use super::{Path, fault::Shown};

/// What the rows are that a filter or sort order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Events. A path without a root is relative to `payload`.
    Events,
    /// Aggregates as they are now. A path without a root is relative to `state`; `position` is that of the last event.
    Aggregates,
}

/// A field that stands in clear, so that it is known before anything is unsealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Place in the domain; of an aggregate, that of its last event.
    Position,
    /// Place in the aggregate; of an aggregate, that of its last event.
    Version,
    /// Type of the aggregate.
    AggregateType,
    /// Id of the aggregate.
    AggregateId,
    /// Type of the event.
    EventType,
    /// Id of the event, as text.
    EventId,
    /// When the event was committed.
    RecordedAt,
    /// When it happened, as its writer gave it.
    OccurredAt,
    /// Version of the schema that it was checked with; 0: none.
    SchemaVersion,
    /// Whether the aggregate is archived.
    Archived,
    /// When the first event of the aggregate was committed.
    CreatedAt,
    /// When its last event was committed.
    UpdatedAt,
}

/// A JSON text of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Document {
    /// Payload of an event.
    Payload,
    /// Metadata of an event.
    Metadata,
    /// Extensions of an event.
    Extensions,
    /// State of an aggregate.
    State,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    Field(Field),
    Actor,
    Note,
    Document(Document, Path),
}

impl Source {
    /// Whether it is a point in time, so that literals are read as times.
    pub(super) fn is_time(&self) -> bool {
        use Field::{CreatedAt, OccurredAt, RecordedAt, UpdatedAt};
        matches!(self, Self::Field(CreatedAt | OccurredAt | RecordedAt | UpdatedAt))
    }
}

#[derive(Clone, Copy)]
enum Root {
    Field(Field),
    Actor,
    Note,
    Document(Document),
}

/// Every root, and whose it is. A root of one subject is reserved for the other too, so that a filter that is tried on the
/// wrong one is told so and does not quietly find nothing.
const ROOTS: [(&str, Root, &[Subject]); 18] = {
    use Subject::{Aggregates, Events};
    [
        ("payload", Root::Document(Document::Payload), &[Events]),
        ("state", Root::Document(Document::State), &[Aggregates]),
        ("metadata", Root::Document(Document::Metadata), &[Events]),
        ("extensions", Root::Document(Document::Extensions), &[Events]),
        ("position", Root::Field(Field::Position), &[Events, Aggregates]),
        ("version", Root::Field(Field::Version), &[Events, Aggregates]),
        ("aggregate_type", Root::Field(Field::AggregateType), &[Events, Aggregates]),
        ("aggregate_id", Root::Field(Field::AggregateId), &[Events, Aggregates]),
        ("event_type", Root::Field(Field::EventType), &[Events]),
        ("event_id", Root::Field(Field::EventId), &[Events]),
        ("recorded_at", Root::Field(Field::RecordedAt), &[Events]),
        ("occurred_at", Root::Field(Field::OccurredAt), &[Events]),
        ("schema_version", Root::Field(Field::SchemaVersion), &[Events]),
        ("actor", Root::Actor, &[Events]),
        ("note", Root::Note, &[Events]),
        ("archived", Root::Field(Field::Archived), &[Aggregates]),
        ("created_at", Root::Field(Field::CreatedAt), &[Aggregates]),
        ("updated_at", Root::Field(Field::UpdatedAt), &[Aggregates]),
    ]
};

/// Roots shorter than this have too many neighbours that are good names of members: `notes`, `factor`, `stage`.
const MISTAKABLE: usize = 7;

/// Why a path leads nowhere: what is wrong, and what is expected.
pub(super) type Astray = (String, String);

impl Subject {
    /// Where the value of a path comes from. `spelt`: its first segment stands without quotes, so that a root may have been
    /// meant that it almost is.
    pub(super) fn resolve(self, path: Path, spelt: bool) -> Result<Source, Astray> {
        let first = path.segments().next().unwrap_or_default();
        let Some((name, root, subjects)) = ROOTS.iter().find(|(name, ..)| *name == first) else {
            return match self.almost(first).filter(|_| spelt) {
                Some(root) => Err(self.mistaken(root, &path)),
                None => Ok(Source::Document(self.home(), path)),
            };
        };
        if !subjects.contains(&self) {
            return Err(self.foreign(name, &path));
        }
        let members = path.segments().len() > 1;
        match root {
            Root::Document(document) => Ok(Source::Document(*document, path.rest())),
            _ if members => Err((
                format!("`{name}` is a single value and has no members"),
                format!("`{name}` alone, or `{}.{path}` for a member of that name", self.home_name()),
            )),
            Root::Field(field) => Ok(Source::Field(*field)),
            Root::Actor => Ok(Source::Actor),
            Root::Note => Ok(Source::Note),
        }
    }

    /// The document to which a path without a root is relative.
    fn home(self) -> Document {
        match self {
            Self::Events => Document::Payload,
            Self::Aggregates => Document::State,
        }
    }

    fn home_name(self) -> &'static str {
        match self {
            Self::Events => "payload",
            Self::Aggregates => "state",
        }
    }

    fn rows(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Aggregates => "aggregates",
        }
    }

    /// The root that a name misses by one letter.
    fn almost(self, name: &str) -> Option<&'static str> {
        let own = ROOTS.iter().filter(|(_, _, subjects)| subjects.contains(&self)).map(|(root, ..)| *root);
        own.filter(|root| root.len() >= MISTAKABLE).find(|root| is_one_slip(name, root))
    }

    fn mistaken(self, root: &str, path: &Path) -> Astray {
        let first = path.segments().next().unwrap_or_default();
        let expected = format!("`{root}`, or `{}.{path}` for a member of that name", self.home_name());
        (format!("there is no {}", Shown(first)), expected)
    }

    fn foreign(self, name: &str, path: &Path) -> Astray {
        let own: Vec<_> =
            ROOTS.iter().filter(|(_, _, subjects)| subjects.contains(&self)).map(|(root, ..)| *root).collect();
        let expected = format!("one of {}; `{}.{path}` for a member of that name", own.join(", "), self.home_name());
        (format!("{} have no `{name}`", self.rows()), expected)
    }
}

/// Whether one letter too many, too few or other, or two exchanged neighbours make the one text into the other.
fn is_one_slip(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let same = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let (left, right) = (&left[same..], &right[same..]);
    match (left, right) {
        ([a, b, left @ ..], [c, d, right @ ..]) if (a, b) == (d, c) && left == right => true,
        _ => {
            let (left_rest, right_rest) = (left.get(1..).unwrap_or(left), right.get(1..).unwrap_or(right));
            left_rest == right || left == right_rest || left_rest == right_rest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_one_letter() {
        for slip in ["event_typ", "event_types", "evnet_type", "event-type", "vent_type", "eventtype"] {
            assert!(is_one_slip(slip, "event_type"), "{slip}");
            assert!(is_one_slip("event_type", slip), "{slip}");
        }
        for other in ["", "event", "event_typoo", "evnt_typ", "eventType", "tpye_event"] {
            assert!(!is_one_slip(other, "event_type"), "{other}");
        }
    }
}
