//! Recently committed events, kept in memory for the plugins that are up to date.
//!
//! Invariant: the events are consecutive; where one is missing, everything before the gap is dropped, and readers turn to
//! the log.

use std::{collections::VecDeque, sync::Arc};

use eventdbx_store::{Event, Json, Position};

/// The end of the log, as far as it fits.
#[derive(Debug)]
pub(super) struct Recent {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    budget: usize,
}

impl Recent {
    pub(super) fn new(budget: usize) -> Self {
        Self { events: VecDeque::new(), bytes: 0, budget }
    }

    /// Adds what was committed, and drops the oldest to make room.
    pub(super) fn push(&mut self, events: Vec<Arc<Event>>) {
        let follows = match (self.events.back(), events.first()) {
            (Some(last), Some(first)) => last.header.position.next() == first.header.position,
            _ => true,
        };
        if !follows {
            self.clear();
        }
        for event in events {
            self.bytes += weight(&event);
            self.events.push_back(event);
        }
        while self.bytes > self.budget {
            let Some(event) = self.events.pop_front() else { break };
            self.bytes -= weight(&event);
        }
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.bytes = 0;
    }

    /// At most `most` events from a position on; none: it is not in memory.
    pub(super) fn from(&self, position: Position, most: usize) -> Option<Vec<Arc<Event>>> {
        let first = self.events.front()?.header.position;
        let index = usize::try_from(position.get().checked_sub(first.get())?).ok()?;
        let end = self.events.len().min(index.saturating_add(most));
        (index < end).then(|| self.events.range(index..end).cloned().collect())
    }
}

/// What an event occupies, about.
fn weight(event: &Event) -> usize {
    let body = &event.body;
    let json = |part: &Option<Json>| part.as_ref().map_or(0, |json| json.as_str().len());
    let text = body.payload.as_str().len() + json(&body.metadata) + json(&body.extensions);
    text + body.note.as_ref().map_or(0, |note| note.len()) + 512
}
