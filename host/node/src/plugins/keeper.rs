//! Housekeeping of the plugins' database, on a thread of its own: deleting generations that are no longer wanted, and
//! syncing now and then what the workers commit.
//!
//! A commit is not synced, because everything in it can be derived again; a sync every few seconds bounds how much has to
//! be after a power cut. Without commits the thread sleeps.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use eventdbx_store::plugindb::{PluginDb, PluginDbError};

use super::lock;

/// Time between the first commit that is not synced and the sync.
const SYNC_AFTER: Duration = Duration::from_secs(5);
/// Rows that are deleted in one batch.
const ERASE_ROWS: usize = 1000;

/// The housekeeping thread.
pub(super) struct Keeper {
    wanted: Arc<Wanted>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is to do. Whoever sets a flag unparks it.
#[derive(Default)]
struct Wanted {
    sweep: AtomicBool,
    sync: AtomicBool,
    stop: AtomicBool,
}

impl Keeper {
    /// Starts the thread. It begins by deleting what an earlier run left over.
    pub(super) fn start(db: PluginDb) -> std::io::Result<Self> {
        let wanted = Arc::new(Wanted { sweep: AtomicBool::new(true), ..Wanted::default() });
        let theirs = Arc::clone(&wanted);
        let thread = thread::Builder::new().name("plugin-keeper".to_owned()).spawn(move || theirs.serve(&db))?;
        Ok(Self { wanted, thread: Mutex::new(Some(thread)) })
    }

    /// There are generations to delete.
    pub(super) fn sweep(&self) {
        self.want(&self.wanted.sweep);
    }

    /// Something was committed.
    pub(super) fn committed(&self) {
        self.want(&self.wanted.sync);
    }

    /// Stops the thread, with a last sync. What is not deleted by then, the next start deletes.
    pub(super) fn stop(&self) {
        self.want(&self.wanted.stop);
        let thread = lock(&self.thread).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the housekeeping of the plugins' database had panicked");
        }
    }

    fn want(&self, flag: &AtomicBool) {
        if !flag.swap(true, Ordering::AcqRel)
            && let Some(thread) = &*lock(&self.thread)
        {
            thread.thread().unpark();
        }
    }
}

impl Wanted {
    fn serve(&self, db: &PluginDb) {
        while !self.stopping() {
            if self.sweep.swap(false, Ordering::AcqRel) {
                report(self.delete(db));
            }
            if self.sync.load(Ordering::Acquire) {
                thread::park_timeout(SYNC_AFTER);
                // Before the sync: what is committed meanwhile asks for another one.
                self.sync.store(false, Ordering::Release);
                report(db.sync());
            } else {
                thread::park();
            }
        }
        report(db.sync());
    }

    fn delete(&self, db: &PluginDb) -> Result<(), PluginDbError> {
        for generation in db.doomed()? {
            db.erase(generation, ERASE_ROWS, &mut || !self.stopping())?;
            if self.stopping() {
                break;
            }
        }
        Ok(())
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

fn report(outcome: Result<(), PluginDbError>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "housekeeping of the plugins' database failed");
    }
}
