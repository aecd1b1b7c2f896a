//! The feed: where workers get events from, and what wakes them.
//!
//! The committer hands over what it committed and never waits: it puts a list into a bounded channel (a full one means
//! that memory is not the place to read from) and goes on. A thread of its own, at normal priority, keeps
//! [`Recent`] up to date and wakes the workers. So the committer takes no lock that a worker, which runs at lower
//! priority, could hold while it does not get the processor.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender, TrySendError},
    },
    thread::{self, JoinHandle, Thread, ThreadId},
};

use eventdbx_store::{Committed, Domain, Event, Header, Position, ReadError};

use super::{
    lock,
    pages::{Page, Pages},
    recent::Recent,
};

/// Commits that may wait for the feeding thread.
const WAITING_COMMITS: usize = 64;
/// Most events that are taken from memory at a time.
const WINDOW_EVENTS: usize = 1024;

/// Where workers get events from.
pub(super) struct Feed {
    /// Last position that was fed: at most a moment behind the log.
    head: AtomicU64,
    recent: Mutex<Recent>,
    pages: Pages,
    sleepers: Mutex<HashMap<ThreadId, Thread>>,
    feeder: Mutex<Option<(SyncSender<Feeding>, JoinHandle<()>)>>,
}

/// What the feeding thread is sent.
enum Feeding {
    Events(Vec<Arc<Event>>),
    Stop,
}

/// What the listener shares with the feeding thread. It outlives the feed, because the domain keeps it.
#[derive(Default)]
struct Told {
    committed: AtomicU64,
    /// A commit did not fit into the channel.
    lost: AtomicBool,
}

/// Some consecutive events.
pub(super) enum Window {
    /// From memory.
    Recent(Vec<Arc<Event>>),
    /// From the log: a page, from an index on.
    Page(Arc<Page>, usize),
}

/// One event of a window.
#[derive(Clone)]
pub(super) enum Row {
    /// Open already.
    Open(Arc<Event>),
    /// In a page, opened when it is asked for.
    Paged(Arc<Page>, usize),
}

impl Feed {
    /// Starts listening.
    pub(super) fn start(domain: &Domain, recent_bytes: usize, page_bytes: usize) -> std::io::Result<Arc<Self>> {
        let (sender, receiver) = mpsc::sync_channel(WAITING_COMMITS);
        let told = Arc::new(Told::default());
        let (listener_told, listener_sender) = (Arc::clone(&told), sender.clone());
        domain.on_commit(Box::new(move |committed| listener_told.tell(&listener_sender, committed)));
        let feed = Arc::new(Self {
            head: AtomicU64::new(domain.head().position.get()),
            recent: Mutex::new(Recent::new(recent_bytes)),
            pages: Pages::new(domain.clone(), page_bytes),
            sleepers: Mutex::default(),
            feeder: Mutex::default(),
        });
        let fed = Arc::clone(&feed);
        let thread = thread::Builder::new().name(format!("feed-{}", domain.name()));
        let feeder = thread.spawn(move || run(&fed, &told, &receiver))?;
        *lock(&feed.feeder) = Some((sender, feeder));
        Ok(feed)
    }

    /// Stops feeding. What is committed from now on is passed by.
    pub(super) fn stop(&self) {
        let Some((sender, feeder)) = lock(&self.feeder).take() else { return };
        if sender.send(Feeding::Stop).is_err() || feeder.join().is_err() {
            tracing::error!("the thread that feeds the plugins had panicked");
        }
    }

    /// The end of the log, as far as it was fed.
    pub(super) fn head(&self) -> Position {
        Position::new(self.head.load(Ordering::Acquire))
    }

    /// Has the calling thread unparked after each commit, until it [`leave`](Self::leave)s.
    pub(super) fn join(&self) {
        let current = thread::current();
        lock(&self.sleepers).insert(current.id(), current);
    }

    /// See [`join`](Self::join).
    pub(super) fn leave(&self) {
        lock(&self.sleepers).remove(&thread::current().id());
    }

    /// Events from a position on, which must lie at or before the head.
    pub(super) fn window(&self, from: Position) -> Result<Window, ReadError> {
        if let Some(events) = lock(&self.recent).from(from, WINDOW_EVENTS) {
            return Ok(Window::Recent(events));
        }
        let page = self.pages.holding(from, self.head())?;
        match page.index_of(from) {
            Some(index) => Ok(Window::Page(page, index)),
            None => Err(ReadError::Damaged(format!("position {from} is missing in the log"))),
        }
    }

    fn take(&self, events: Vec<Arc<Event>>, head: u64) {
        let sleepers = lock(&self.sleepers);
        if sleepers.is_empty() {
            lock(&self.recent).clear();
        } else {
            lock(&self.recent).push(events);
        }
        self.head.fetch_max(head, Ordering::Release);
        sleepers.values().for_each(Thread::unpark);
    }
}

impl Told {
    /// On the committer's thread.
    fn tell(&self, sender: &SyncSender<Feeding>, committed: &Committed) {
        let Some(last) = committed.events.last() else { return };
        self.committed.store(last.header.position.get(), Ordering::Release);
        if let Err(TrySendError::Full(_)) = sender.try_send(Feeding::Events(committed.events.clone())) {
            self.lost.store(true, Ordering::Release);
            // Either there is room by now, or the feeding thread has yet to take what fills the channel. It sees the
            // mark in both cases.
            drop(sender.try_send(Feeding::Events(Vec::new())));
        }
    }

    /// Up to where the log may be read, once these events were taken.
    fn head(&self, events: &[Arc<Event>]) -> u64 {
        let last = events.last().map_or(0, |event| event.header.position.get());
        if self.lost.swap(false, Ordering::AcqRel) { self.committed.load(Ordering::Acquire) } else { last }
    }
}

fn run(feed: &Feed, told: &Told, receiver: &Receiver<Feeding>) {
    while let Ok(Feeding::Events(events)) = receiver.recv() {
        let head = told.head(&events);
        feed.take(events, head);
    }
}

impl Window {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Recent(events) => events.len(),
            Self::Page(page, from) => page.len() - from,
        }
    }

    pub(super) fn header(&self, index: usize) -> &Header {
        match self {
            Self::Recent(events) => &events[index].header,
            Self::Page(page, from) => page.header(from + index),
        }
    }

    pub(super) fn row(&self, index: usize) -> Row {
        match self {
            Self::Recent(events) => Row::Open(Arc::clone(&events[index])),
            Self::Page(page, from) => Row::Paged(Arc::clone(page), from + index),
        }
    }
}

impl Row {
    pub(super) fn header(&self) -> &Header {
        match self {
            Self::Open(event) => &event.header,
            Self::Paged(page, index) => page.header(*index),
        }
    }

    pub(super) fn event(&self) -> Result<&Arc<Event>, ReadError> {
        match self {
            Self::Open(event) => Ok(event),
            Self::Paged(page, index) => page.event(*index),
        }
    }

    /// The event, if it was opened already.
    pub(super) fn opened(&self) -> Option<&Arc<Event>> {
        match self {
            Self::Open(event) => Some(event),
            Self::Paged(page, index) => page.opened(*index),
        }
    }
}
