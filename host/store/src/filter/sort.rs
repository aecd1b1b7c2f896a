//! Sorting rows by paths.

use std::{cmp::Ordering, fmt};

use super::{
    Datum, Field, FilterFault, Instant, Needs, Path, Row, Subject,
    expression::Slot,
    paths::Paths,
    token::{Kind, Lexer, Token},
};
use crate::{canonical_json, limits};

/// A sort order, e.g. `recorded_at desc, payload.total`.
///
/// Values order by type first: null or missing, false, true, numbers, times, text (byte by byte), arrays and objects (by
/// their canonical form). `desc` turns all of that round. The time fields order as instants. Rows that are equal in all of
/// it are for the caller to order, by position.
#[derive(Debug, Clone)]
pub struct Sort {
    columns: Vec<(Slot, Direction)>,
    paths: Paths,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ascending,
    Descending,
}

/// Where a row stands. Keys of one [`Sort`] compare as its rows are ordered.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortKey(Vec<Column>);

#[derive(Clone)]
struct Column {
    value: Value,
    direction: Direction,
}

/// Values that outlive their row, in their order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Time(Instant),
    Text(Box<str>),
    Nested(Box<str>),
}

/// A number of JSON, which is never NaN, in the order of numbers.
#[derive(Clone, Copy)]
struct Number(f64);

const SEPARATORS: &str = "asc, desc, `,` or the end";

impl Sort {
    /// Parses paths with their directions (`asc`, which goes without saying, or `desc`), separated by commas.
    ///
    /// # Errors
    ///
    /// The first fault of the text, with its place.
    pub fn parse(text: &str, subject: Subject) -> Result<Self, FilterFault> {
        if text.len() > limits::FILTER_BYTES {
            return Err(FilterFault::too_long(text, limits::FILTER_BYTES, "FILTER_BYTES"));
        }
        let mut sort = Self { columns: Vec::new(), paths: Paths::default() };
        let mut lexer = Lexer::new(text);
        loop {
            let token = lexer.next()?;
            if sort.columns.len() == limits::SORT_PATHS {
                let expected = format!("at most {} (SORT_PATHS)", limits::SORT_PATHS);
                return Err(fault(text, &token, "the sort order has too many paths", expected));
            }
            let slot = sort.path(text, token, subject)?;
            let (direction, next) = direction(&mut lexer)?;
            sort.columns.push((slot, direction));
            match next.kind {
                Kind::End => return Ok(sort),
                Kind::Comma => {}
                _ => return Err(fault(text, &next, "a path is followed by something else", SEPARATORS)),
            }
        }
    }

    /// What it needs beside the fields that stand in clear.
    #[must_use]
    pub fn needs(&self) -> Needs {
        self.paths.needs()
    }

    /// The paths into payloads and states whose values decide.
    pub fn contents(&self) -> impl Iterator<Item = &Path> {
        self.paths.contents()
    }

    /// Where a row stands.
    #[must_use]
    pub fn key(&self, row: &impl Row) -> SortKey {
        let mut slots = self.paths.clear(row);
        self.paths.sealed(row, &mut slots);
        let column =
            |&(slot, direction): &(Slot, Direction)| Column { value: Value::of(slots[slot].as_ref()), direction };
        SortKey(self.columns.iter().map(column).collect())
    }

    /// Whether rows are ordered by one of these fields first of all: then whether it descends.
    pub(crate) fn leads_with(&self, fields: &[Field]) -> Option<bool> {
        let (slot, direction) = self.columns.first()?;
        let leads = self.paths.field(*slot).is_some_and(|field| fields.contains(&field));
        leads.then_some(*direction == Direction::Descending)
    }

    fn path(&mut self, text: &str, token: Token<'_>, subject: Subject) -> Result<Slot, FilterFault> {
        let place = token.at..token.at + token.length;
        let Kind::Path { path, quoted } = token.kind else {
            return Err(FilterFault::new(text, place, "a path is missing", "a path, e.g. recorded_at"));
        };
        let source = subject.resolve(path, !quoted);
        source
            .map(|source| self.paths.slot(source))
            .map_err(|(message, expected)| FilterFault::new(text, place, message, expected))
    }
}

/// The direction of a path, if it is said, and the token that follows.
fn direction<'t>(lexer: &mut Lexer<'t>) -> Result<(Direction, Token<'t>), FilterFault> {
    let token = lexer.next()?;
    let Kind::Path { path, quoted: false } = &token.kind else { return Ok((Direction::Ascending, token)) };
    let word = path.to_string();
    if word.eq_ignore_ascii_case("desc") {
        Ok((Direction::Descending, lexer.next()?))
    } else if word.eq_ignore_ascii_case("asc") {
        Ok((Direction::Ascending, lexer.next()?))
    } else {
        Ok((Direction::Ascending, token))
    }
}

fn fault(text: &str, token: &Token<'_>, message: &str, expected: impl Into<String>) -> FilterFault {
    FilterFault::new(text, token.at..token.at + token.length, message, expected)
}

impl SortKey {
    /// Whether a row stands behind another by its first path alone.
    pub(crate) fn leads_behind(&self, other: &Self) -> bool {
        self.0.first() > other.0.first()
    }

    /// About how many bytes it takes in memory: a text of a row can be as long as the row.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts = self.0.iter().map(|column| match &column.value {
            Value::Text(text) | Value::Nested(text) => text.len(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Time(_) => 0,
        });
        size_of::<Self>() + self.0.len() * size_of::<Column>() + texts.sum::<usize>()
    }
}

/// Shows the number of columns alone: what a client wrote must not reach a log by way of `{:?}`.
impl fmt::Debug for SortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SortKey({} columns)", self.0.len())
    }
}

impl Value {
    fn of(datum: Option<&Datum<'_>>) -> Self {
        match datum {
            None | Some(Datum::Null) => Self::Null,
            Some(Datum::Bool(value)) => Self::Bool(*value),
            // Adding zero takes the sign from a negative one.
            Some(Datum::Number(value)) => Self::Number(Number(value + 0.0)),
            Some(Datum::Time(time)) => Self::Time(*time),
            Some(Datum::Text(text)) => Self::Text((&**text).into()),
            Some(Datum::Nested(text)) => Self::Nested(canonical_json(text).into()),
        }
    }
}

impl Ord for Column {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.value.cmp(&other.value);
        if self.direction == Direction::Descending { order.reverse() } else { order }
    }
}

impl PartialOrd for Column {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Column {}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}
