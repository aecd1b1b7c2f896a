//! Who refers to an aggregate.

use fjall::{Readable, Snapshot};

use super::index::name_of;
use crate::{
    AggregateNumber, AggregateRef, Domain, DomainName, Page, ReadError, SchemaBook, Version,
    files::Files,
    limits,
    rows::{self, RowFault, Target},
    schema::Link,
};

/// An aggregate that refers to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    /// Its name.
    pub name: AggregateRef,
    /// Version of its last event.
    pub version: Version,
    /// Whether it is archived.
    pub archived: bool,
    /// Its references to the other one.
    pub links: Vec<Link>,
}

/// One that may refer to a target, as it is now.
pub(super) struct Candidate {
    pub(super) number: AggregateNumber,
    /// Without links it no longer refers.
    pub(super) referrer: Referrer,
}

impl Domain {
    /// The aggregates of this domain whose state refers to an aggregate, which need not exist, in the order in which they
    /// were created. `of`: the domain of the one that is referred to, if it is another one. A page goes on behind `after`.
    ///
    /// # Errors
    ///
    /// When a state cannot be read.
    pub fn referrers(
        &self,
        of: Option<&DomainName>,
        name: &AggregateRef,
        after: Option<AggregateNumber>,
        limit: usize,
    ) -> Result<Page<Referrer, AggregateNumber>, ReadError> {
        self.index_links()?;
        let files = &self.inner.files;
        let (book, at) = (self.schemas(), files.db.snapshot());
        let target = files.target(of, name);
        let mut page = Page { rows: Vec::new(), more: false, last: None };
        for (looked_at, candidate) in candidates(files, &at, &book, target, after).enumerate() {
            if page.rows.len() >= limit.min(limits::PAGE_ROWS) || looked_at >= limits::SCAN_ROWS {
                page.more = true;
                break;
            }
            let Candidate { number, referrer } = candidate?;
            page.last = Some(number);
            if !referrer.links.is_empty() {
                page.rows.push(referrer);
            }
        }
        Ok(page)
    }
}

/// All that may refer to a target, behind `after`.
pub(super) fn candidates<'a>(
    files: &'a Files,
    at: &'a Snapshot,
    book: &'a SchemaBook,
    target: Target,
    after: Option<AggregateNumber>,
) -> impl Iterator<Item = Result<Candidate, ReadError>> + 'a {
    let first = AggregateNumber::new(after.map_or(0, |number| number.get() + 1));
    let keys = rows::link_key(target, first)..=rows::link_key(target, AggregateNumber::new(u64::MAX));
    let rows = at.range(&files.spaces.links, keys);
    rows.map(move |row| {
        let (key, value) = row.into_inner()?;
        let damaged = RowFault { row: "links", what: "its key has another length" };
        let number = rows::number_of_link_key(&key).ok_or(damaged)?;
        let name = name_of(&value)?;
        let head = files.head_of_number(at, number, &name)?;
        let mut links = book.referring_schema(&name.kind).map(|schema| schema.links(&head.state)).unwrap_or_default();
        links.retain(|link| files.target(link.domain.as_ref(), &link.target) == target);
        let referrer = Referrer { name, version: head.version, archived: head.archived, links };
        Ok(Candidate { number, referrer })
    })
}
