//! Reading the log: by position, by aggregate, by event id, by time, and in listings. Every answer comes from one snapshot.
//!
//! | module | what it owns |
//! |---|---|
//! | `query` | what is asked of a listing, and its pages |
//! | `events`, `aggregates` | the two listings |
//! | `row` | rows as a scan sees them, unsealed only where that decides |
//! | `pager`, `best` | where a page ends, by place and in an order |
//! | `at` | from times to positions and versions |

mod aggregates;
mod at;
mod best;
mod events;
mod pager;
mod query;
mod row;

use fjall::{Readable, Snapshot};
use serde_json::{Map, Value};

use crate::{
    AggregateNumber, AggregateRef, CompactRange, Digest, Domain, Event, EventId, EventKind, Header, Json, Micros,
    Position, ReadError, Version,
    files::{Files, StoredHead},
    json, merkle,
    rows::{self, EventView, SharedNames},
    unseal::Unsealer,
};

pub use query::{AggregatePlace, AggregateQuery, AggregateRow, EventQuery, Page};

/// An aggregate as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// Its name.
    pub name: AggregateRef,
    /// Version of its last event.
    pub version: Version,
    /// Whether it is archived.
    pub archived: bool,
    /// Root of its Merkle tree.
    pub root: Digest,
    /// Position of its last event.
    pub last_position: Position,
    /// When its first event was committed.
    pub created_at: Micros,
    /// When its last event was committed.
    pub updated_at: Micros,
    /// Folded state, canonical JSON (RFC 8785).
    pub state: Json,
}

/// A row of the log of which only the header is open.
pub struct SealedEvent {
    /// What stands in clear.
    pub header: Header,
    row: fjall::Slice,
    domain: Domain,
}

impl SealedEvent {
    /// Opens the sealed part.
    ///
    /// # Errors
    ///
    /// When it does not open, which is damage.
    pub fn open(&self) -> Result<Event, ReadError> {
        self.open_with(&mut Unsealer::default())
    }

    /// The same in buffers that are used again, for those who open many.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(&self, unsealer: &mut Unsealer) -> Result<Event, ReadError> {
        let view = EventView::decode(self.header.position, &self.row)?;
        let body = unsealer.open(&self.domain.inner.files, &view)?.body();
        Ok(Event { header: self.header.clone(), body })
    }

    /// Bytes of the row.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.row.len()
    }
}

impl Domain {
    /// An aggregate as it is now; none when it does not exist.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn aggregate(&self, name: &AggregateRef) -> Result<Option<Aggregate>, ReadError> {
        let files = &self.inner.files;
        let head = files.head_of(&files.db.snapshot(), name)?;
        Ok(head.map(|head| Aggregate::new(name.clone(), &head)))
    }

    /// An event by its id.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn event(&self, id: EventId) -> Result<Option<Event>, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let row = at.get(&files.spaces.ids, id.0)?;
        row.map(|row| files.event_at_row(&at, &row)).transpose()
    }

    /// Positions of events that are urgent to one of their recipients, between two positions that are included: the first
    /// `most` of them.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn urgent(&self, from: Position, to: Position, most: usize) -> Result<Vec<Position>, ReadError> {
        if from > to {
            return Ok(Vec::new());
        }
        let files = &self.inner.files;
        let keys = from.get().to_be_bytes()..=to.get().to_be_bytes();
        let rows = files.db.snapshot().range(&files.spaces.urgent, keys).take(most);
        rows.map(|row| Ok(Position::new(rows::number(&row.key()?, "urgent")?))).collect()
    }

    /// The log from `from` (included) to its end as of now, its bodies sealed until asked for.
    pub fn scan(&self, from: Position) -> impl Iterator<Item = Result<SealedEvent, ReadError>> + Send + use<> {
        let files = &self.inner.files;
        let rows = files.db.snapshot().range(&files.spaces.log, from.get().to_be_bytes()..);
        let (domain, mut names) = (self.clone(), SharedNames::default());
        rows.map(move |row| {
            let (key, value) = row.into_inner()?;
            let view = EventView::decode(Position::new(rows::number(&key, "log")?), &value)?;
            let header = names.header(&view);
            Ok(SealedEvent { header, row: value, domain: domain.clone() })
        })
    }

    /// The domain's tree over the positions up to `position`. Costs up to some 10 ms: who follows the log asks once, and
    /// then appends the [leaf](Header::leaf) of each event that it passes.
    ///
    /// # Errors
    ///
    /// When the log ends before it, or its tree cannot be read.
    pub fn tree_at(&self, position: Position) -> Result<CompactRange, ReadError> {
        let head = self.head();
        if position > head.position {
            return Err(ReadError::Damaged(format!("position {position} lies beyond the end of the log")));
        }
        let files = &self.inner.files;
        let at = files.db.snapshot();
        merkle::range_at(&files.tree(&at, AggregateNumber::default(), head.position.get()), position.get())
    }
}

impl Aggregate {
    fn new(name: AggregateRef, head: &StoredHead) -> Self {
        Self {
            name,
            version: head.version,
            archived: head.archived,
            root: head.tree.root(),
            last_position: head.last_position,
            created_at: head.created_at,
            updated_at: head.updated_at,
            state: canonical(&head.state),
        }
    }
}

pub(crate) fn canonical(state: &Map<String, Value>) -> Json {
    Json::trusted(json::canonical_object(state))
}

/// The state after an event.
pub(crate) fn fold(mut state: Map<String, Value>, event: &Event) -> Result<Map<String, Value>, ReadError> {
    let damaged = |what: &str| ReadError::Damaged(format!("position {}: {what}", event.header.position));
    match event.header.kind {
        EventKind::System => Ok(state),
        EventKind::Payload => match event.body.payload.value() {
            Ok(Value::Object(members)) => {
                json::merge(&mut state, members);
                Ok(state)
            }
            _ => Err(damaged("its payload is not an object")),
        },
        EventKind::Patch => {
            let mut state = Value::Object(state);
            json::apply_patch(&mut state, event.body.payload.as_str())
                .map_err(|_| damaged("its patch does not apply"))?;
            match state {
                Value::Object(state) => Ok(state),
                _ => Err(damaged("its patch leaves no object")),
            }
        }
    }
}

/// The rows of an aggregate's versions `first` to `last`, as far as they are there.
pub(crate) fn rows_between<'a>(
    files: &'a Files,
    at: &'a Snapshot,
    number: AggregateNumber,
    first: u64,
    last: u64,
) -> impl DoubleEndedIterator<Item = Result<(Position, fjall::Slice), ReadError>> + 'a {
    let keys = rows::index_key(number, Version::new(first))..=rows::index_key(number, Version::new(last));
    at.range(&files.spaces.index, keys).map(move |row| {
        let position = Position::new(rows::number(&row.into_inner()?.1, "index")?);
        Ok((position, files.log_row(at, position)?))
    })
}

#[cfg(test)]
mod tests;
