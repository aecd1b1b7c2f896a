//! Reading the log: by position, by aggregate, by event id. Every answer comes from one snapshot.

use std::ops::Bound;

use fjall::{Readable, Snapshot};
use serde_json::{Map, Value};

use crate::{
    AggregateNumber, AggregateRef, AggregateType, CompactRange, Digest, Domain, Event, EventId, EventKind, Header,
    Json, Micros, Position, ReadError, Version,
    files::{Files, StoredHead},
    json, keys, limits, merkle,
    rows::{self, EventRow},
};

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

/// Rows of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether more follow: then the last row is the cursor.
    pub more: bool,
}

/// Which aggregates to list.
#[derive(Debug, Clone, Default)]
pub struct AggregateQuery {
    /// Only this type.
    pub kind: Option<AggregateType>,
    /// Cursor: the last row of the page before.
    pub after: Option<AggregateRef>,
    /// At most this many, and at most [`PAGE_ROWS`](limits::PAGE_ROWS).
    pub limit: usize,
    /// Archived ones too.
    pub archived: bool,
    /// Reserved aggregates (`$…`) too.
    pub system: bool,
}

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Only this aggregate type.
    pub kind: Option<AggregateType>,
    /// Only this aggregate; `from` then counts versions.
    pub aggregate: Option<AggregateRef>,
    /// First position or version, included. None: the first, or with `reverse` the last.
    pub from: Option<u64>,
    /// Descending.
    pub reverse: bool,
    /// At most this many, and at most [`PAGE_ROWS`](limits::PAGE_ROWS).
    pub limit: usize,
    /// EventDBX's own events too.
    pub system: bool,
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
        let body = self.domain.inner.files.body(self.header.position, &self.row)?;
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

    /// Aggregates in the order of type and id.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read.
    pub fn aggregates(&self, query: &AggregateQuery) -> Result<Page<Aggregate>, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let start = match (&query.after, &query.kind) {
            (Some(after), _) => Bound::Excluded(rows::name_key(after)),
            (None, Some(kind)) => Bound::Included(rows::kind_prefix(kind)),
            // A reserved type begins with $, any other with a letter.
            (None, None) if !query.system => Bound::Included(b"a".to_vec()),
            (None, None) => Bound::Unbounded,
        };
        let mut page = Pager::new(query.limit);
        for row in at.range(&files.spaces.names, (start, Bound::Unbounded)) {
            let (key, value) = row.into_inner()?;
            let name = rows::name_of_key(&key).ok_or_else(|| ReadError::Damaged("a name does not decode".into()))?;
            if query.kind.as_ref().is_some_and(|kind| *kind != name.kind) {
                break;
            }
            let number = AggregateNumber::new(rows::number(&value, "names")?);
            let head = files.head_of_number(&at, number, &name)?;
            if (head.archived && !query.archived) || (name.kind.is_system() && !query.system) {
                continue;
            }
            if page.is_full(head.state_bytes) {
                page.more = true;
                break;
            }
            page.push(Aggregate::new(name, &head), head.state_bytes);
        }
        Ok(page.finish())
    }

    /// Events by position, or those of one aggregate by version.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read.
    pub fn events(&self, query: &EventQuery) -> Result<Page<Event>, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let rows = match &query.aggregate {
            None => rows_of_log(files, &at, query),
            Some(name) => match keys::number_of(&at, &files.spaces, name)? {
                Some(number) => rows_of_aggregate(files, &at, number, query),
                None => return Ok(Page { rows: Vec::new(), more: false }),
            },
        };
        page_of(files, &at, rows, query)
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

    /// The log from `from` (included) to its end as of now, its bodies sealed until asked for.
    pub fn scan(&self, from: Position) -> impl Iterator<Item = Result<SealedEvent, ReadError>> + Send + use<> {
        let files = &self.inner.files;
        let rows = files.db.snapshot().range(&files.spaces.log, from.get().to_be_bytes()..);
        let domain = self.clone();
        rows.map(move |row| {
            let (key, value) = row.into_inner()?;
            let header = EventRow::decode(Position::new(rows::number(&key, "log")?), &value)?.header;
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

type Rows<'a> = Box<dyn Iterator<Item = Result<(Position, fjall::Slice), ReadError>> + 'a>;

/// The rows of an aggregate's events, found through `index`.
fn rows_of_aggregate<'a>(files: &'a Files, at: &'a Snapshot, number: AggregateNumber, query: &EventQuery) -> Rows<'a> {
    let (first, last) = bounds(query);
    let rows = rows_between(files, at, number, first, last);
    if query.reverse { Box::new(rows.rev()) } else { Box::new(rows) }
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

/// The rows of the log by position.
fn rows_of_log<'a>(files: &'a Files, at: &'a Snapshot, query: &EventQuery) -> Rows<'a> {
    let (first, last) = bounds(query);
    let rows = at.range(&files.spaces.log, first.to_be_bytes()..=last.to_be_bytes());
    let read = |row: fjall::Guard| {
        let (key, value) = row.into_inner()?;
        Ok((Position::new(rows::number(&key, "log")?), value))
    };
    if query.reverse { Box::new(rows.rev().map(read)) } else { Box::new(rows.map(read)) }
}

/// First and last position or version that a query may return.
fn bounds(query: &EventQuery) -> (u64, u64) {
    match (query.from, query.reverse) {
        (Some(from), false) => (from, u64::MAX),
        (Some(from), true) => (1, from),
        (None, _) => (1, u64::MAX),
    }
}

/// Opens the rows that a query asks for, as far as a page goes.
fn page_of(files: &Files, at: &Snapshot, rows: Rows<'_>, query: &EventQuery) -> Result<Page<Event>, ReadError> {
    let mut page = Pager::new(query.limit);
    for row in rows {
        let (position, value) = row?;
        let header = EventRow::decode(position, &value)?.header;
        let other_kind = query.kind.as_ref().is_some_and(|kind| *kind != header.aggregate.kind);
        if other_kind || (header.is_system() && !query.system) {
            continue;
        }
        if page.is_full(value.len()) {
            page.more = true;
            break;
        }
        page.push(files.open_row(at, position, &value)?.event, value.len());
    }
    Ok(page.finish())
}

/// Fills a page up to its limits. A page always takes one row, however large.
struct Pager<T> {
    rows: Vec<T>,
    limit: usize,
    bytes: usize,
    more: bool,
}

impl<T> Pager<T> {
    fn new(limit: usize) -> Self {
        Self { rows: Vec::new(), limit: limit.clamp(1, limits::PAGE_ROWS), bytes: 0, more: false }
    }

    fn is_full(&self, bytes: usize) -> bool {
        self.rows.len() == self.limit || (!self.rows.is_empty() && self.bytes + bytes > limits::PAGE_BYTES)
    }

    fn push(&mut self, row: T, bytes: usize) {
        self.rows.push(row);
        self.bytes += bytes;
    }

    fn finish(self) -> Page<T> {
        Page { rows: self.rows, more: self.more }
    }
}
