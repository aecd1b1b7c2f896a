//! A domain with what dispatch needs around it, and guests whose code is a closure.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use eventdbx_sandbox::{
    Batch, Descriptor, Fields, Halt, Handled, Host, ItemFailure, Kind, Limits, Outcome, Parts, Sandbox, SandboxOptions,
    Selector as Widest, StartContext, Stop, TableWrites, Trap, TrapKind, Usage, Writes,
};
use eventdbx_store::{
    Domain, Draft, MasterKey, NewEvent, OpenOptions, Position,
    plugindb::{Generation, PluginDb},
    system_clock,
};

use crate::plugins::{
    PayloadMode, PluginLimits,
    components::Components,
    feed::Feed,
    guest::{Guest, Running},
    jobs::Jobs,
    keeper::Keeper,
    logs::Logs,
    modes::Modes,
    secrets::Secrets,
    selector::Selector,
    services::Services,
    signing::Signing,
    states::States,
    track::{Program, Purpose, Step, Track},
};

/// What a closure guest does with a batch.
pub(super) type Reaction = dyn Fn(&Batch<'_>, &mut dyn Host) -> Outcome<Handled> + Send + Sync;

pub(super) struct World {
    pub(super) domain: Domain,
    pub(super) services: Arc<Services>,
    _dir: tempfile::TempDir,
}

impl World {
    /// An empty domain.
    pub(super) fn new(limits: PluginLimits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (name, options) = ("default".parse().unwrap(), OpenOptions::new(system_clock()));
        let domain = Domain::open(&dir.path().join("log"), name, &MasterKey::generate(), options).unwrap();
        let db = PluginDb::open(&dir.path().join("plugins"), domain.plugin_cipher(), 1 << 20).unwrap();
        let options = SandboxOptions { cache_dir: dir.path().join("cache"), cache_key: [0; 32] };
        let services = Services {
            feed: Feed::start(&domain, limits.recent_bytes, limits.page_cache_bytes).unwrap(),
            states: States::new(domain.clone(), db.clone(), limits.state_cache_bytes),
            sandbox: Sandbox::new(options).unwrap(),
            modes: Modes::open(&db).unwrap(),
            secrets: Secrets::open(&db).unwrap(),
            signing: Signing::open(&db).unwrap(),
            components: Components::open(dir.path().join("components")).unwrap(),
            clock: system_clock(),
            keeper: Keeper::start(db.clone()).unwrap(),
            jobs: Jobs::open(db.clone()).unwrap(),
            domain: domain.clone(),
            db,
            limits,
            tracer: Default::default(),
        };
        Self { domain, services: Arc::new(services), _dir: dir }
    }

    /// Writes an event.
    pub(super) fn append(&self, aggregate: &str, event_type: &str, payload: &str) -> Position {
        let (kind, id) = aggregate.split_once('/').unwrap();
        let event = NewEvent {
            metadata: Some(r#"{"source":"test"}"#.to_owned()),
            extensions: Some(r#"{"@trace":"t-1"}"#.to_owned()),
            note: Some("a note".to_owned()),
            occurred_at: Some("2013-01-01T05:17:00-05:00".to_owned()),
            ..NewEvent::new(kind, id, event_type, payload)
        };
        let receipt = self.domain.append(Draft::one(event, "tester")).unwrap();
        receipt.events[0].position
    }

    /// Writes `count` events round robin to `aggregates` aggregates.
    pub(super) fn append_many(&self, count: u64, aggregates: u64) {
        for n in 0..count {
            let payload = format!("{{\"n\":{n},\"k{}\":{{\"at\":{n}}}}}", n % 3);
            self.append(&format!("thing/t{}", n % aggregates), "thing_changed", &payload);
        }
        self.fed();
    }

    /// Waits until the feed knows all that was committed.
    pub(super) fn fed(&self) {
        self.services.feed.join();
        while self.services.feed.head() < self.domain.head().position {
            thread::park_timeout(Duration::from_secs(1));
        }
        self.services.feed.leave();
    }

    pub(super) fn generation(&self) -> Generation {
        self.services.db.next_generation().unwrap()
    }

    /// A track of a guest.
    pub(super) fn track(&self, generation: Generation, mode: PayloadMode, guest: &Arc<Reaction>) -> Track {
        let program = Arc::new(self.program(guest));
        Track::open(Arc::clone(&self.services), program, generation, Purpose::Live, mode).unwrap().unwrap()
    }

    pub(super) fn program(&self, guest: &Arc<Reaction>) -> Program {
        Program {
            name: "closure".to_owned(),
            kind: Kind::ReadModel,
            guest: Box::new(Closure(Arc::clone(guest))),
            selector: Selector::new(&descriptor().selector, &[], &[]).unwrap(),
            config: "{}".to_owned(),
            upgraded_from: None,
            logs: Arc::new(Logs::new(system_clock(), 100)),
            calls: Arc::default(),
            targets: Arc::default(),
        }
    }

    /// How many rows a generation has in its first table.
    pub(super) fn rows_of_transport(&self, generation: Generation) -> usize {
        self.services.db.tables(generation).range(0, None, None).count()
    }

    /// All rows of the guests' one table.
    pub(super) fn rows(&self, generation: Generation) -> BTreeMap<String, String> {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let rows = self.services.db.tables(generation).range(0, None, None);
        rows.map(|row| row.unwrap()).map(|(key, value)| (text(key), text(value))).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.services.feed.stop();
        self.services.keeper.stop();
    }
}

/// Steps until there is nothing to do, going past every pause.
pub(super) fn run(track: &mut Track) {
    loop {
        match track.step() {
            Step::Idle | Step::Stopped => return,
            Step::Moved => {}
            Step::Wait(_) => track.end_pause(),
        }
    }
}

pub(in crate::plugins) fn descriptor() -> Descriptor {
    Descriptor {
        name: "closure".to_owned(),
        version: "1".to_owned(),
        kind: Kind::ReadModel,
        config_schema: "{}".to_owned(),
        selector: Widest {
            aggregate_types: Vec::new(),
            aggregate_ids: Vec::new(),
            event_types: Vec::new(),
            parts: Parts { payload: true, state: true, schema: true, envelope: true, extensions: true },
            fields: Fields::All,
        },
        tables: Vec::new(),
        queries: Vec::new(),
        state_version: 1,
        capabilities: Vec::new(),
    }
}

struct Closure(Arc<Reaction>);

struct ClosureInstance {
    reaction: Arc<Reaction>,
    host: Box<dyn Host>,
}

impl Guest for Closure {
    fn start(&self, host: Box<dyn Host>, _: StartContext<'_>, _: &Limits) -> Result<Box<dyn Running>, Stop> {
        Ok(Box::new(ClosureInstance { reaction: Arc::clone(&self.0), host }))
    }
}

impl Running for ClosureInstance {
    fn handle(mut self: Box<Self>, batch: &Batch<'_>) -> (Outcome<Handled>, Usage, Option<Box<dyn Running>>) {
        let outcome = (self.reaction)(batch, &mut *self.host);
        let alive = matches!(outcome, Outcome::Done(_));
        (outcome, Usage::default(), alive.then_some(self as Box<dyn Running>))
    }
}

/// What a call leaves that puts these rows.
pub(super) fn done(rows: BTreeMap<String, String>) -> Outcome<Handled> {
    let entries = rows.into_iter().map(|(key, value)| (key.into_bytes(), Some(value.into_bytes()))).collect();
    let writes = Writes { tables: vec![TableWrites { cleared: false, entries }], bytes: 0 };
    Outcome::Done(Handled { writes, ..Handled::default() })
}

pub(super) fn crashed() -> Outcome<Handled> {
    let trap = Trap { kind: TrapKind::Crashed, message: "it crashed".to_owned(), backtrace: Vec::new() };
    Outcome::Halted(Halt::Trapped(trap))
}

pub(super) fn failure(code: &str) -> eventdbx_sandbox::Failure {
    eventdbx_sandbox::Failure { code: code.to_owned(), message: format!("because of {code}"), detail: None }
}

pub(super) fn poisoned(index: usize) -> Outcome<Handled> {
    Outcome::Poison(ItemFailure { index: u32::try_from(index).unwrap(), failure: failure("bad-event") })
}

/// A projection that notices everything that comes twice, not at all, or in the wrong order: the sum of all positions,
/// how often each came, and for each aggregate the versions in their order.
pub(super) fn ledger(batch: &Batch<'_>, host: &mut dyn Host) -> Outcome<Handled> {
    let mut rows = BTreeMap::new();
    let mut change = |key: String, change: &dyn Fn(String) -> String| {
        let old = rows.remove(&key).or_else(|| {
            let stored = host.get(0, key.as_bytes()).unwrap();
            stored.map(|bytes| String::from_utf8(bytes).unwrap())
        });
        rows.insert(key, change(old.unwrap_or_default()));
    };
    for item in batch.items {
        let add = |old: String, by: u64| (old.parse().unwrap_or(0) + by).to_string();
        change("sum".to_owned(), &|old| add(old, item.position));
        change(format!("times {:05}", item.position), &|old| add(old, 1));
        change(format!("versions {}", item.aggregate_id), &|old| format!("{old} {}", item.version));
    }
    done(rows)
}

/// Remembers all that it is given, as text.
pub(super) fn recorder() -> (Arc<Reaction>, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let reaction = move |batch: &Batch<'_>, _: &mut dyn Host| {
        kept.lock().unwrap().extend(batch.items.iter().map(|item| format!("{item:?}")));
        done(BTreeMap::new())
    };
    (Arc::new(reaction), seen)
}
