//! Listing aggregates: by name, or by an order of the caller's.
//!
//! An aggregate is two rows, its name and its head. What the head says in clear decides first; the state is unsealed only
//! where the filter, the order or the answer needs it.

use std::ops::Bound;

use fjall::{Readable, Snapshot};

use super::{AggregatePlace, AggregateQuery, AggregateRow, Page, best::Best, pager::Pager, row::SeenHead};
use crate::{
    AggregateNumber, AggregateRef, Domain, Filter, Json, Micros, Position, ReadError, Sort, SortKey, Version,
    files::Files,
    filter::AggregateFields,
    keys,
    rows::{self, HeadRow},
};

impl Domain {
    /// Aggregates by type and id, or in an order.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read, or when there is none where the listing is to go on in its order.
    pub fn aggregates(&self, query: &AggregateQuery) -> Result<Page<AggregateRow, AggregatePlace>, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let listing = Listing { files, at: &at, query };
        match &query.sort {
            None => listing.by_name(),
            Some(sort) => {
                let beyond = query.after.as_ref().map(|place| self.key_at(&listing, sort, place)).transpose()?;
                listing.by_order(sort, beyond)
            }
        }
    }

    /// Where an aggregate stood in an order when it was as `place` says.
    fn key_at(
        &self,
        listing: &Listing<'_>,
        sort: &Sort,
        place: &AggregatePlace,
    ) -> Result<(SortKey, AggregateRef), ReadError> {
        let AggregatePlace { name, version, archived } = place;
        let missing = || ReadError::NoSuchPlace(format!("version {version} of {name}"));
        let (files, at) = (listing.files, listing.at);
        let number = keys::number_of(at, &files.spaces, name)?.ok_or_else(missing)?;
        let now = listing.head(number, name)?;
        if version.get() == 0 || *version > now.version {
            return Err(missing());
        }
        let state = if sort.needs().state { self.state_at(name, *version)? } else { None };
        let last_position = files.position_of(at, number, *version)?;
        let fields = AggregateFields {
            name,
            version: *version,
            archived: *archived,
            last_position,
            created_at: now.created_at,
            updated_at: files.header_at(at, last_position)?.recorded_at,
        };
        Ok((sort.key(&SeenHead(fields, state.as_ref().map(Json::as_str))), name.clone()))
    }
}

struct Listing<'a> {
    files: &'a Files,
    at: &'a Snapshot,
    query: &'a AggregateQuery,
}

/// A head of which the state is still sealed, with the row that has it.
struct SealedHead {
    number: AggregateNumber,
    version: Version,
    archived: bool,
    last_position: Position,
    created_at: Micros,
    updated_at: Micros,
    value: fjall::Slice,
}

