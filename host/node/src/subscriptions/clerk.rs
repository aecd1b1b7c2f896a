//! The thread of a domain's subscriptions: what is read, cut and settled for them happens there, one request at a time and at
//! lower priority than what answers other clients. So no number of consumers takes the processor from an append.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex,
        mpsc::{self, SyncSender, TrySendError},
    },
    thread::{self, JoinHandle},
};

use eventdbx_store::DomainName;
use tokio::sync::oneshot;

use super::{limits, lock};
use crate::{api::ApiError, plugins::source, wire::ErrorCode};

type Job = Box<dyn FnOnce() + Send>;

/// The thread, once it is needed.
pub(super) struct Clerk {
    domain: DomainName,
    running: Mutex<Option<Running>>,
}

struct Running {
    jobs: SyncSender<Job>,
    thread: JoinHandle<()>,
}

impl Clerk {
    pub(super) fn new(domain: DomainName) -> Self {
        Self { domain, running: Mutex::default() }
    }

    /// Has something done on the thread, and waits for what comes of it.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (reply, answer) = oneshot::channel();
        self.hand_over(Box::new(move || drop(reply.send(work()))))?;
        let ended = |_| ApiError::new(ErrorCode::Internal, "a mistake of ours; the daemon's log says where");
        answer.await.map_err(ended)?
    }

    fn hand_over(&self, job: Job) -> Result<(), ApiError> {
        let mut running = lock(&self.running);
        let Running { jobs, .. } = match &mut *running {
            Some(running) => running,
            empty => empty.insert(self.start()?),
        };
        jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => {
                let most = limits::WAITING_REQUESTS;
                let message = format!("{most} requests wait for subscriptions, which is the limit WAITING_REQUESTS");
                ApiError::new(ErrorCode::Busy, message)
            }
            TrySendError::Disconnected(_) => ApiError::new(ErrorCode::Internal, "the thread of subscriptions ended"),
        })
    }

    fn start(&self) -> Result<Running, ApiError> {
        let (jobs, waiting) = mpsc::sync_channel::<Job>(limits::WAITING_REQUESTS);
        let builder = thread::Builder::new().name(format!("subs-{}", self.domain));
        let thread = builder.spawn(move || {
            source::lower_priority();
            for job in waiting {
                // Whoever asked is told by the answer that never comes; the next one is served.
                if panic::catch_unwind(AssertUnwindSafe(job)).is_err() {
                    tracing::error!("a request to a subscription panicked");
                }
            }
        });
        let thread = thread.map_err(|error| {
            ApiError::new(ErrorCode::Internal, format!("the system gives no thread for subscriptions: {error}"))
        })?;
        Ok(Running { jobs, thread })
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        let Some(Running { jobs, thread }) = lock(&self.running).take() else { return };
        drop(jobs);
        // The last to let go may be a job of the thread's own.
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            tracing::error!("the thread of subscriptions had panicked");
        }
    }
}
