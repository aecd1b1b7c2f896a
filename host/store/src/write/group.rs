//! A group: the requests that share one fjall batch and one sync. Each is admitted or refused by itself, as if it came
//! after those before it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use fjall::Readable;

use super::{
    CheckedEvent, Effect,
    evaluate::state_too_large,
    heads::{Heads, LiveHead},
    references::{Standing, standing},
    rules::missing,
};
use crate::{
    AggregateRef, AppendError, EventId, EventReceipt, Expected, ReadError, Reason, SchemaBook, Version,
    domain::RESTORED,
    files::Files,
    json,
    keys::KeptKey,
    limits,
    links::name_of,
    rows::{self, HeadRow, Target},
};

/// The aggregates that the requests of a group touch, and the event ids that it gives out.
pub(crate) struct Group<'a> {
    files: &'a Files,
    pub(crate) at: fjall::Snapshot,
    pub(crate) slots: HashMap<AggregateRef, Slot>,
    /// Snapshots that it takes, by the keys of their rows.
    pub(crate) snapshots: HashMap<[u8; 16], EventReceipt>,
    ids: HashSet<EventId>,
    request: usize,
}

/// An aggregate while a group touches it.
pub(crate) struct Slot {
    pub(crate) head: LiveHead,
    /// Whether the group wrote to it.
    pub(crate) changed: bool,
    /// What its state referred to before the group.
    pub(crate) referred: BTreeSet<Target>,
    /// Whether a snapshot is due as soon as the state is known.
    pub(crate) is_due: bool,
    trial: Trial,
}

/// What the head would be if the events of the request at hand were written: kept apart until all are admitted.
#[derive(Clone, Copy, Default)]
struct Trial {
    request: usize,
    /// Index of the request's first event on the aggregate.
    first: usize,
    version: Version,
    state_bytes: usize,
}

/// Why a request does not go into this group.
pub(crate) enum NotAdmitted {
    Refused(AppendError),
    /// Its aggregates are not what they were when it was checked.
    Moved,
}

impl From<AppendError> for NotAdmitted {
    fn from(error: AppendError) -> Self {
        Self::Refused(error)
    }
}

impl From<ReadError> for NotAdmitted {
    fn from(error: ReadError) -> Self {
        Self::Refused(error.into())
    }
}

impl<'a> Group<'a> {
    pub(crate) fn new(files: &'a Files) -> Self {
        let at = files.db.snapshot();
        Self { files, at, slots: HashMap::new(), snapshots: HashMap::new(), ids: HashSet::new(), request: 0 }
    }

    /// Decides whether all events of a request may be written. Changes no head.
    pub(crate) fn admit(
        &mut self,
        heads: &mut Heads,
        book: &SchemaBook,
        events: &[CheckedEvent],
        keyed: bool,
    ) -> Result<(), NotAdmitted> {
        self.request += 1;
        let mut reasons = Vec::new();
        for (index, event) in events.iter().enumerate() {
            self.admit_event(heads, events, index, keyed, &mut reasons)?;
            for need in &event.needs {
                reasons.extend(need.unmet(index, self.standing(&need.target, events)?));
            }
            if let Effect::Archive { seen } = &event.effect
                && self.is_referred_to(book, &event.aggregate, seen)?
            {
                return Err(NotAdmitted::Moved);
            }
        }
        if !reasons.is_empty() {
            return Err(AppendError::Refused(reasons).into());
        }
        if keyed {
            self.ids.extend(events.iter().map(|event| event.event_id));
        }
        Ok(())
    }

    fn admit_event(
        &mut self,
        heads: &mut Heads,
        events: &[CheckedEvent],
        index: usize,
        keyed: bool,
        reasons: &mut Vec<Reason>,
    ) -> Result<(), NotAdmitted> {
        let event = &events[index];
        let request = self.request;
        self.touch(heads, &event.aggregate, &event.key)?;
        if keyed && self.taken(event)? {
            return Err(NotAdmitted::Moved);
        }
        let Some(slot) = self.slots.get_mut(&event.aggregate) else { unreachable!("touched above") };
        if slot.head.version.get() == 0 && slot.trial.request != request {
            // Nobody wrote to it yet, so the key proposed first is as good as any other.
            slot.head.key = event.key.clone();
        }
        if slot.head.key.id() != event.key.id() {
            return Err(NotAdmitted::Moved);
        }
        let trial = slot.trial(request, index);
        expect(event, index, trial.version)?;
        check_archival(event, index, slot.head.archived)?;
        let state_bytes = match &event.effect {
            Effect::None | Effect::Switch(_) | Effect::Archive { .. } => trial.state_bytes,
            Effect::Merge { growth, .. } => {
                reasons.extend(missing(events, trial.first, index, &slot.head.state));
                slot.grown(trial, *growth, &events[..=index], index)?
            }
            Effect::Evaluated { after, .. } if *after != trial.version => return Err(NotAdmitted::Moved),
            Effect::Evaluated { state, .. } => {
                state.as_ref().map_or(trial.state_bytes, |s| json::canonical_object(s).len())
            }
        };
        slot.trial = Trial { version: trial.version.next(), state_bytes, ..trial };
        Ok(())
    }

    /// Makes sure that an aggregate is at hand. One that does not exist begins under the key that is proposed.
    pub(crate) fn touch(
        &mut self,
        heads: &mut Heads,
        name: &AggregateRef,
        key: &Arc<KeptKey>,
    ) -> Result<(), ReadError> {
        if !self.slots.contains_key(name) {
            let head = heads.take(self.files, &self.at, name)?;
            let head = head.unwrap_or_else(|| LiveHead::unborn(Arc::clone(key)));
            self.slots.insert(name.clone(), Slot::new(head));
        }
        Ok(())
    }

