//! What runs: the opened domains and their plugins, shared by every request.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use eventdbx_store::{Clock, Domain, DomainName, Micros};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    api::ApiError, config::DaemonSection, domains::Domains, metrics::Requests, plugins::Plugins, stage::Stage,
    subscriptions::Subscriptions, trace::Tracer, wire::ErrorCode,
};

/// Reads, verifications and plugin requests that block a thread at the same time; further ones wait.
const BLOCKING_REQUESTS: usize = 32;

/// The daemon's insides.
pub(crate) struct Node {
    pub(crate) data_dir: PathBuf,
    pub(crate) settings: DaemonSection,
    pub(crate) clock: Clock,
    pub(crate) started_at: Micros,
    pub(crate) started: Instant,
    /// Cancelled when the daemon is to stop: nothing new is accepted, and what streams ends.
    pub(crate) stop: CancellationToken,
    pub(crate) domains: Domains,
    pub(crate) requests: Requests,
    pub(crate) tracer: Tracer,
    blocking: Arc<Semaphore>,
}

/// One domain as it is served.
pub(crate) struct DomainNode {
    pub(crate) name: DomainName,
    /// Its directory.
    pub(crate) dir: PathBuf,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) plugins: Plugins,
    pub(crate) log: Domain,
    pub(crate) stage: Stage,
    /// Position of the last event, told after each commit.
    pub(crate) head: watch::Receiver<u64>,
    /// Cancelled when the domain is to be closed: what streams ends.
    pub(crate) closing: CancellationToken,
    /// Cancelled once nobody holds this any more.
    pub(crate) closed: CancellationToken,
    // IMPORTANT: the last field, so that plugins and log were let go before.
    _closes: DropGuard,
}

impl Node {
    pub(crate) fn new(
        data_dir: PathBuf,
        settings: DaemonSection,
        clock: Clock,
        stop: CancellationToken,
        domains: Domains,
        tracer: Tracer,
    ) -> Self {
        Self {
            data_dir,
            settings,
            started_at: clock(),
            clock,
            started: Instant::now(),
            stop,
            domains,
            requests: Requests::default(),
            tracer,
            blocking: Arc::new(Semaphore::new(BLOCKING_REQUESTS)),
        }
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Runs what blocks (reads, hashes, compiles) on a thread of its own; at most [`BLOCKING_REQUESTS`] at a time.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let internal = || ApiError::new(ErrorCode::Internal, "the request was broken off");
        let permit = Arc::clone(&self.blocking).acquire_owned().await.map_err(|_| internal())?;
        let run = move || {
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| internal())?
    }
}

impl DomainNode {
    /// Why it cannot be written to, without its name; none: it can.
    pub(crate) fn problem(&self) -> Option<String> {
        let reason = self.log.write_failure()?;
        Some(format!("writes are stopped: {reason}"))
    }

    /// Takes a domain into service: from now on its commits move `head`.
    pub(crate) fn new(
        log: Domain,
        plugins: Plugins,
        subscriptions: Subscriptions,
        dir: PathBuf,
        closing: CancellationToken,
    ) -> Self {
        let (sender, head) = watch::channel(0);
        let sender = Arc::new(sender);
        let on_commit = Arc::clone(&sender);
        log.on_commit(Box::new(move |committed| {
            if let Some(last) = committed.events.last() {
                advance(&on_commit, last.header.position.get());
            }
        }));
        advance(&sender, log.head().position.get());
        let closed = CancellationToken::new();
        let _closes = closed.clone().drop_guard();
        let stage = Stage::in_dir(&dir);
        Self { name: log.name().clone(), dir, stage, subscriptions, plugins, log, head, closing, closed, _closes }
    }
}

/// Tells those who follow that the log has grown.
fn advance(head: &watch::Sender<u64>, position: u64) {
    head.send_if_modified(|known| {
        let grown = position > *known;
        *known = position.max(*known);
        grown
    });
}
