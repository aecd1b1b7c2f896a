//! Where requests wait for a gateway: a few threads at lower priority, and a short queue before them.
//!
//! A queue that is full answers at once, so that whoever asks knows better than to wait; a gateway can never have more than
//! its threads work, and never a thread of the API.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use crate::plugins::{PluginError, PluginPriority, lock, priority};

/// The threads and the queue of one gateway.
pub(super) struct Desk<J> {
    queue: Arc<Queue<J>>,
    threads: Vec<JoinHandle<()>>,
    most: usize,
}

struct Queue<J> {
    waiting: Mutex<Waiting<J>>,
    /// Something came, or nothing more does.
    moved: Condvar,
}

struct Waiting<J> {
    jobs: VecDeque<J>,
    closed: bool,
}

impl<J: Send + 'static> Desk<J> {
    /// Starts the threads, each with what `work` makes: it does one job after the other.
    pub(super) fn start(
        name: &str,
        threads: usize,
        most: usize,
        work: impl Fn(J) + Send + Sync + 'static,
    ) -> Result<Self, PluginError> {
        let waiting = Mutex::new(Waiting { jobs: VecDeque::new(), closed: false });
        let mut desk = Self { queue: Arc::new(Queue { waiting, moved: Condvar::new() }), threads: Vec::new(), most };
        let work = Arc::new(work);
        for _ in 0..threads {
            let (queue, work) = (Arc::clone(&desk.queue), Arc::clone(&work));
            let builder = thread::Builder::new().name(format!("gateway-{name}"));
            let thread = builder.spawn(move || {
                priority::lower(PluginPriority::Normal);
                while let Some(job) = queue.next() {
                    work(job);
                }
            });
            let failed = |error| PluginError::Internal(format!("no thread for the gateway: {error}"));
            desk.threads.push(thread.map_err(failed)?);
        }
        Ok(desk)
    }

    /// Puts a job into the queue; it comes back where the queue is full.
    pub(super) fn put(&self, job: J) -> Result<(), J> {
        let mut waiting = lock(&self.queue.waiting);
        if waiting.jobs.len() >= self.most || waiting.closed {
            return Err(job);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.queue.moved.notify_one();
        Ok(())
    }
}

impl<J> Queue<J> {
    /// The next job, once there is one; none: no more comes.
    fn next(&self) -> Option<J> {
        let mut waiting = lock(&self.waiting);
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            waiting = self.moved.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Lets the jobs end that are being done; those that wait are dropped, which tells whoever waits for them.
impl<J> Drop for Desk<J> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.queue.waiting);
        waiting.closed = true;
        let dropped = std::mem::take(&mut waiting.jobs);
        drop(waiting);
        self.queue.moved.notify_all();
        drop(dropped);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of a gateway had panicked");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn so_many_are_done_so_many_wait_and_the_rest_is_told_at_once() {
        let (begun, beginnings) = mpsc::channel();
        let (go, gone) = mpsc::channel::<()>();
        let gone = Mutex::new(gone);
        let desk = Desk::start("test", 1, 2, move |job: u32| {
            begun.send(job).unwrap();
            lock(&gone).recv().unwrap();
        });
        let desk = desk.unwrap();
        desk.put(1).unwrap();
        assert_eq!(beginnings.recv(), Ok(1));
        desk.put(2).unwrap();
        desk.put(3).unwrap();
        assert_eq!(desk.put(4), Err(4));
        go.send(()).unwrap();
        assert_eq!(beginnings.recv(), Ok(2));
        desk.put(5).unwrap();
        go.send(()).unwrap();
        assert_eq!(beginnings.recv(), Ok(3));
        // The one that is being done ends; the one that waits is dropped.
        go.send(()).unwrap();
        go.send(()).unwrap();
        drop(desk);
        assert!(beginnings.try_iter().all(|job| job == 5));
    }
}
