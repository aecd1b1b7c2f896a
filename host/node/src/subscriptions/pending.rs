//! What was read for a subscription and is not settled: who holds what, what waits for a second try, what is free.
//!
//! The rules, all of them in here:
//!
//! - An event is free for a member once every event before it in its aggregate is settled, or held by that same member.
//!   So the events of one aggregate are never with two members at once, and a batch has them in order.
//! - An event that failed takes back from its member what followed in its aggregate: order goes before progress.
//! - An event that failed before comes alone, and nothing of its aggregate with it. So whatever fails again is itself to
//!   blame, and not a neighbour in its batch.
//!
//! Nothing here reads a clock, a disk or the log.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use eventdbx_store::{AggregateNumber, Position};

use super::limits;
use crate::plugins::source::Found;

/// Events that were read and are not settled, by position.
#[derive(Default)]
pub(super) struct Pending {
    entries: BTreeMap<Position, Entry>,
    bytes: usize,
}

/// One of them.
pub(super) struct Entry {
    pub(super) found: Arc<Found>,
    /// How often it was delivered.
    pub(super) attempt: u32,
    /// How often it was refused, or not acknowledged in time.
    pub(super) failures: u32,
    /// The phase in which it was read.
    pub(super) phase: &'static str,
    /// It is from the stretch of a parked aggregate, and lies aside of the cursor's way.
    pub(super) aside: bool,
    standing: Standing,
}

enum Standing {
    /// To be delivered, not before this time.
    Due(Option<Instant>),
    /// With a member.
    Held { member: Arc<str>, serial: u64, until: Instant },
}

impl Entry {
    pub(super) fn new(found: Found, phase: &'static str, aside: bool) -> Self {
        Self { found: Arc::new(found), attempt: 0, failures: 0, phase, aside, standing: Standing::Due(None) }
    }

    fn bytes(&self) -> usize {
        let schema = self.found.schema.as_ref().map_or(0, |schema| schema.get().len());
        self.found.event.get().len() + schema + 256
    }

    fn is_held_by(&self, who: &str) -> bool {
        matches!(&self.standing, Standing::Held { member, .. } if **member == *who)
    }

    fn is_held(&self) -> bool {
        matches!(self.standing, Standing::Held { .. })
    }
}

impl Pending {
    pub(super) fn insert(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.entries.insert(entry.found.position, entry);
    }

    /// How many more events may be read.
    pub(super) fn room(&self) -> usize {
        if self.bytes >= limits::WINDOW_BYTES { 0 } else { limits::WINDOW_EVENTS.saturating_sub(self.entries.len()) }
    }

    pub(super) fn get(&self, position: Position) -> Option<&Entry> {
        self.entries.get(&position)
    }

    /// The first event that is not settled and lies on the cursor's way.
    pub(super) fn first(&self) -> Option<Position> {
        self.entries.iter().find(|(_, entry)| !entry.aside).map(|(position, _)| *position)
    }

    /// The first event of an aggregate that is not settled.
    pub(super) fn first_of(&self, number: AggregateNumber) -> Option<&Entry> {
        self.entries.values().find(|entry| entry.found.number == number)
    }

    /// The events that a member would be given now.
    pub(super) fn free(&self, member: &str, most: usize, now: Instant) -> Vec<Position> {
        let most = most.min(limits::IN_FLIGHT.saturating_sub(self.held_by(member)));
        let (mut free, mut bytes, mut blocked) = (Vec::new(), 0, HashSet::new());
        for (position, entry) in &self.entries {
            let number = entry.found.number;
            let due = match &entry.standing {
                Standing::Held { .. } if entry.is_held_by(member) && entry.failures == 0 => continue,
                Standing::Held { .. } => false,
                Standing::Due(time) => time.is_none_or(|time| time <= now),
            };
            if !due || blocked.contains(&number) || (entry.failures > 0 && !free.is_empty()) {
                blocked.insert(number);
                continue;
            }
            if free.len() == most || (!free.is_empty() && bytes + entry.bytes() > limits::BATCH_BYTES) {
                break;
            }
            free.push(*position);
            bytes += entry.bytes();
            if entry.failures > 0 {
                break;
            }
        }
        free
    }

    /// Gives an event to a member.
    pub(super) fn hold(
        &mut self,
        position: Position,
        member: &Arc<str>,
        serial: u64,
        until: Instant,
    ) -> Option<&Entry> {
        let entry = self.entries.get_mut(&position)?;
        entry.attempt = entry.attempt.saturating_add(1);
        entry.standing = Standing::Held { member: Arc::clone(member), serial, until };
        Some(entry)
    }

    /// Whether the delivery of this number is the one that counts.
    pub(super) fn is_held(&self, position: Position, serial: u64) -> bool {
        let standing = self.entries.get(&position).map(|entry| &entry.standing);
        matches!(standing, Some(Standing::Held { serial: own, .. }) if *own == serial)
    }

    /// Takes an event out.
    pub(super) fn remove(&mut self, position: Position) -> Option<Entry> {
        let entry = self.entries.remove(&position)?;
        self.bytes -= entry.bytes();
        Some(entry)
    }

    /// Takes out all that is there of an aggregate.
    pub(super) fn remove_all(&mut self, number: AggregateNumber) {
        let gone: Vec<_> =
            self.entries.iter().filter(|(_, entry)| entry.found.number == number).map(|(at, _)| *at).collect();
        gone.into_iter().for_each(|position| drop(self.remove(position)));
    }

    /// Takes an event back that could not be dealt with, and with it what its member holds beyond it in its aggregate.
    /// Answers how often it has failed by now.
    pub(super) fn fail(&mut self, position: Position, not_before: Option<Instant>) -> u32 {
        let Some(entry) = self.entries.get_mut(&position) else { return 0 };
        entry.failures = entry.failures.saturating_add(1);
        entry.standing = Standing::Due(not_before);
        let (failures, number) = (entry.failures, entry.found.number);
        for (_, later) in self.entries.range_mut(position.next()..) {
            if later.found.number == number && later.is_held() {
                later.standing = Standing::Due(None);
            }
        }
        failures
    }

    /// Makes an event wait.
    pub(super) fn postpone(&mut self, position: Position, not_before: Instant) {
        if let Some(entry) = self.entries.get_mut(&position) {
            entry.standing = Standing::Due(Some(not_before));
        }
    }

    /// The first event that was not acknowledged in time.
    pub(super) fn overdue(&self, now: Instant) -> Option<Position> {
        let overdue = |entry: &Entry| matches!(entry.standing, Standing::Held { until, .. } if until <= now);
        self.entries.iter().find(|(_, entry)| overdue(entry)).map(|(position, _)| *position)
    }

    /// When something becomes due by itself, later than now: what is due already waits for something else.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        let times = self.entries.values().filter_map(|entry| match &entry.standing {
            Standing::Due(time) => *time,
            Standing::Held { until, .. } => Some(*until),
        });
        times.filter(|time| *time > now).min()
    }

    /// How many events a member holds.
    pub(super) fn held_by(&self, member: &str) -> usize {
        self.entries.values().filter(|entry| entry.is_held_by(member)).count()
    }

    /// How many events each member holds, and how many nobody does.
    pub(super) fn holdings(&self) -> (HashMap<Arc<str>, u64>, u64) {
        let (mut held, mut waiting) = (HashMap::new(), 0);
        for entry in self.entries.values() {
            match &entry.standing {
                Standing::Held { member, .. } => *held.entry(Arc::clone(member)).or_default() += 1,
                Standing::Due(_) => waiting += 1,
            }
        }
        (held, waiting)
    }
}
