//! Following the log: from history to live with no gap and no duplicate.
//!
//! A follower is a cursor. It reads pages until one ends with the log, then sleeps until the head moves on from what it was
//! *before* that page was read. What it has read waits for the client in one page, never more: a slow client slows only
//! its own cursor, and keeps nobody from closing the domain.

use std::{
    convert::Infallible,
    sync::{Arc, Weak},
};

use bytes::Bytes;
use eventdbx_store::EventQuery;
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::{
    ApiError, convert,
    events::{Scope, kind_of},
    history, ndjson,
    sight::Sight,
};
use crate::{
    node::{DomainNode, Node},
    wire::{ErrorCode, Event},
};

/// A cursor over the log.
pub(super) struct Follower {
    node: Arc<Node>,
    domain: Weak<DomainNode>,
    heads: watch::Receiver<u64>,
    scope: Scope,
    /// Which events, without scope and place.
    wanted: EventQuery,
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
    /// Whether the page ended before the log did.
    more: bool,
}

impl Follower {
    #[expect(clippy::needless_pass_by_value, reason = "the request gives up what would keep the domain open")]
    pub(super) fn new(
        node: Arc<Node>,
        domain: Arc<DomainNode>,
        scope: Scope,
        from: u64,
        wanted: EventQuery,
        sight: Sight,
    ) -> Self {
        let heads = domain.head.clone();
        let domain = Arc::downgrade(&domain);
        Self { node, domain, heads, scope, wanted, sight, from, next: None, failed: false }
    }

    /// Lines of NDJSON, a page of them at a time. Ends when the daemon stops; an error is the last line.
    pub(super) fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut follower| async move {
            if follower.failed {
                return None;
            }
            let stop = follower.node.stop.clone();
            let lines = match stop.run_until_cancelled(follower.lines()).await? {
                Ok(lines) => lines,
                Err(_) if stop.is_cancelled() => return None,
                Err(error) => {
                    follower.failed = true;
                    ndjson::line(&error.into_body())
                }
            };
            Some((Ok(lines), follower))
        })
    }

    /// The lines that come next; sleeps until there are some.
    async fn lines(&mut self) -> Result<Bytes, ApiError> {
        loop {
            self.heads.borrow_and_update();
            let domain = self.domain.upgrade().filter(|domain| !domain.closing.is_cancelled()).ok_or_else(closed)?;
            let (scope, next) = (self.scope.clone(), self.next);
            let (from, wanted, sight) = (self.from, self.wanted.clone(), self.sight);
            let read = self.node.blocking(move || read(&domain, scope, from, next, wanted, sight)).await?;
            self.next = read.next;
            if !read.rows.is_empty() {
                return Ok(ndjson::lines(&read.rows));
            }
            if !read.more {
                self.heads.changed().await.map_err(|_| closed())?;
            }
        }
    }
}

fn closed() -> ApiError {
    ApiError::new(ErrorCode::Unavailable, "the domain was closed: it is being deleted")
}

/// Reads a page from the place `next` on. A page looks at every row up to where it ends, so that the next one begins behind
/// the last of them, whether that was wanted or not.
fn read(
    domain: &DomainNode,
    scope: Scope,
    from: u64,
    next: Option<u64>,
    wanted: EventQuery,
    sight: Sight,
) -> Result<Read, ApiError> {
    let query = match scope {
        Scope::All => EventQuery { from: Some(next.unwrap_or(from)), ..wanted },
        Scope::Kind(kind) => EventQuery { kind: Some(kind), from: Some(next.unwrap_or(from)), ..wanted },
        Scope::Aggregate(name) => {
            let first = match next {
                Some(next) => Some(next),
                None => history::version_from(&domain.log, &name, from, false)?,
            };
            let Some(first) = first else { return Ok(Read { rows: Vec::new(), next: None, more: false }) };
            EventQuery { aggregate: Some(name), from: Some(first), ..wanted }
        }
    };
    // By the schemas of now: a field that was hidden meanwhile is hidden from here on.
    let view = sight.of(domain);
    view.permits(kind_of(&query), query.filter.as_ref(), None)?;
    let page = domain.log.events(&query)?;
    let rows = convert::events(&page.rows.iter().collect::<Vec<_>>(), &view)?;
    Ok(Read { rows, next: page.last.map(|last| last + 1).or(query.from), more: page.more })
}
