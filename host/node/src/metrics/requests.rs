//! Counting requests: by method and route, and no other way, so that nobody outside decides how many series there are.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};

use crate::{node::Node, timing::Timing};

/// What the requests were that match no route, or come by a method that none has.
const OTHER: &str = "other";

/// What was asked, and how it went, since the daemon started.
#[derive(Default)]
pub(crate) struct Requests {
    counted: RwLock<BTreeMap<Key, Arc<Counts>>>,
}

/// A kind of request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) route: String,
    pub(super) method: String,
}

/// How requests of a kind went.
#[derive(Default)]
pub(super) struct Counts {
    /// 1xx to 5xx.
    pub(super) by_class: [AtomicU64; 5],
    pub(super) timing: Timing,
}

/// Counts a request. A layer of the router.
pub(crate) async fn count(
    State(node): State<Arc<Node>>,
    matched: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let key = Key {
        route: matched.map_or_else(|| OTHER.to_owned(), |matched| matched.as_str().to_owned()),
        method: known_method(request.method().as_str()).to_owned(),
    };
    let response = next.run(request).await;
    node.requests.count(key, response.status(), begun.elapsed());
    response
}

impl Requests {
    fn count(&self, key: Key, status: StatusCode, took: Duration) {
        let known = self.counted.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let counts = known.unwrap_or_else(|| {
            Arc::clone(self.counted.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_default())
        });
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        counts.by_class[class].fetch_add(1, Ordering::Relaxed);
        counts.timing.count(took);
    }

    /// What was counted, by route and method.
    pub(super) fn all(&self) -> Vec<(Key, Arc<Counts>)> {
        let counted = self.counted.read().unwrap_or_else(PoisonError::into_inner);
        counted.iter().map(|(key, counts)| (key.clone(), Arc::clone(counts))).collect()
    }
}

/// Methods are what clients make up; those that routes have are told apart.
fn known_method(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE" => method,
        _ => OTHER,
    }
}
