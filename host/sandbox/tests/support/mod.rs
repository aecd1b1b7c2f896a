//! A sandbox over a host that lives in memory, and the hostile guest.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Included, Unbounded},
    path::Path,
    sync::{Arc, Mutex},
};

use eventdbx_sandbox::{
    Batch, Call, Delivery, DeliveryMode, Handled, Host, HostError, Instance, KeyRange, Level, Limits, Outcome, Plugin,
    QueryOutcome, Sandbox, SandboxOptions, ScanPage, StartContext, StartReason, Stop, Writes,
};

pub(crate) type Table = BTreeMap<Vec<u8>, Vec<u8>>;

/// What instances read from and log to.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    table: Table,
    lines: Vec<(Level, String, Option<String>)>,
    broken: bool,
}

impl Memory {
    pub(crate) fn commit(&self, writes: &Writes) {
        let table = &mut self.0.lock().unwrap().table;
        let [writes] = &writes.tables[..] else { panic!("the guest has one table") };
        if writes.cleared {
            table.clear();
        }
        for (key, value) in &writes.entries {
            match value {
                Some(value) => drop(table.insert(key.clone(), value.clone())),
                None => drop(table.remove(key)),
            }
        }
    }

    pub(crate) fn put(&self, key: &str, value: &[u8]) {
        self.0.lock().unwrap().table.insert(key.into(), value.into());
    }

    pub(crate) fn table(&self) -> Table {
        self.0.lock().unwrap().table.clone()
    }

    pub(crate) fn lines(&self) -> Vec<(Level, String, Option<String>)> {
        self.0.lock().unwrap().lines.clone()
    }

    /// From now on every read fails.
    pub(crate) fn break_down(&self) {
        self.0.lock().unwrap().broken = true;
    }
}

impl Host for Memory {
    fn get(&mut self, table: usize, key: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        assert_eq!(table, 0);
        let shared = self.0.lock().unwrap();
        if shared.broken {
            return Err(HostError::new("the disk is gone"));
        }
        Ok(shared.table.get(key).cloned())
    }

    fn scan(
        &mut self,
        table: usize,
        range: &KeyRange,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<ScanPage, HostError> {
        assert_eq!(table, 0);
        let shared = self.0.lock().unwrap();
        let start = range.start.clone().map_or(Unbounded, Included);
        let end = range.end.clone().map_or(Unbounded, Excluded);
        let all = shared.table.range((start, end)).map(|(key, value)| (key.clone(), value.clone()));
        let all: Vec<_> = if range.reverse { all.rev().collect() } else { all.collect() };
        let mut bytes = 0;
        let fits = |(key, value): &&(Vec<u8>, Vec<u8>)| {
            let fits = bytes < max_bytes;
            bytes += key.len() + value.len();
            fits
        };
        let entries: Vec<_> = all.iter().take_while(fits).take(max_entries).cloned().collect();
        Ok(ScanPage { more: entries.len() < all.len(), entries })
    }

    fn log(&mut self, level: Level, message: &str, fields: Option<&str>) {
        let line = (level, message.to_owned(), fields.map(str::to_owned));
        self.0.lock().unwrap().lines.push(line);
    }
}

/// A sandbox and the directory of its cache.
pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) cache: tempfile::TempDir,
}

pub(crate) fn bench() -> Bench {
    let cache = tempfile::tempdir().unwrap();
    Bench { sandbox: sandbox(cache.path(), [7; 32]), cache }
}

pub(crate) fn sandbox(dir: &Path, cache_key: [u8; 32]) -> Sandbox {
    Sandbox::new(SandboxOptions { cache_dir: dir.join("components"), cache_key }).unwrap()
}

/// The hostile guest, a component.
pub(crate) fn hostile() -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/hostile");
    let built = eventdbx_plugin_build::build_dir(&dir).unwrap();
    std::fs::read(built.component).unwrap()
}

/// The hostile guest, told what to do in `describe`.
pub(crate) fn hostile_describing(word: &str) -> Vec<u8> {
    let (mut bytes, marker) = (hostile(), b"hostile-describe:nothing");
    let at = bytes.windows(marker.len()).position(|window| window == marker).expect("the guest has its marker");
    let replaced = format!("hostile-describe:{word}...............");
    bytes[at..at + marker.len()].copy_from_slice(&replaced.as_bytes()[..marker.len()]);
    bytes
}

/// The hostile guest, loaded once per test.
pub(crate) fn plugin() -> (Bench, Plugin) {
    let bench = bench();
    let plugin = bench.sandbox.load(&hostile()).unwrap();
    (bench, plugin)
}

pub(crate) fn start(plugin: &Plugin, memory: &Memory, limits: &Limits) -> Instance {
    start_with(plugin, memory, limits, "{}").unwrap()
}

pub(crate) fn start_with(plugin: &Plugin, memory: &Memory, limits: &Limits, config: &str) -> Result<Instance, Stop> {
    let context = StartContext { domain: "default", config, reason: StartReason::FirstStart };
    plugin.start(Box::new(memory.clone()), context, limits)
}

/// Events of these types, at positions 1, 2, 3 …
pub(crate) fn deliveries<'a>(types: &[&'a str]) -> Vec<Delivery<'a>> {
    let delivery = |(index, event_type): (usize, &&'a str)| Delivery {
        position: index as u64 + 1,
        event_id: "01890000-0000-7000-8000-000000000001",
        aggregate_type: "order",
        aggregate_id: "1",
        version: index as u64 + 1,
        event_type,
        recorded_at_ms: 1_700_000_000_000,
        occurred_at: None,
        payload: Some("{\"total\":1}"),
        state: None,
        schema: None,
        envelope: None,
        extensions: None,
    };
    types.iter().enumerate().map(delivery).collect()
}

pub(crate) fn batch<'a>(items: &'a [Delivery<'a>]) -> Batch<'a> {
    Batch {
        domain: "default",
        mode: DeliveryMode::Live,
        payload_mode: "event-only",
        attempt: 1,
        head_position: items.len() as u64,
        schemas: &[],
        items,
    }
}

/// Hands a fresh instance events of these types.
pub(crate) fn handle(plugin: &Plugin, memory: &Memory, limits: &Limits, types: &[&str]) -> Call {
    let items = deliveries(types);
    start(plugin, memory, limits).handle(&batch(&items))
}

/// Like [`handle`], and it must succeed.
pub(crate) fn done(plugin: &Plugin, memory: &Memory, types: &[&str]) -> Handled {
    match handle(plugin, memory, &Limits::default(), types).outcome {
        Outcome::Done(handled) => handled,
        other => panic!("{types:?} ended as {other:?}"),
    }
}

pub(crate) fn query(
    plugin: &Plugin,
    memory: &Memory,
    limits: &Limits,
    name: &str,
    cursor: Option<&str>,
) -> QueryOutcome {
    let instance = plugin.start_query(Box::new(memory.clone()), "default", "{}", limits).unwrap();
    instance.query(name, "{\"n\":1}", cursor).0
}
