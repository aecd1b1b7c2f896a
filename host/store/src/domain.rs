//! The domain: one log, opened, and the way into it.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    AggregateRef, AppendError, Checked, Cipher, Digest, DomainName, Draft, Durability, Event, EventType, Expected,
    Micros, Position, Reason, Receipt, SchemaBook, book,
    files::Files,
    limits,
    schema::Extensions,
    write::{self, NotTaken, Origin, Queue, Reply, Submission, SystemEvent},
};

/// Type of the event that archives an aggregate.
pub(crate) const ARCHIVED: &str = "$archived";
/// Type of the event that restores one.
pub(crate) const RESTORED: &str = "$restored";

/// Type of the event that removes references to an aggregate that is archived.
pub(crate) const REFERENCE_REMOVED: &str = "$reference_removed";

/// Gives the time. The store has no clock of its own.
pub type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// The clock of the operating system.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Micros::new(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    })
}

/// How to open a domain.
#[derive(Clone)]
pub struct OpenOptions {
    /// When a write is answered.
    pub durability: Durability,
    /// Where time comes from.
    pub clock: Clock,
    /// Bytes of the database's block cache.
    pub block_cache_bytes: u64,
    /// After how many events of an aggregate a snapshot is taken, where its schema does not say; 0: never.
    pub snapshot_threshold: u32,
}

impl OpenOptions {
    /// Durable writes and default caches.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            durability: Durability::default(),
            clock,
            block_cache_bytes: limits::BLOCK_CACHE_BYTES,
            snapshot_threshold: limits::SNAPSHOT_THRESHOLD,
        }
    }
}

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Position of the last committed event; 0: none.
    pub position: Position,
    /// Root of the domain's tree over all positions up to it.
    pub root: Digest,
    /// When it was committed.
    pub recorded_at: Micros,
}

/// What a commit listener is told, after the sync and in the order of positions.
pub struct Committed {
    /// The events, with ascending positions.
    pub events: Vec<Arc<Event>>,
}

/// Counts and sizes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Events.
    pub events: u64,
    /// Aggregates, archived ones included.
    pub aggregates: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Requests that wait for the committer.
    pub queued: usize,
    /// Batches since the domain was opened.
    pub commits: u64,
    /// Time that writing and syncing them took, in microseconds.
    pub commit_micros: u64,
    /// How many of them took at most as long as each of [`COMMIT_BOUNDS`] says, and longer than the one before; the last
    /// number is of those that took longer than all.
    pub commit_times: Vec<u64>,
}

/// By which [`Stats::commit_times`] are counted.
pub const COMMIT_BOUNDS: [Duration; 12] = [
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_millis(2_500),
];

/// Why a submitted request was not committed.
pub enum SubmitError {
    /// The answer to the client.
    Append(AppendError),
    /// An aggregate moved on since the check, or a request before it in its [`Lane`](crate::Lane) was turned away: check
    /// the request again ([`Domain::recheck`]).
    Moved(Unsettled),
}

/// A request that has to be checked again.
pub struct Unsettled(pub(crate) Origin);

impl From<AppendError> for SubmitError {
    fn from(error: AppendError) -> Self {
        Self::Append(error)
    }
}

/// One isolated log. Cheap to clone; it closes when the last clone goes.
#[derive(Clone)]
pub struct Domain {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) name: DomainName,
    pub(crate) files: Arc<Files>,
    pub(crate) shared: Arc<Shared>,
    /// Where the torn end of the log lies, if the open found one.
    pub(crate) set_aside: Option<PathBuf>,
    /// None only while the domain closes.
    pub(crate) queue: Option<Queue>,
    pub(crate) committer: Option<JoinHandle<()>>,
    /// Held for as long as the domain is open.
    pub(crate) _lock: File,
}

