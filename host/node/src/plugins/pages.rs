//! Older events, read from the log page by page, for the plugins that catch up.
//!
//! A page is read once and shared: plugins that catch up at the same place find it, with whatever bodies the others have
//! unsealed already. A body is unsealed only when somebody asks for it, so a selector that drops a row never opens it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock},
};

use eventdbx_store::{Domain, Event, Header, Position, ReadError, SealedEvent, Unsealer};

use super::lock;

/// Positions of one page.
const PAGE_ROWS: u64 = 512;
/// What a row occupies beside its bytes, about.
const ROW_OVERHEAD: usize = 512;

/// Consecutive rows of the log.
pub(super) struct Page {
    first: Position,
    rows: Vec<Row>,
    bytes: usize,
    unsealer: Mutex<Unsealer>,
}

struct Row {
    sealed: SealedEvent,
    event: OnceLock<Arc<Event>>,
}

/// Pages that were read, as many as there is room for.
pub(super) struct Pages {
    domain: Domain,
    budget: usize,
    /// Least recently used first.
    cached: Mutex<VecDeque<Slot>>,
}

/// A page that somebody is reading, or has read. Whoever comes second waits.
#[derive(Clone)]
struct Slot {
    index: u64,
    page: Arc<Mutex<Option<Arc<Page>>>>,
}

impl Pages {
    pub(super) fn new(domain: Domain, budget: usize) -> Self {
        Self { domain, budget, cached: Mutex::default() }
    }

    /// A page that holds `position`, which lies at or before `head`.
    pub(super) fn holding(&self, position: Position, head: Position) -> Result<Arc<Page>, ReadError> {
        let index = (position.get() - 1) / PAGE_ROWS;
        let first = Position::new(index * PAGE_ROWS + 1);
        if first.get() + PAGE_ROWS - 1 > head.get() {
            // The page is still being written: what is read now serves nobody later.
            return Page::read(&self.domain, position).map(Arc::new);
        }
        let slot = self.slot(index);
        let mut page = lock(&slot.page);
        if let Some(page) = &*page {
            return Ok(Arc::clone(page));
        }
        let read = Arc::new(Page::read(&self.domain, first)?);
        *page = Some(Arc::clone(&read));
        drop(page);
        self.make_room();
        Ok(read)
    }

    fn slot(&self, index: u64) -> Slot {
        let mut cached = lock(&self.cached);
        let found = cached.iter().position(|slot| slot.index == index);
        let slot = found.and_then(|at| cached.remove(at)).unwrap_or_else(|| Slot { index, page: Arc::default() });
        cached.push_back(slot.clone());
        slot
    }

    fn make_room(&self) {
        let mut cached = lock(&self.cached);
        // A page that is being read right now is locked, and counts as nothing.
        let weigh = |slot: &Slot| slot.page.try_lock().map_or(0, |page| page.as_ref().map_or(0, |page| page.bytes));
        let mut bytes: usize = cached.iter().map(weigh).sum();
        while bytes > self.budget && cached.len() > 1 {
            bytes -= cached.pop_front().as_ref().map_or(0, weigh).min(bytes);
        }
    }
}

impl Page {
    fn read(domain: &Domain, first: Position) -> Result<Self, ReadError> {
        let rows = domain.scan(first).take(PAGE_ROWS as usize);
        let rows = rows.map(|row| row.map(|sealed| Row { sealed, event: OnceLock::new() }));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        // A body that is opened weighs about as much as the row that it came from.
        let bytes = rows.iter().map(|row| 2 * row.sealed.bytes() + ROW_OVERHEAD).sum();
        Ok(Self { first, rows, bytes, unsealer: Mutex::default() })
    }

    /// Index of a position in the page; none: it ends before it.
    pub(super) fn index_of(&self, position: Position) -> Option<usize> {
        let index = usize::try_from(position.get().checked_sub(self.first.get())?).ok()?;
        (index < self.rows.len()).then_some(index)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn header(&self, index: usize) -> &Header {
        &self.rows[index].sealed.header
    }

    /// The whole event, unsealed by whoever asks first.
    pub(super) fn event(&self, index: usize) -> Result<&Arc<Event>, ReadError> {
        let row = &self.rows[index];
        if let Some(event) = row.event.get() {
            return Ok(event);
        }
        let event = Arc::new(row.sealed.open_with(&mut lock(&self.unsealer))?);
        Ok(row.event.get_or_init(|| event))
    }

    /// The whole event, if somebody unsealed it.
    pub(super) fn opened(&self, index: usize) -> Option<&Arc<Event>> {
        self.rows[index].event.get()
    }
}
