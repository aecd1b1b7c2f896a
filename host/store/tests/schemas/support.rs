//! A domain in a directory of its own, and short ways to ask it for things.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use eventdbx_store::{AggregateType, Domain, MasterKey, Micros, OpenOptions, SchemaDocument};
use serde_json::Value;

pub(crate) struct Place {
    dir: tempfile::TempDir,
    master: MasterKey,
    clock: Arc<AtomicU64>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        Self { dir, master: MasterKey::generate(), clock: Arc::new(AtomicU64::new(1_700_000_000_000_000)) }
    }

    pub(crate) fn open(&self) -> Domain {
        let clock = Arc::clone(&self.clock);
        let clock = Arc::new(move || Micros::new(clock.fetch_add(1, Ordering::Relaxed)));
        let name = "default".parse().expect("a name");
        Domain::open(self.dir.path(), name, &self.master, OpenOptions::new(clock)).expect("opens")
    }
}

pub(crate) fn kind(text: &str) -> AggregateType {
    text.parse().expect("a type")
}

pub(crate) fn document(value: &Value) -> SchemaDocument {
    SchemaDocument::parse(&value.to_string()).expect("a schema")
}

pub(crate) fn assert_sound(domain: &Domain) {
    let report = domain.verify(None, &mut |_, _| {}).expect("reads").expect("a report");
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(report.root, domain.head().root);
}