/// What the committer tells the rest.
pub(crate) struct Shared {
    head: Mutex<Head>,
    book: Mutex<Arc<SchemaBook>>,
    listeners: RwLock<Vec<Listener>>,
    stopped: Mutex<Option<String>>,
    aggregates: AtomicU64,
    commits: AtomicU64,
    commit_micros: AtomicU64,
    commit_times: [AtomicU64; COMMIT_BOUNDS.len() + 1],
}

type Listener = Box<dyn Fn(&Committed) + Send + Sync>;

impl Domain {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &DomainName {
        &self.inner.name
    }

    /// When a write is answered.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.inner.files.durability
    }

    /// Lets `extensions` decide about the column types and rules that they bring, from the next check on. Until then, what a
    /// schema leaves to an extension is refused.
    pub fn extend(&self, extensions: Arc<dyn Extensions>) {
        *self.inner.files.extensions.write().unwrap_or_else(PoisonError::into_inner) = Some(extensions);
    }

    /// Who decides about the column types and rules that extensions bring; none: nobody yet.
    #[must_use]
    pub fn extensions(&self) -> Option<Arc<dyn Extensions>> {
        self.inner.files.extensions()
    }

    /// The first stage of a write, on the caller's thread: everything that can be known without taking a place in the log.
    ///
    /// # Errors
    ///
    /// What is wrong with the request, all of it at once.
    pub fn check(&self, draft: Draft) -> Result<Checked, AppendError> {
        write::check(&self.inner.files, self.schemas(), draft)
    }

    /// Checks a request again whose aggregates moved on meanwhile. A caller does so at most
    /// [`RECHECK_ROUNDS`](limits::RECHECK_ROUNDS) times, and then answers *busy*.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn recheck(&self, unsettled: Unsettled) -> Result<Checked, AppendError> {
        let files = &self.inner.files;
        match unsettled.0 {
            Origin::Client(draft) => {
                for event in &draft.events {
                    if let Ok(name) = AggregateRef::new(&event.aggregate_type, &event.aggregate_id) {
                        files.keys.forget(&name);
                    }
                }
                write::check(files, self.schemas(), draft)
            }
            Origin::System(event) => {
                files.keys.forget(&event.aggregate);
                write::check_system(files, &self.schemas(), event)
            }
            Origin::Snapshot(name, actor) => write::check_snapshot(name, &actor),
        }
    }

    /// Hands a checked request to the committer. `reply` is called once, on the committer's thread or on this one, and must
    /// not block. Should it be dropped uncalled, the outcome is unknown.
    pub fn submit(&self, checked: Checked, reply: Reply) {
        let Some(queue) = &self.inner.queue else { unreachable!("the queue goes with the last clone") };
        if let Err(not_taken) = queue.push(Submission { checked, reply }) {
            let (submission, error) = match not_taken {
                NotTaken::Full(submission) => (submission, AppendError::Busy("too many requests wait: try again")),
                NotTaken::Closed(submission) => (submission, self.inner.shared.stopped()),
            };
            if let Some(lane) = &submission.checked.lane {
                lane.break_off();
            }
            (submission.reply)(Err(error.into()));
        }
    }

    /// Checks a request, submits it and waits for the outcome.
    ///
    /// # Errors
    ///
    /// Why it was not committed, or not known to be.
    pub fn append(&self, draft: Draft) -> Result<Receipt, AppendError> {
        self.settle(self.check(draft)?)
    }

    pub(crate) fn settle(&self, checked: Checked) -> Result<Receipt, AppendError> {
        self.settle_with(checked, |unsettled| self.recheck(unsettled))
    }

    /// Submits a request until it is settled; `again` checks it anew when it was not.
    fn settle_with(
        &self,
        mut checked: Checked,
        again: impl Fn(Unsettled) -> Result<Checked, AppendError>,
    ) -> Result<Receipt, AppendError> {
        for _ in 0..=limits::RECHECK_ROUNDS {
            match self.submit_and_wait(checked) {
                Ok(receipt) => return Ok(receipt),
                Err(SubmitError::Append(error)) => return Err(error),
                Err(SubmitError::Moved(unsettled)) => checked = again(unsettled)?,
            }
        }
        Err(AppendError::MOVED_ON)
    }

    pub(crate) fn submit_and_wait(&self, checked: Checked) -> Result<Receipt, SubmitError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.submit(checked, Box::new(move |outcome| drop(sender.send(outcome))));
        let ended = |_| Err(AppendError::OutcomeUnknown("the committer ended".into()).into());
        receiver.recv().unwrap_or_else(ended)
    }

    /// Archives an aggregate: reads go on, lists hide it, appends are refused. References to it that ask for it are removed
    /// in the same commit, by an event `$reference_removed` in each aggregate that has some.
    ///
    /// # Errors
    ///
    /// [`AppendError::WrongVersion`] with `actual` 0 when it does not exist, [`AppendError::Archived`] when it is archived.
    /// Refused with `referred-to` while a reference forbids it, and with `referrers` when more than
    /// [`ARCHIVE_REFERRERS`](limits::ARCHIVE_REFERRERS) aggregates may refer to it.
    pub fn archive(&self, aggregate: &AggregateRef, actor: &str, note: Option<&str>) -> Result<Receipt, AppendError> {
        not_own(aggregate)?;
        let files = &self.inner.files;
        let event = SystemEvent {
            aggregate: aggregate.clone(),
            event_type: EventType::trusted(ARCHIVED),
            expected: Expected::Existing,
            body: write::system_body("{}", actor, note)?,
            switch: None,
        };
        // Whoever refers to it may have changed, too.
        let check = || write::check_archive(files, &self.schemas(), event.clone(), self.plan_archive(aggregate)?);
        self.settle_with(check()?, |_| {
            files.keys.forget(aggregate);
            check()
        })
    }

    /// Restores an archived aggregate.
    ///
    /// # Errors
    ///
    /// [`AppendError::WrongVersion`] with `actual` 0 when it does not exist; refused when it is not archived.
    pub fn restore(&self, aggregate: &AggregateRef, actor: &str, note: Option<&str>) -> Result<Receipt, AppendError> {
        self.system_event(aggregate, RESTORED, "{}", actor, note, Expected::Existing)
    }

    /// Records what was done to the domain itself in a reserved aggregate, e.g. `$plugin_installed` in `$plugin/NAME`.
    /// `payload` is a JSON object.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append). Refused with `reserved-name` where the store alone writes: in `$domain/settings`,
    /// `$domain/snapshots` and `$schema/TYPE`.
    ///
    /// # Panics
    ///
    /// When `event_type` is not a name that begins with `$`: only EventDBX itself records such events.
    pub fn record(
        &self,
        aggregate: &AggregateRef,
        event_type: &str,
        payload: &str,
        actor: &str,
    ) -> Result<Receipt, AppendError> {
        self.system_event(aggregate, event_type, payload, actor, None, Expected::Any)
    }

    fn system_event(
        &self,
        aggregate: &AggregateRef,
        event_type: &str,
        payload: &str,
        actor: &str,
        note: Option<&str>,
        expected: Expected,
    ) -> Result<Receipt, AppendError> {
        assert!(event_type.starts_with('$'), "{event_type} is not one of EventDBX's own event types");
        not_own(aggregate)?;
        let body = write::system_body(payload, actor, note)?;
        let event_type = EventType::trusted(event_type);
        let event = SystemEvent { aggregate: aggregate.clone(), event_type, expected, body, switch: None };
        self.settle(write::check_system(&self.inner.files, &self.schemas(), event)?)
    }

    /// Has `listener` called after each sync with what was committed, on the committer's thread: it must not block.
    pub fn on_commit(&self, listener: Listener) {
        self.inner.shared.listeners.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    /// The end of the log.
    #[must_use]
    pub fn head(&self) -> Head {
        *lock(&self.inner.shared.head)
    }

    /// Why writes are stopped; none: they are not.
    #[must_use]
    pub fn write_failure(&self) -> Option<String> {
        lock(&self.inner.shared.stopped).clone()
    }

    /// Where the torn end of a write lies that nobody was told of, if there was one when the domain was opened: the log
    /// goes on without it. Whoever runs the domain must be told.
    #[must_use]
    pub fn set_aside(&self) -> Option<&Path> {
        self.inner.set_aside.as_deref()
    }

    /// Seals what belongs to the domain but to no aggregate: plugin tables, parked deliveries, configuration.
    #[must_use]
    pub fn plugin_cipher(&self) -> Cipher {
        self.inner.files.keys.keyring.plugin_cipher()
    }

    /// Counts and sizes.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let Inner { files, shared, queue, .. } = &*self.inner;
        Stats {
            events: self.head().position.get(),
            aggregates: shared.aggregates.load(Ordering::Relaxed),
            disk_bytes: files.db.disk_space().unwrap_or(0),
            queued: queue.as_ref().map_or(0, Queue::len),
            commits: shared.commits.load(Ordering::Relaxed),
            commit_micros: shared.commit_micros.load(Ordering::Relaxed),
            commit_times: shared.commit_times.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
        }
    }
}

