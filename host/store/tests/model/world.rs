//! Store and model side by side: each operation is done to both, and what the store says is held against the model.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use eventdbx_store::{
    AppendError, BodyKind, Domain, Draft, Durability, EventReceipt, Expected, Head, MasterKey, Micros, NewEvent,
    OpenOptions, Receipt,
};
use serde_json::{Value, json};

use crate::{
    model::{Kept, Model, Refusal, Verdict},
    operations::{AGGREGATES, Body, Expect, Operation, Request, Wish},
};

/// The reserved aggregate in which `record` writes here.
const RESERVED: &str = "$plugin/counter";
pub(crate) const ACTOR: &str = "alice";

pub(crate) struct World {
    /// Before its directory, as fields are dropped in their order.
    domain: Option<Domain>,
    dir: tempfile::TempDir,
    master: MasterKey,
    clock: Arc<AtomicU64>,
    durability: Durability,
    pub(crate) threshold: u32,
    pub(crate) model: Model,
    keyed: Vec<Request>,
}

impl World {
    pub(crate) fn new(durability: Durability, threshold: u32) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(AtomicU64::new(1_700_000_000_000_000));
        let (master, model) = (MasterKey::generate(), Model::default());
        let mut world = Self { dir, master, clock, durability, threshold, domain: None, model, keyed: Vec::new() };
        world.open();
        world
    }

    fn open(&mut self) {
        let clock = Arc::clone(&self.clock);
        let clock = Arc::new(move || Micros::new(clock.fetch_add(1, Ordering::Relaxed)));
        let (durability, snapshot_threshold) = (self.durability, self.threshold);
        let options = OpenOptions { durability, snapshot_threshold, ..OpenOptions::new(clock) };
        let name = "default".parse().expect("a name");
        self.domain = Some(Domain::open(self.dir.path(), name, &self.master, options).expect("opens"));
    }

    pub(crate) fn domain(&self) -> &Domain {
        self.domain.as_ref().expect("open")
    }

    pub(crate) fn restart(&mut self) -> Head {
        let head = self.domain().head();
        self.domain = None;
        self.open();
        assert_eq!(self.domain().head(), head, "the head before and after a restart");
        head
    }

    pub(crate) fn run(&mut self, operation: &Operation) {
        match operation {
            Operation::Append(request) => self.append(request.clone(), false),
            Operation::Retry(which) => {
                if !self.keyed.is_empty() {
                    self.append(self.keyed[which % self.keyed.len()].clone(), true);
                }
            }
            Operation::ReuseKey(which, request) => {
                if !self.keyed.is_empty() {
                    let key = self.keyed[which % self.keyed.len()].key;
                    self.append(Request { key, ..request.clone() }, false);
                }
            }
            Operation::Archive(which) => self.archive(AGGREGATES[*which]),
            Operation::Restore(which) => self.restore(AGGREGATES[*which]),
            Operation::Record(payload) => {
                let name = RESERVED.parse().expect("a name");
                let text = payload.to_string();
                let receipt = self.domain().record(&name, "$plugin_configured", &text, ACTOR).expect("records");
                self.keep_system(RESERVED, "$plugin_configured", text, None, receipt);
            }
            Operation::Snapshot(which) => self.snapshot(AGGREGATES[*which]),
            Operation::Restart => drop(self.restart()),
            Operation::Compare => self.compare(),
        }
    }

    fn append(&mut self, request: Request, pretty: bool) {
        let names: Vec<&str> = request.events.iter().map(|wish| AGGREGATES[wish.aggregate]).collect();
        let expected = self.expected(&request, &names);
        let verdict = self.model.judge(&request, &names, &expected);
        let events: Vec<_> = request.events.iter().zip(&expected).map(|(w, e)| new_event(w, *e, pretty)).collect();
        let texts: Vec<_> = events.iter().map(|event| event.body.clone()).collect();
        let draft = Draft { events, key: request.key.map(str::to_owned), actor: ACTOR.into() };
        let answer = self.domain().append(draft);
        match verdict {
            Verdict::Written(states) => {
                let receipt = answer.expect("the model says that it is written");
                assert!(!receipt.duplicate && receipt.events.len() == request.events.len());
                for (index, (wish, (state, text))) in
                    request.events.iter().zip(states.into_iter().zip(texts)).enumerate()
                {
                    let key = request.key.map(|key| (key.to_owned(), index));
                    self.keep(kept(wish, names[index], state, text, key, receipt.events[index].clone()));
                }
                self.keep_due(&request, &names);
                if request.key.is_some() {
                    self.keyed.push(request);
                }
            }
            Verdict::Known(indices) => {
                let receipt = answer.expect("the model says that it is known");
                let first: Vec<_> = indices.iter().map(|at| self.model.events[*at].receipt.clone()).collect();
                assert!(receipt.duplicate);
                assert_eq!(receipt.events, first, "the receipt of the first time");
            }
            Verdict::Refused(refusals) => {
                let error = answer.expect_err("the model says that it is refused");
                assert!(refusals.contains(&refusal(&error)), "{error} is none of {refusals:?}");
            }
        }
    }

    /// The exact versions that a request expects.
    fn expected(&self, request: &Request, names: &[&str]) -> Vec<Option<u64>> {
        let exact = |(index, wish): (usize, &Wish)| match wish.expect {
            Expect::Any | Expect::Existing => None,
            Expect::NoAggregate => Some(0),
            Expect::Exact(difference) => {
                let before = names[..index].iter().filter(|name| **name == names[index]).count() as u64;
                Some((self.model.version(names[index]) + before).saturating_add_signed(difference))
            }
        };
        request.events.iter().enumerate().map(exact).collect()
    }

    fn archive(&mut self, name: &str) {
        let answer = self.domain().archive(&name.parse().expect("a name"), ACTOR, Some("done"));
        match answer {
            Ok(receipt) => {
                assert!(self.model.version(name) > 0 && !self.model.is_archived(name));
                self.keep_system(name, "$archived", "{}".into(), Some("done"), receipt);
            }
            Err(AppendError::Archived { .. }) => assert!(self.model.is_archived(name)),
            Err(AppendError::WrongVersion { actual, .. }) => {
                assert_eq!((actual.get(), self.model.version(name)), (0, 0))
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn restore(&mut self, name: &str) {
        let answer = self.domain().restore(&name.parse().expect("a name"), ACTOR, None);
        match answer {
            Ok(receipt) => {
                assert!(self.model.is_archived(name));
                self.keep_system(name, "$restored", "{}".into(), None, receipt);
            }
            Err(AppendError::Refused(reasons)) => {
                assert!(reasons[0].code == "not-archived" && !self.model.is_archived(name));
            }
            Err(AppendError::WrongVersion { actual, .. }) => {
                assert_eq!((actual.get(), self.model.version(name)), (0, 0))
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn keep_system(&mut self, name: &str, event_type: &str, text: String, note: Option<&str>, receipt: Receipt) {
        let [receipt] = <[EventReceipt; 1]>::try_from(receipt.events).expect("one event");
        self.keep(Kept {
            aggregate: name.to_owned(),
            version: self.model.version(name) + 1,
            event_type: event_type.to_owned(),
            body: Body::Payload(json!({})),
            metadata: None,
            extensions: None,
            note: note.map(str::to_owned),
            occurred_at: None,
            publish: None,
            state: self.model.state(name),
            key: None,
            receipt,
            actor: ACTOR,
            text,
        });
        if AGGREGATES.contains(&name) {
            self.keep_snapshots(self.due_at(name, self.model.version(name)));
        }
    }

    /// Takes an event into the model: its receipt must name the next place.
    pub(crate) fn keep(&mut self, mut kept: Kept) {
        kept.version = self.model.version(&kept.aggregate) + 1;
        let receipt = &kept.receipt;
        assert_eq!(receipt.position.get(), self.model.events.len() as u64 + 1);
        assert_eq!((receipt.aggregate.to_string(), receipt.version.get()), (kept.aggregate.clone(), kept.version));
        if let Some(last) = self.model.events.last() {
            assert!(receipt.recorded_at >= last.receipt.recorded_at);
        }
        self.model.events.push(kept);
    }
}

fn new_event(wish: &Wish, exact: Option<u64>, pretty: bool) -> NewEvent {
    let text = |value: &Value| if pretty { format!("{value:#}") } else { value.to_string() };
    let (kind, id) = AGGREGATES[wish.aggregate].split_once('/').expect("type/id");
    let (body_kind, body) = match &wish.body {
        Body::Payload(payload) => (BodyKind::Payload, text(payload)),
        Body::Patch(patch) => (BodyKind::Patch, text(patch)),
    };
    NewEvent {
        body_kind,
        metadata: wish.metadata.as_ref().map(text),
        extensions: wish.extensions.as_ref().map(text),
        note: wish.note.clone(),
        occurred_at: wish.occurred_at.map(str::to_owned),
        publish: wish.publish.clone(),
        expected: match (wish.expect, exact) {
            (Expect::Any, _) => Expected::Any,
            (Expect::NoAggregate, _) => Expected::NoAggregate,
            (Expect::Exact(_), Some(version)) => Expected::Exact(version),
            _ => Expected::Existing,
        },
        ..NewEvent::new(kind, id, wish.event_type, &body)
    }
}

fn kept(
    wish: &Wish,
    name: &str,
    state: Value,
    text: String,
    key: Option<(String, usize)>,
    receipt: EventReceipt,
) -> Kept {
    Kept {
        aggregate: name.to_owned(),
        version: 0,
        event_type: wish.event_type.to_owned(),
        body: wish.body.clone(),
        metadata: wish.metadata.clone(),
        extensions: wish.extensions.clone(),
        // An empty note is none.
        note: wish.note.clone().filter(|note| !note.is_empty()),
        occurred_at: wish.occurred_at.map(str::to_owned),
        publish: wish.publish.clone(),
        state,
        key,
        receipt,
        actor: ACTOR,
        text,
    }
}

fn refusal(error: &AppendError) -> Refusal {
    match error {
        AppendError::KeyReused { .. } => Refusal::KeyReused,
        AppendError::Archived { .. } => Refusal::Archived,
        AppendError::WrongVersion { event, actual, .. } => {
            Refusal::WrongVersion { event: *event, actual: actual.get() }
        }
        AppendError::Refused(reasons) if ["patch-does-not-apply", "state-not-object"].contains(&reasons[0].code) => {
            Refusal::DoesNotApply { event: reasons[0].event }
        }
        other => panic!("the model knows no such answer: {other}"),
    }
}
