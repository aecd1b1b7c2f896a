//! The bounded queue between the callers and the committer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
    mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel},
};

use super::Checked;
use crate::{Receipt, SubmitError, limits};

/// Called once with what became of a request, on the committer's thread.
pub type Reply = Box<dyn FnOnce(Result<Receipt, SubmitError>) + Send>;

/// A request that waits.
pub(crate) struct Submission {
    pub(crate) checked: Checked,
    pub(crate) reply: Reply,
}

/// The callers' end.
pub(crate) struct Queue {
    sender: SyncSender<Submission>,
    waiting: Arc<AtomicUsize>,
}

/// The committer's end.
pub(crate) struct Waiting {
    receiver: Receiver<Submission>,
    waiting: Arc<AtomicUsize>,
}

/// Why a submission was not taken.
pub(crate) enum NotTaken {
    Full(Box<Submission>),
    Closed(Box<Submission>),
}

impl Queue {
    pub(crate) fn new() -> (Self, Waiting) {
        let (sender, receiver) = sync_channel(limits::QUEUED_REQUESTS);
        let waiting = Arc::new(AtomicUsize::new(0));
        (Self { sender, waiting: Arc::clone(&waiting) }, Waiting { receiver, waiting })
    }

    pub(crate) fn push(&self, submission: Submission) -> Result<(), NotTaken> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.sender.try_send(submission).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(submission) => NotTaken::Full(Box::new(submission)),
                TrySendError::Disconnected(submission) => NotTaken::Closed(Box::new(submission)),
            }
        })
    }

    /// Requests that wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Waiting {
    /// Waits for a request and takes all that queued up behind it, as far as one group goes. None: the callers are gone.
    pub(crate) fn next_group(&self) -> Option<Vec<Submission>> {
        let first = self.receiver.recv().ok()?;
        let mut events = first.checked.event_count();
        let mut group = vec![first];
        while events < limits::EVENTS_PER_GROUP {
            match self.receiver.try_recv() {
                Ok(submission) => {
                    events += submission.checked.event_count();
                    group.push(submission);
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        self.waiting.fetch_sub(group.len(), Ordering::Relaxed);
        Some(group)
    }
}
