//! What it costs: `cargo test --release -p eventdbx-store --test schemas -- --ignored --nocapture figures`.

use std::{sync::mpsc, time::Instant};

use eventdbx_store::{
    AggregateRef, Domain, Draft, Durability, MasterKey, NewEvent, OpenOptions, Reply, Version, system_clock,
};
use serde_json::json;

use crate::support::document;

const EVENTS: u64 = 100_000;
const PER_REQUEST: u64 = 100;
/// Requests that are in flight at once.
const STRETCH: usize = 4000;

struct Place {
    domain: Domain,
    _dir: tempfile::TempDir,
}

fn open(snapshot_threshold: u32) -> Place {
    let dir = tempfile::tempdir().expect("a directory");
    let options = OpenOptions { durability: Durability::Os, snapshot_threshold, ..OpenOptions::new(system_clock()) };
    let name = "default".parse().expect("a name");
    Place { domain: Domain::open(dir.path(), name, &MasterKey::generate(), options).expect("opens"), _dir: dir }
}

/// Appends requests, many in flight at once; gives the µs of processor time that an event cost the caller, and the committer:
/// others use the machine as well, so the time that went by would say little.
fn append(domain: &Domain, drafts: Vec<Draft>) -> (f64, f64) {
    let events: usize = drafts.iter().map(|draft| draft.events.len()).sum();
    let (mut checking, committing) = (0, committer_nanos());
    let mut drafts = drafts.into_iter().peekable();
    while drafts.peek().is_some() {
        let before = nanos("/proc/thread-self");
        let checked: Vec<_> = drafts.by_ref().take(STRETCH).map(|draft| domain.check(draft).expect("fits")).collect();
        checking += nanos("/proc/thread-self") - before;
        let (sender, receiver) = mpsc::channel();
        for checked in checked {
            let sender = sender.clone();
            let reply: Reply = Box::new(move |outcome| {
                let _ = sender.send(outcome.is_ok());
            });
            domain.submit(checked, reply);
        }
        drop(sender);
        assert!(receiver.iter().all(|is_ok| is_ok));
    }
    let micros = |nanos: u64| nanos as f64 / 1e3 / events as f64;
    (micros(checking), micros(committer_nanos() - committing))
}

/// Processor time of a thread so far, by its directory.
fn nanos(thread: &str) -> u64 {
    let text = std::fs::read_to_string(format!("{thread}/schedstat")).expect("Linux");
    text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).expect("a number")
}

fn committer_nanos() -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux").map(|entry| entry.expect("reads").path());
    let named = |path: &std::path::PathBuf| {
        std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == "dbx-committer")
    };
    threads.filter(named).map(|path| nanos(&path.to_string_lossy())).sum()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
#[ignore = "prints figures"]
fn figures_of_a_state_long_ago() {
    let name: AggregateRef = "clock/c".parse().expect("a name");
    let mut all = Vec::new();
    for threshold in [0, 100, 1000] {
        let place = open(threshold);
        let event = |n: u64| {
            let payload = json!({"n": n, "place": "Newark", "delay": n % 60, format!("gate{}", n % 40): n});
            NewEvent::new("clock", "c", "tick", &payload.to_string())
        };
        let request = |from: u64| Draft {
            events: (from..from + PER_REQUEST).map(event).collect(),
            key: None,
            actor: "alice".into(),
        };
        let (_, cost) = append(&place.domain, (0..EVENTS / PER_REQUEST).map(|n| request(n * PER_REQUEST)).collect());
        let mut states = Vec::new();
        for version in [555, 50_555, 99_999] {
            let mut costs = Vec::new();
            for _ in 0..7 {
                let started = Instant::now();
                states.push(place.domain.state_at(&name, Version::new(version)).expect("reads").expect("a version"));
                costs.push(started.elapsed().as_secs_f64() * 1e6);
            }
            println!("threshold {threshold}: state at version {version} in {:.0} µs", median(costs));
        }
        println!("threshold {threshold}: {cost:.2} µs an event to commit");
        all.push(states);
    }
    assert!(all.iter().all(|states| *states == all[0]));
}

#[test]
#[ignore = "prints figures"]
fn figures_of_a_checked_append() {
    let fields = |required: bool| {
        json!({
            "carrier": {"type": "text", "required": required, "length": {"min": 2, "max": 2}},
            "flight": {"type": "integer", "required": required, "range": {"min": 1, "max": 9999}},
            "origin": {"type": "text", "required": required, "regex": "^[A-Z]{3}$"},
            "dest": {"type": "text", "required": required, "regex": "^[A-Z]{3}$"},
            "departed": {"type": "timestamp"},
            "delay": {"type": "integer"},
            "tail": {"type": "text"},
        })
    };
    let whole = json!({"carrier": "UA", "flight": 1545, "origin": "EWR", "dest": "IAH",
        "departed": "2013-01-01T05:15:00-05:00", "delay": 2, "tail": "N14228"});
    let later = json!({"departed": "2013-01-01T05:15:00-05:00", "delay": 2, "tail": "N14228"});
    // Each aggregate gets a whole payload first, then 99 of which the state decides.
    let drafts = |later: &serde_json::Value| -> Vec<Draft> {
        let payload = |n: u64| if n < 1000 { whole.to_string() } else { later.to_string() };
        (0..EVENTS)
            .map(|n| Draft::one(NewEvent::new("flight", &format!("f-{}", n % 1000), "moved", &payload(n)), "alice"))
            .collect()
    };
    for (what, kind, required, payload) in [
        ("no schema at all", None, false, &whole),
        ("a schema for another type", Some("parcel"), false, &whole),
        ("seven columns, nothing required", Some("flight"), false, &whole),
        ("seven columns, four required and given", Some("flight"), true, &whole),
        ("no schema at all, small payloads", None, false, &later),
        ("nothing required, small payloads", Some("flight"), false, &later),
        ("four required, found in the state", Some("flight"), true, &later),
    ] {
        let place = open(0);
        if let Some(kind) = kind {
            let schema = document(&json!({"aggregate": kind, "fields": fields(required)}));
            place.domain.put_schema(schema, "alice", None).expect("writes");
        }
        let (check, commit) = append(&place.domain, drafts(payload));
        println!("{what}: {check:.2} µs an event to check and seal, {commit:.2} µs to commit");
    }
}
