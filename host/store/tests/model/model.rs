//! The model: a list of events, looked through from the start whenever something is asked.

use std::collections::{BTreeMap, BTreeSet};

use eventdbx_store::{EventReceipt, Micros, NewRecipient};
use serde_json::{Value, json};

use crate::{
    fold,
    operations::{Body, Expect, Request, Wish},
};

/// An event as the model keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) aggregate: String,
    pub(crate) version: u64,
    pub(crate) event_type: String,
    pub(crate) body: Body,
    pub(crate) metadata: Option<Value>,
    pub(crate) extensions: Option<Value>,
    pub(crate) note: Option<String>,
    pub(crate) occurred_at: Option<String>,
    pub(crate) publish: Option<Vec<NewRecipient>>,
    pub(crate) state: Value,
    /// Key of its request, and its index in there.
    pub(crate) key: Option<(String, usize)>,
    pub(crate) receipt: EventReceipt,
    pub(crate) actor: &'static str,
    /// The text of the body as it was sent.
    pub(crate) text: String,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) events: Vec<Kept>,
    /// The states that are kept, by aggregate and version.
    pub(crate) snapshots: BTreeMap<(String, u64), Value>,
}

/// What becomes of a request.
pub(crate) enum Verdict {
    /// It is written, and leaves these states, one per event.
    Written(Vec<Value>),
    /// It was written before, as the events at these indices.
    Known(Vec<usize>),
    /// It is refused for one of these reasons.
    Refused(BTreeSet<Refusal>),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    KeyReused,
    Archived,
    WrongVersion { event: usize, actual: u64 },
    DoesNotApply { event: usize },
}

impl Model {
    pub(crate) fn of<'a>(&'a self, aggregate: &'a str) -> impl DoubleEndedIterator<Item = &'a Kept> {
        self.events.iter().filter(move |event| event.aggregate == aggregate)
    }

    pub(crate) fn version(&self, aggregate: &str) -> u64 {
        self.of(aggregate).count() as u64
    }

    pub(crate) fn state(&self, aggregate: &str) -> Value {
        self.of(aggregate).next_back().map_or_else(|| json!({}), |event| event.state.clone())
    }

    /// The last version recorded by a time.
    pub(crate) fn version_at(&self, aggregate: &str, time: Micros) -> Option<u64> {
        let by_then = self.of(aggregate).filter(|event| event.receipt.recorded_at <= time);
        by_then.map(|event| event.version).max()
    }

    pub(crate) fn is_archived(&self, aggregate: &str) -> bool {
        let last = self.of(aggregate).rfind(|event| event.event_type == "$archived" || event.event_type == "$restored");
        last.is_some_and(|event| event.event_type == "$archived")
    }

    /// The aggregates in the order of their names, with their versions.
    pub(crate) fn aggregates(&self) -> BTreeMap<(String, String), u64> {
        let mut versions = BTreeMap::new();
        for event in &self.events {
            let (kind, id) = event.aggregate.split_once('/').expect("type/id");
            *versions.entry((kind.to_owned(), id.to_owned())).or_insert(0) += 1;
        }
        versions
    }

    /// What has to become of a request; `expected` are the versions that its events expect.
    pub(crate) fn judge(&self, request: &Request, names: &[&str], expected: &[Option<u64>]) -> Verdict {
        if let Some(key) = request.key
            && let Some(verdict) = self.known(request, names, key)
        {
            return verdict;
        }
        let mut refusals = BTreeSet::new();
        let mut heads: BTreeMap<&str, (u64, Value)> = BTreeMap::new();
        let mut states = Vec::new();
        for (index, (wish, name)) in request.events.iter().zip(names).enumerate() {
            let head = heads.entry(name).or_insert_with(|| (self.version(name), self.state(name)));
            if self.is_archived(name) {
                refusals.insert(Refusal::Archived);
            }
            let fits = match (wish.expect, expected[index]) {
                (Expect::Any, _) => true,
                (Expect::Existing, _) => head.0 > 0,
                (_, expected) => expected == Some(head.0),
            };
            if !fits {
                refusals.insert(Refusal::WrongVersion { event: index, actual: head.0 });
            }
            match after(&head.1, &wish.body) {
                Some(state) => *head = (head.0 + 1, state.clone()),
                None => {
                    refusals.insert(Refusal::DoesNotApply { event: index });
                    break;
                }
            }
            states.push(head.1.clone());
        }
        if refusals.is_empty() { Verdict::Written(states) } else { Verdict::Refused(refusals) }
    }

    /// What a key says about a request: nothing, when it is new for each of the aggregates.
    fn known(&self, request: &Request, names: &[&str], key: &str) -> Option<Verdict> {
        let find = |name: &str, index: usize| {
            self.events.iter().position(|kept| {
                kept.aggregate == name && kept.key.as_ref().is_some_and(|(k, i)| k == key && *i == index)
            })
        };
        let found: Vec<_> = names.iter().enumerate().map(|(index, name)| find(name, index)).collect();
        if found.iter().all(Option::is_none) {
            return None;
        }
        let Some(found) = found.into_iter().collect::<Option<Vec<usize>>>() else {
            return Some(Verdict::Refused([Refusal::KeyReused].into()));
        };
        let same = found.iter().zip(&request.events).all(|(at, wish)| same(&self.events[*at], wish));
        // It must be one whole request: its events stand side by side, and none of its events is missing.
        let whole = found.windows(2).all(|pair| pair[0] + 1 == pair[1])
            && !self
                .events
                .get(found[found.len() - 1] + 1)
                .is_some_and(|next| next.key.as_ref().is_some_and(|(k, i)| k == key && *i == found.len()));
        Some(if same && whole { Verdict::Known(found) } else { Verdict::Refused([Refusal::KeyReused].into()) })
    }
}

pub(crate) fn after(state: &Value, body: &Body) -> Option<Value> {
    match body {
        Body::Payload(payload) => Some(fold::merge(state.clone(), payload)),
        Body::Patch(patch) => fold::patch(state.clone(), patch),
    }
}

fn same(kept: &Kept, wish: &Wish) -> bool {
    kept.event_type == wish.event_type
        && kept.body == wish.body
        && kept.metadata == wish.metadata
        && kept.extensions == wish.extensions
        && kept.note == wish.note.clone().filter(|note| !note.is_empty())
        && kept.occurred_at.as_deref() == wish.occurred_at
        && kept.publish == wish.publish
}