impl Listing<'_> {
    fn by_name(&self) -> Result<Page<AggregateRow, AggregatePlace>, ReadError> {
        let mut page = Pager::new(self.query.limit);
        for found in self.names() {
            if page.is_spent() {
                return Ok(page.finish_early());
            }
            let (name, number) = found?;
            let head = self.head(number, &name)?;
            let place = head.place(&name);
            let mut state = None;
            if !self.wants(&name, &head, &mut state)? {
                page.pass(place);
                continue;
            }
            let row = self.row(name, &head, state)?;
            let bytes = row.bytes();
            if page.is_full(bytes) {
                return Ok(page.finish_early());
            }
            page.push(place, row, bytes);
        }
        Ok(page.finish())
    }

    fn by_order(
        &self,
        sort: &Sort,
        beyond: Option<(SortKey, AggregateRef)>,
    ) -> Result<Page<AggregateRow, AggregatePlace>, ReadError> {
        let mut best = Best::new(self.query.limit, beyond);
        for found in self.names() {
            let (name, number) = found?;
            let head = self.head(number, &name)?;
            let mut state = None;
            if !self.wants(&name, &head, &mut state)? {
                continue;
            }
            if sort.needs().state && state.is_none() {
                state = Some(self.state(&name, &head)?);
            }
            best.offer(sort.key(&SeenHead(head.fields(&name), state.as_deref())), name);
        }
        let (names, more) = best.finish();
        let mut page = Pager::new(self.query.limit);
        for name in names {
            let missing = || ReadError::Damaged(format!("{name}: its row of names is missing"));
            let number = keys::number_of(self.at, &self.files.spaces, &name)?.ok_or_else(missing)?;
            let head = self.head(number, &name)?;
            let place = head.place(&name);
            let row = self.row(name, &head, None)?;
            let bytes = row.bytes();
            if page.is_full(bytes) {
                return Ok(page.finish_early());
            }
            page.push(place, row, bytes);
        }
        Ok(if more { page.finish_early() } else { page.finish() })
    }

    /// The names between the bounds of the query.
    fn names(&self) -> impl Iterator<Item = Result<(AggregateRef, AggregateNumber), ReadError>> + use<'_> {
        let query = self.query;
        let after = query.after.as_ref().filter(|_| query.sort.is_none());
        let start = match (after, &query.kind) {
            (Some(after), _) => Bound::Excluded(rows::name_key(&after.name)),
            (None, Some(kind)) => Bound::Included(rows::kind_prefix(kind)),
            // A reserved type begins with $, any other with a letter.
            (None, None) if !query.system => Bound::Included(b"a".to_vec()),
            (None, None) => Bound::Unbounded,
        };
        let rows = self.at.range(&self.files.spaces.names, (start, Bound::Unbounded));
        let names = rows.map(|row| {
            let (key, value) = row.into_inner()?;
            let name = rows::name_of_key(&key).ok_or_else(|| ReadError::Damaged("a name does not decode".into()))?;
            Ok((name, AggregateNumber::new(rows::number(&value, "names")?)))
        });
        let of_kind = |name: &AggregateRef| query.kind.as_ref().is_none_or(|kind| *kind == name.kind);
        names.take_while(move |found| found.as_ref().map_or(true, |(name, _)| of_kind(name)))
    }

    fn head(&self, number: AggregateNumber, name: &AggregateRef) -> Result<SealedHead, ReadError> {
        let value = self.at.get(&self.files.spaces.heads, number.get().to_be_bytes())?;
        let value = value.ok_or_else(|| ReadError::Damaged(format!("{name}: its head row is missing")))?;
        let HeadRow { version, archived, last_position, created_at, updated_at, .. } = HeadRow::decode(&value)?;
        Ok(SealedHead { number, version, archived, last_position, created_at, updated_at, value })
    }

    /// Whether the query wants an aggregate. Where that takes its state, `state` has it afterwards.
    fn wants(&self, name: &AggregateRef, head: &SealedHead, state: &mut Option<String>) -> Result<bool, ReadError> {
        let query = self.query;
        let hidden = (head.archived && !query.archived) || (name.kind.is_system() && !query.system);
        let early = query.since.is_some_and(|since| head.updated_at < since);
        let late = query.until.is_some_and(|until| head.updated_at >= until);
        if hidden || early || late {
            return Ok(false);
        }
        query.filter.as_ref().map_or(Ok(true), |filter| self.passes(filter, name, head, state))
    }

    fn passes(
        &self,
        filter: &Filter,
        name: &AggregateRef,
        head: &SealedHead,
        state: &mut Option<String>,
    ) -> Result<bool, ReadError> {
        if let Some(passes) = filter.decide_by_header(&SeenHead(head.fields(name), None)) {
            return Ok(passes);
        }
        let state = state.insert(self.state(name, head)?);
        Ok(filter.matches(&SeenHead(head.fields(name), Some(state))))
    }

    fn row(&self, name: AggregateRef, head: &SealedHead, state: Option<String>) -> Result<AggregateRow, ReadError> {
        let state = match state {
            _ if !self.query.states => None,
            Some(state) => Some(state),
            None => Some(self.state(&name, head)?),
        };
        Ok(AggregateRow {
            version: head.version,
            archived: head.archived,
            root: HeadRow::decode(&head.value)?.tree.root(),
            last_position: head.last_position,
            created_at: head.created_at,
            updated_at: head.updated_at,
            state: state.map(Json::trusted),
            name,
        })
    }

    /// Unseals the state, which is canonical JSON as it lies there.
    fn state(&self, name: &AggregateRef, head: &SealedHead) -> Result<String, ReadError> {
        let damaged = |what: &str| ReadError::Damaged(format!("{name}: {what}"));
        let row = HeadRow::decode(&head.value)?;
        let key = self.files.keys.of_row(head.number, name, row.key_id)?;
        let binding = self.files.state_binding(&key, name, head.version);
        let state = key.cipher.open(&binding, row.sealed_state).ok_or_else(|| damaged("its state does not open"))?;
        String::from_utf8(state).map_err(|_| damaged("its state is not text"))
    }
}

impl SealedHead {
    fn fields<'a>(&self, name: &'a AggregateRef) -> AggregateFields<'a> {
        AggregateFields {
            name,
            version: self.version,
            archived: self.archived,
            last_position: self.last_position,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    fn place(&self, name: &AggregateRef) -> AggregatePlace {
        AggregatePlace { name: name.clone(), version: self.version, archived: self.archived }
    }
}

impl AggregateRow {
    /// About how many bytes it takes in a page.
    fn bytes(&self) -> usize {
        self.state.as_ref().map_or(0, |state| state.as_str().len())
    }
}
