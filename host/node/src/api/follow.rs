//! Following the log: from history to live with no gap and no duplicate.
//!
//! A follower is a cursor. It reads pages until a page ends at the head that was known *before* the page was read, then
//! sleeps until the head moves. What it has read waits for the client in one page, never more: a slow client slows only
//! its own cursor.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use eventdbx_store::{EventQuery, limits::PAGE_ROWS};
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::{ApiError, convert, events::Scope, history, ndjson, sight::Sight};
use crate::{
    node::{DomainNode, Node},
    wire::{ErrorCode, Event},
};

/// A cursor over the log.
pub(super) struct Follower {
    node: Arc<Node>,
    domain: Arc<DomainNode>,
    heads: watch::Receiver<u64>,
    scope: Scope,
    system: bool,
    sight: Sight,
    /// First position that is wanted.
    from: u64,
    /// First place that was not read yet, once that is known: a version where one aggregate is followed, else a position.
    next: Option<u64>,
    failed: bool,
}

/// What one read found.
struct Read {
    rows: Vec<Event>,
    next: Option<u64>,
}

impl Follower {
    pub(super) fn new(
        node: Arc<Node>,
        domain: Arc<DomainNode>,
        scope: Scope,
        from: u64,
        system: bool,
        sight: Sight,
    ) -> Self {
        let heads = domain.head.clone();
        Self { node, domain, heads, scope, system, sight, from, next: None, failed: false }
    }

    /// Lines of NDJSON, a page of them at a time. Ends when the daemon stops; an error is the last line.
    pub(super) fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut follower| async move {
            if follower.failed {
                return None;
            }
            let stop = follower.node.stop.clone();
            let lines = stop.run_until_cancelled(follower.lines()).await?.unwrap_or_else(|error| {
                follower.failed = true;
                ndjson::line(&error.into_body())
            });
            Some((Ok(lines), follower))
        })
    }

    /// The lines that come next; sleeps until there are some.
    async fn lines(&mut self) -> Result<Bytes, ApiError> {
        loop {
            let head = *self.heads.borrow_and_update();
            let (domain, scope, next) = (Arc::clone(&self.domain), self.scope.clone(), self.next);
            let (from, system, sight) = (self.from, self.system, self.sight);
            let read = self.node.blocking(move || read(&domain, &scope, from, next, system, sight, head)).await?;
            self.next = read.next;
            if !read.rows.is_empty() {
                return Ok(ndjson::lines(&read.rows));
            }
            let closed = |_| ApiError::new(ErrorCode::Unavailable, "the domain is closed");
            self.heads.changed().await.map_err(closed)?;
        }
    }
}

/// Reads a page from the place `next` on. `head` was the head before.
fn read(
    domain: &DomainNode,
    scope: &Scope,
    from: u64,
    next: Option<u64>,
    system: bool,
    sight: Sight,
    head: u64,
) -> Result<Read, ApiError> {
    let base = EventQuery { limit: PAGE_ROWS, system, ..EventQuery::default() };
    let (query, by_version) = match scope {
        Scope::All => (EventQuery { from: Some(next.unwrap_or(from)), ..base }, false),
        Scope::Kind(kind) => (EventQuery { kind: Some(kind.clone()), from: Some(next.unwrap_or(from)), ..base }, false),
        Scope::Aggregate(name) => {
            let first = match next {
                Some(next) => Some(next),
                None => history::version_from(&domain.log, name, from, false)?,
            };
            let Some(first) = first else { return Ok(Read { rows: Vec::new(), next: None }) };
            (EventQuery { aggregate: Some(name.clone()), from: Some(first), ..base }, true)
        }
    };
    let page = domain.log.events(&query)?;
    let last =
        page.rows.last().map(|event| if by_version { event.header.version.get() } else { event.header.position.get() });
    let next = match last {
        Some(last) if page.more || by_version => Some(last + 1),
        // The page ended at a head that was no older than `head`: what was passed over up to there is not wanted.
        _ if !by_version => query.from.max(last.map(|last| last + 1)).max(Some(head + 1)),
        _ => query.from,
    };
    // By the schemas of now: a field that was hidden meanwhile is hidden from here on.
    let view = sight.of(domain);
    let rows = page.rows.iter().map(|event| convert::event(event, &view)).collect::<Result<_, _>>()?;
    Ok(Read { rows, next })
}
