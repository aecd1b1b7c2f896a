//! Listing events: by place, or by an order of the caller's.

use fjall::{Readable, Snapshot};

use super::{EventQuery, Page, at::Places, best::Best, pager::Pager, row::Looker};
use crate::{
    AggregateNumber, Domain, Event, Field, Position, ReadError, Sort, SortKey, Version,
    files::Files,
    keys,
    rows::{self, EventView},
};

impl Domain {
    /// Events by position, or those of one aggregate by version, or in an order. A filter is decided by what stands in
    /// clear where that is possible; only else, and where it is to be kept, is an event unsealed.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read, or when there is no event where the listing is to go on in its order.
    pub fn events(&self, query: &EventQuery) -> Result<Page<Event>, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let number = match &query.aggregate {
            None => None,
            Some(name) => match keys::number_of(&at, &files.spaces, name)? {
                None => return Ok(Page::empty()),
                number => number,
            },
        };
        let listing = Listing { files, at: &at, query, number };
        match &query.sort {
            None => listing.by_place(),
            Some(sort) => listing.by_order(sort),
        }
    }
}

struct Listing<'a> {
    files: &'a Files,
    at: &'a Snapshot,
    query: &'a EventQuery,
    /// The one aggregate whose events are listed.
    number: Option<AggregateNumber>,
}

/// A row by its place, which is its position or, within an aggregate, its version.
type Placed = Result<(u64, Position, fjall::Slice), ReadError>;

impl<'a> Listing<'a> {
    fn by_place(&self) -> Result<Page<Event>, ReadError> {
        let mut page = Pager::new(self.query.limit);
        let mut looker = Looker::new(self.files, self.query);
        for row in self.rows()? {
            if page.is_spent() {
                return Ok(page.finish_early());
            }
            let (place, position, value) = row?;
            let view = EventView::decode(position, &value)?;
            if !looker.wants(&view)? {
                page.pass(place);
            } else if page.is_full(value.len()) {
                return Ok(page.finish_early());
            } else {
                page.push(place, looker.event(&view)?, value.len());
            }
        }
        Ok(page.finish())
    }

    fn by_order(&self, sort: &Sort) -> Result<Page<Event>, ReadError> {
        let beyond = self.query.after.map(|place| self.key_at(sort, place)).transpose()?;
        let mut best = Best::new(self.query.limit, beyond);
        let mut looker = Looker::new(self.files, self.query);
        for row in self.rows()? {
            let (place, position, value) = row?;
            let view = EventView::decode(position, &value)?;
            if looker.wants(&view)? {
                let key = looker.key(sort, &view)?;
                if self.along().is_some() && best.is_done_at(&key) {
                    break;
                }
                best.offer(key, place);
            }
        }
        let (places, more) = best.finish();
        let known = self.places()?;
        let mut page = Pager::new(self.query.limit);
        for place in places {
            let position = known.position(place)?;
            let value = self.files.log_row(self.at, position)?;
            if page.is_full(value.len()) {
                return Ok(page.finish_early());
            }
            page.push(place, self.files.open_row(position, &value)?.event, value.len());
        }
        Ok(if more { page.finish_early() } else { page.finish() })
    }

    /// Where the event at a place stands in an order. It never changes, so that its place is enough to find it again.
    fn key_at(&self, sort: &Sort, place: u64) -> Result<(SortKey, u64), ReadError> {
        let places = self.places()?;
        if place == 0 || place > places.last() {
            return Err(ReadError::NoSuchPlace(match &self.query.aggregate {
                None => format!("position {place}"),
                Some(name) => format!("version {place} of {name}"),
            }));
        }
        let position = places.position(place)?;
        let value = self.files.log_row(self.at, position)?;
        let view = EventView::decode(position, &value)?;
        Ok((Looker::new(self.files, self.query).key(sort, &view)?, place))
    }

    /// Whether the order follows that of the places, so that rows are read from its beginning, and only as far as a page
    /// goes: then whether it goes downwards.
    fn along(&self) -> Option<bool> {
        let of_log = [Field::RecordedAt, Field::Position];
        let of_aggregate = [Field::RecordedAt, Field::Position, Field::Version];
        let fields = if self.number.is_some() { &of_aggregate[..] } else { &of_log };
        self.query.sort.as_ref()?.leads_with(fields)
    }

    fn is_downwards(&self) -> bool {
        if self.query.sort.is_some() { self.along() == Some(true) } else { self.query.reverse }
    }

    fn places(&self) -> Result<Places<'a>, ReadError> {
        match self.number {
            None => Places::of_log(self.files, self.at),
            Some(number) => Places::of_aggregate(self.files, self.at, number),
        }
    }

    /// The rows between the bounds of the query, in the direction that it asks for.
    fn rows(&self) -> Result<Box<dyn Iterator<Item = Placed> + 'a>, ReadError> {
        let (first, last) = self.bounds()?;
        if first > last {
            return Ok(Box::new(std::iter::empty()));
        }
        let (files, at) = (self.files, self.at);
        let reverse = self.is_downwards();
        let Some(number) = self.number else {
            let rows = at.range(&files.spaces.log, first.to_be_bytes()..=last.to_be_bytes());
            let read = |row: fjall::Guard| {
                let (key, value) = row.into_inner()?;
                let place = rows::number(&key, "log")?;
                Ok((place, Position::new(place), value))
            };
            return Ok(if reverse { Box::new(rows.rev().map(read)) } else { Box::new(rows.map(read)) });
        };
        let [first, last] = [first, last].map(|version| rows::index_key(number, Version::new(version)));
        let rows = at.range(&files.spaces.index, first..=last);
        let read = move |row: fjall::Guard| {
            let (key, value) = row.into_inner()?;
            let (_, version) = key.split_at(key.len().saturating_sub(8));
            let position = Position::new(rows::number(&value, "index")?);
            Ok((rows::number(version, "index")?, position, files.log_row(at, position)?))
        };
        Ok(if reverse { Box::new(rows.rev().map(read)) } else { Box::new(rows.map(read)) })
    }

    /// First and last place that may be returned; the first is behind the last where there is none.
    fn bounds(&self) -> Result<(u64, u64), ReadError> {
        let query = self.query;
        let (mut first, mut last) = (1, u64::MAX);
        let downwards = query.reverse && query.sort.is_none();
        match query.from {
            Some(from) if downwards => last = from,
            Some(from) => first = first.max(from),
            None => {}
        }
        match query.after {
            Some(after) if downwards => last = last.min(after.saturating_sub(1)),
            Some(after) if query.sort.is_none() => first = first.max(after.saturating_add(1)),
            _ => {}
        }
        if query.since.is_some() || query.until.is_some() || self.along().is_some() {
            let places = self.places()?;
            match (self.along(), query.after) {
                (Some(false), Some(after)) => first = first.max(places.first_beside(after)?),
                (Some(true), Some(after)) => last = last.min(places.last_beside(after)?),
                _ => {}
            }
            if let Some(since) = query.since {
                first = first.max(places.first_since(since)?);
            }
            if let Some(until) = query.until {
                last = last.min(places.first_since(until)? - 1);
            }
        }
        Ok((first, last))
    }
}