/// Refuses what would write where the store alone does.
fn not_own(aggregate: &AggregateRef) -> Result<(), AppendError> {
    if !book::is_own(aggregate) {
        return Ok(());
    }
    let message = format!("{aggregate} is written by the store alone");
    let (path, code) = ("/aggregate_type".to_owned(), "reserved-name");
    Err(AppendError::Refused(vec![Reason { event: 0, path, code, message }]))
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(committer) = self.committer.take()
            // The last clone may have been held by a reply, which runs on the committer's own thread.
            && committer.thread().id() != std::thread::current().id()
            && committer.join().is_err()
        {
            tracing::error!(domain = %self.name, "the committer had panicked");
        }
        if let Err(error) = self.files.close() {
            tracing::warn!(domain = %self.name, %error, "the log closed without being flushed; its journal has everything");
        }
    }
}

impl Shared {
    pub(crate) fn new(head: Head, aggregates: u64, book: Arc<SchemaBook>) -> Self {
        Self {
            head: Mutex::new(head),
            book: Mutex::new(book),
            listeners: RwLock::default(),
            stopped: Mutex::default(),
            aggregates: AtomicU64::new(aggregates),
            commits: AtomicU64::new(0),
            commit_micros: AtomicU64::new(0),
            commit_times: Default::default(),
        }
    }

    pub(crate) fn book(&self) -> Arc<SchemaBook> {
        Arc::clone(&lock(&self.book))
    }

    pub(crate) fn publish(&self, head: Head, aggregates: u64, book: &Arc<SchemaBook>) {
        self.aggregates.store(aggregates, Ordering::Relaxed);
        *lock(&self.book) = Arc::clone(book);
        *lock(&self.head) = head;
    }

    pub(crate) fn tell(&self, committed: &Committed) {
        for listener in &*self.listeners.read().unwrap_or_else(PoisonError::into_inner) {
            listener(committed);
        }
    }

    pub(crate) fn count_commit(&self, took: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commit_micros.fetch_add(micros, Ordering::Relaxed);
        let bound = COMMIT_BOUNDS.iter().position(|bound| took <= *bound).unwrap_or(COMMIT_BOUNDS.len());
        self.commit_times[bound].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stop(&self, reason: String) {
        lock(&self.stopped).get_or_insert(reason);
    }

    /// What a request is told once writes are stopped.
    pub(crate) fn stopped(&self) -> AppendError {
        let reason = lock(&self.stopped).clone();
        AppendError::Stopped(reason.unwrap_or_else(|| "the committer ended".into()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