    /// An aggregate that exists.
    pub(crate) fn existing(&mut self, heads: &mut Heads, name: &AggregateRef) -> Result<Option<&mut Slot>, ReadError> {
        if !self.slots.contains_key(name)
            && let Some(head) = heads.take(self.files, &self.at, name)?
        {
            self.slots.insert(name.clone(), Slot::new(head));
        }
        Ok(self.slots.get_mut(name).filter(|slot| slot.head.version.get() > 0))
    }

    /// How an aggregate stands that a reference names. What the request itself writes to is there.
    fn standing(&self, name: &AggregateRef, events: &[CheckedEvent]) -> Result<Standing, ReadError> {
        match self.slots.get(name) {
            _ if events.iter().any(|event| event.aggregate == *name) => Ok(Standing::There),
            Some(slot) if slot.head.version.get() == 0 => Ok(Standing::Missing),
            Some(slot) if slot.head.archived => Ok(Standing::Archived),
            Some(_) => Ok(Standing::There),
            None => standing(self.files, &self.at, name),
        }
    }

    /// Whether an aggregate may refer to the one named, beside those that were seen as they still are.
    fn is_referred_to(
        &self,
        book: &SchemaBook,
        name: &AggregateRef,
        seen: &HashMap<AggregateRef, Version>,
    ) -> Result<bool, ReadError> {
        let target = self.files.target(None, name);
        for row in self.at.prefix(&self.files.spaces.links, rows::links_to(target)) {
            let (key, value) = row.into_inner()?;
            let other = name_of(&value)?;
            let version = match self.slots.get(&other) {
                Some(slot) => slot.head.version,
                None => self.version_on_disk(&key)?,
            };
            if other != *name && seen.get(&other) != Some(&version) {
                return Ok(true);
            }
        }
        let changed = self.slots.iter().filter(|(other, slot)| slot.changed && *other != name);
        Ok(changed.filter(|(other, slot)| seen.get(*other) != Some(&slot.head.version)).any(|(other, slot)| {
            let schema = book.referring_schema(&other.kind);
            schema.is_some_and(|schema| self.files.targets(schema, &slot.head.state).contains(&target))
        }))
    }

    /// The version of an aggregate that stands in the key of a row of `links`; 0: it has none there.
    fn version_on_disk(&self, key: &[u8]) -> Result<Version, ReadError> {
        let number = rows::number_of_link_key(key).unwrap_or_default();
        let row = self.at.get(&self.files.spaces.heads, number.get().to_be_bytes())?;
        Ok(row.map(|row| HeadRow::decode(&row).map(|head| head.version)).transpose()?.unwrap_or_default())
    }

    /// Whether an idempotency key's event is there already.
    fn taken(&self, event: &CheckedEvent) -> Result<bool, ReadError> {
        Ok(self.ids.contains(&event.event_id) || self.at.contains_key(&self.files.spaces.ids, event.event_id.0)?)
    }
}

impl Slot {
    fn new(head: LiveHead) -> Self {
        Self { head, changed: false, referred: BTreeSet::new(), is_due: false, trial: Trial::default() }
    }

    fn trial(&self, request: usize, first: usize) -> Trial {
        if self.trial.request == request {
            return self.trial;
        }
        Trial { request, first, version: self.head.version, state_bytes: self.head.state_bytes }
    }

    /// A bound of the state's size after another merge. Worked out exactly only where the bound breaks the limit.
    fn grown(&self, trial: Trial, growth: usize, events: &[CheckedEvent], index: usize) -> Result<usize, AppendError> {
        let bound = trial.state_bytes + growth;
        if bound <= limits::STATE_BYTES {
            return Ok(bound);
        }
        let name = &events[index].aggregate;
        let mut state = self.head.state.clone();
        for event in events.iter().filter(|event| event.aggregate == *name) {
            if let Effect::Merge { members, .. } = &event.effect {
                json::merge(&mut state, members.clone());
            }
        }
        let exact = json::canonical_object(&state).len();
        if exact > limits::STATE_BYTES { Err(state_too_large(index, exact)) } else { Ok(exact) }
    }
}

/// An archived aggregate takes nothing but `$restored`.
fn check_archival(event: &CheckedEvent, index: usize, archived: bool) -> Result<(), AppendError> {
    match (archived, event.event_type.as_str()) {
        (true, RESTORED) => Ok(()),
        (true, _) => Err(AppendError::Archived { aggregate: event.aggregate.clone() }),
        (false, RESTORED) => {
            let message = format!("{} is not archived, so there is nothing to restore", event.aggregate);
            Err(AppendError::Refused(vec![Reason { event: index, path: String::new(), code: "not-archived", message }]))
        }
        (false, _) => Ok(()),
    }
}

fn expect(event: &CheckedEvent, index: usize, actual: Version) -> Result<(), AppendError> {
    let wrong = |expected: &str| AppendError::WrongVersion {
        event: index,
        aggregate: event.aggregate.clone(),
        expected: expected.to_owned(),
        actual,
    };
    match event.expected {
        Expected::Any => Ok(()),
        Expected::NoAggregate if actual.get() == 0 => Ok(()),
        Expected::NoAggregate => Err(wrong("a new aggregate")),
        Expected::Existing if actual.get() > 0 => Ok(()),
        Expected::Existing => Err(wrong("an existing aggregate")),
        Expected::Exact(version) if version == actual.get() => Ok(()),
        Expected::Exact(version) => Err(wrong(&version.to_string())),
    }
}
