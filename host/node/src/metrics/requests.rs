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

use super::text::Histogram;
use crate::node::Node;

/// Upper bounds of the histogram of latencies, in seconds: from an append without a sync to a long poll.
pub(super) const BUCKETS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

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
    by_bucket: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
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
        let seconds = took.as_secs_f64();
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        counts.by_bucket[bucket].fetch_add(1, Ordering::Relaxed);
        counts.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was counted, by route and method.
    pub(super) fn all(&self) -> Vec<(Key, Arc<Counts>)> {
        let counted = self.counted.read().unwrap_or_else(PoisonError::into_inner);
        counted.iter().map(|(key, counts)| (key.clone(), Arc::clone(counts))).collect()
    }
}

impl Counts {
    pub(super) fn histogram(&self) -> Histogram {
        let counts = self.by_bucket.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        Histogram { counts, sum: super::text::float(self.micros.load(Ordering::Relaxed)) / 1e6 }
    }
}

/// Methods are what clients make up; those that routes have are told apart.
fn known_method(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "PUT" | "POST" | "DELETE" => method,
        _ => OTHER,
    }
}
