//! Following the log: from history to live with no gap and no duplicate.
//!
//! A follower is a cursor. It reads pages until a page ends at the head that was known *before* the page was read, then
//! sleeps until the head moves. What it has read waits for the client in one page, never more: a slow client slows only
//! its own cursor, and keeps nobody from closing the domain.

use std::{
    convert::Infallible,
    sync::{Arc, Weak},
};

use bytes::Bytes;
use eventdbx_store::{EventQuery, limits::PAGE_ROWS};
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::{ApiError, convert, events::Scope, history, ndjson};
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
    system: bool,
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
    #[expect(clippy::needless_pass_by_value, reason = "the request gives up what would keep the domain open")]
    pub(super) fn new(node: Arc<Node>, domain: Arc<DomainNode>, scope: Scope, from: u64, system: bool) -> Self {
        let heads = domain.head.clone();
        let domain = Arc::downgrade(&domain);
        Self { node, domain, heads, scope, system, from, next: None, failed: false }
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
            let head = *self.heads.borrow_and_update();
            let (scope, next) = (self.scope.clone(), self.next);
            let domain = self.domain.upgrade().filter(|domain| !domain.closing.is_cancelled()).ok_or_else(closed)?;
            let (from, system) = (self.from, self.system);
            let read = self.node.blocking(move || read(&domain, &scope, from, next, system, head)).await?;
            self.next = read.next;
            if !read.rows.is_empty() {
                return Ok(ndjson::lines(&read.rows));
            }
            self.heads.changed().await.map_err(|_| closed())?;
        }
    }
}

fn closed() -> ApiError {
    ApiError::new(ErrorCode::Unavailable, "the domain was closed: it is being deleted")
}

/// Reads a page from the place `next` on. `head` was the head before.
fn read(
    domain: &DomainNode,
    scope: &Scope,
    from: u64,
    next: Option<u64>,
    system: bool,
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
    let rows = page.rows.iter().map(convert::event).collect::<Result<_, _>>()?;
    Ok(Read { rows, next })
}
