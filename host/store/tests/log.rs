//! The log as its callers see it: what is written is there, in order, once, and also after a restart.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use eventdbx_store::{
    AggregateQuery, AggregateRef, AppendError, BodyKind, Domain, Draft, EventQuery, Expected, MasterKey, Micros,
    NewEvent, OpenError, OpenOptions, Position, Version,
};

struct Place {
    dir: tempfile::TempDir,
    master: MasterKey,
    clock: Arc<AtomicU64>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        Self { dir, master: MasterKey::generate(), clock: Arc::new(AtomicU64::new(1_700_000_000_000_000)) }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn try_open(&self, master: &MasterKey) -> Result<Domain, OpenError> {
        let clock = Arc::clone(&self.clock);
        let clock = Arc::new(move || Micros::new(clock.fetch_add(1, Ordering::Relaxed)));
        Domain::open(self.path(), "default".parse().expect("a name"), master, OpenOptions::new(clock))
    }

    fn open(&self) -> Domain {
        self.try_open(&self.master).expect("opens")
    }
}

fn name(text: &str) -> AggregateRef {
    text.parse().expect("a name")
}

fn event(id: &str, payload: &str) -> NewEvent {
    NewEvent::new("order", id, "order_changed", payload)
}

fn expecting(id: &str, expected: Expected) -> Draft {
    Draft::one(NewEvent { expected, ..event(id, "{}") }, "alice")
}

fn patch(id: &str, patch: &str) -> Draft {
    Draft::one(NewEvent { body_kind: BodyKind::Patch, ..event(id, patch) }, "alice")
}

fn state(domain: &Domain, id: &str) -> String {
    domain.aggregate(&name(&format!("order/{id}"))).expect("reads").expect("exists").state.to_string()
}

fn codes(error: &AppendError) -> Vec<&'static str> {
    match error {
        AppendError::Refused(reasons) => reasons.iter().map(|reason| reason.code).collect(),
        other => panic!("not refused but: {other}"),
    }
}

fn assert_sound(domain: &Domain) {
    let report = domain.verify(None, &mut |_, _| {}).expect("reads").expect("a report");
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(report.root, domain.head().root);
}

#[test]
fn what_is_written_is_there_after_a_restart() {
    let place = Place::new();
    let mut whole = event("o-1", r#"{ "total" : "12.50" }"#);
    whole.metadata = Some(r#"{"source":"test"}"#.into());
    whole.extensions = Some(r#"{"@trace":1}"#.into());
    whole.note = Some("by hand".into());
    whole.occurred_at = Some("2013-01-01T05:15:00-05:00".into());

    let domain = place.open();
    let receipt = domain.append(Draft::one(whole, "alice")).expect("appends");
    assert_eq!((receipt.events[0].position.get(), receipt.events[0].version.get()), (1, 1));
    let head = domain.head();
    drop(domain);

    let domain = place.open();
    assert_eq!(domain.head(), head);
    let event = domain.event(receipt.events[0].event_id).expect("reads").expect("exists");
    assert_eq!(event.header.digest, receipt.events[0].digest);
    assert_eq!(event.header.occurred_at.as_deref(), Some("2013-01-01T05:15:00-05:00"));
    assert_eq!(event.body.payload.as_str(), r#"{ "total" : "12.50" }"#, "byte for byte");
    assert_eq!(event.body.metadata.expect("kept").as_str(), r#"{"source":"test"}"#);
    assert_eq!(event.body.extensions.expect("kept").as_str(), r#"{"@trace":1}"#);
    assert_eq!((&*event.body.actor, event.body.note.as_deref()), ("alice", Some("by hand")));
    assert_eq!(state(&domain, "o-1"), r#"{"total":"12.50"}"#);
    assert_sound(&domain);
}

#[test]
fn versions_are_expected_as_if_written_one_after_the_other() {
    let place = Place::new();
    let domain = place.open();
    let wrong = |draft| match domain.append(draft) {
        Err(AppendError::WrongVersion { actual, .. }) => actual.get(),
        other => panic!("not a wrong version: {other:?}"),
    };
    assert_eq!(wrong(expecting("o-1", Expected::Existing)), 0);
    domain.append(expecting("o-1", Expected::NoAggregate)).expect("creates");
    assert_eq!(wrong(expecting("o-1", Expected::NoAggregate)), 1);
    assert_eq!(wrong(expecting("o-1", Expected::Exact(2))), 1);
    domain.append(expecting("o-1", Expected::Exact(1))).expect("appends");

    let both = [expecting("o-2", Expected::NoAggregate), expecting("o-2", Expected::Exact(1))];
    let both = Draft {
        events: both.into_iter().flat_map(|draft| draft.events).collect(),
        ..Draft::one(event("x", "{}"), "a")
    };
    assert_eq!(domain.append(both).expect("appends").events.len(), 2);
}

#[test]
fn a_request_is_written_whole_or_not_at_all() {
    let place = Place::new();
    let domain = place.open();
    domain.append(Draft::one(event("o-1", r#"{"a":1}"#), "alice")).expect("appends");
    let head = domain.head();
    let events = vec![
        event("o-1", r#"{"a":2}"#),
        event("o-2", r#"{"a":1}"#),
        NewEvent { expected: Expected::Exact(7), ..event("o-1", "{}") },
    ];
    let refused = domain.append(Draft { events, key: None, actor: "alice".into() });
    assert!(matches!(refused, Err(AppendError::WrongVersion { event: 2, .. })), "{refused:?}");
    assert_eq!(domain.head(), head);
    assert_eq!(state(&domain, "o-1"), r#"{"a":1}"#);
    assert!(domain.aggregate(&name("order/o-2")).expect("reads").is_none());
    // What was refused leaves nothing behind that a later request could meet.
    domain.append(Draft::one(event("o-2", "{}"), "alice")).expect("appends");
    assert_sound(&domain);
}

#[test]
fn a_key_names_a_request_for_good() {
    let place = Place::new();
    let domain = place.open();
    let request = |payload: &str| {
        let events = vec![event("o-1", payload), event("o-2", "{}")];
        Draft { events, key: Some("k".into()), actor: "alice".into() }
    };
    let first = domain.append(request(r#"{"a":1}"#)).expect("appends");
    let again = domain.append(request(r#"{ "a": 1.0 }"#)).expect("known");
    assert!(!first.duplicate && again.duplicate);
    assert_eq!(again.events, first.events);
    for other in [request(r#"{"a":2}"#), Draft::one(event("o-1", r#"{"a":1}"#), "alice").with_key("k")] {
        let refused = domain.append(other);
        assert!(matches!(refused, Err(AppendError::KeyReused { .. })), "{refused:?}");
    }

    // Also when the aggregate moved on, was archived, and the daemon restarted.
    domain.append(Draft::one(event("o-1", "{}"), "alice")).expect("appends");
    domain.archive(&name("order/o-1"), "alice", None).expect("archives");
    drop(domain);
    let domain = place.open();
    assert_eq!(domain.append(request(r#"{"a":1}"#)).expect("known").events, first.events);
    assert_eq!(domain.head().position.get(), 4);
}

#[test]
fn concurrent_creators_and_retries_write_once() {
    let place = Place::new();
    let domain = place.open();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let domain = domain.clone();
                scope.spawn(move || {
                    let created = domain.append(expecting("o-1", Expected::NoAggregate)).is_ok();
                    let retried = domain.append(Draft::one(event("o-2", r#"{"n":1}"#), "alice").with_key("once"));
                    for round in 0..50 {
                        let own = event(&format!("own-{thread}"), &format!(r#"{{"round":{round}}}"#));
                        domain.append(Draft::one(own, "alice")).expect("appends");
                        domain.append(Draft::one(event("shared", "{}"), "alice")).expect("appends");
                    }
                    (created, retried.expect("answered").duplicate)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(outcomes.iter().filter(|(created, _)| *created).count(), 1);
    assert_eq!(outcomes.iter().filter(|(_, duplicate)| !duplicate).count(), 1);
    assert_eq!(domain.head().position.get(), 2 + 8 * 50 * 2);
    assert_eq!(domain.aggregate(&name("order/shared")).expect("reads").expect("exists").version.get(), 400);
    assert_sound(&domain);
}

#[test]
fn patches_change_the_state_and_are_kept() {
    let place = Place::new();
    let domain = place.open();
    domain.append(Draft::one(event("o-1", r#"{"items":[1,2],"open":true}"#), "alice")).expect("appends");
    let text = r#"[{"op":"add","path":"/items/-","value":3},{"op":"remove","path":"/open"}]"#;
    let receipt = domain.append(patch("o-1", text)).expect("appends");
    assert_eq!(state(&domain, "o-1"), r#"{"items":[1,2,3]}"#);
    let event = domain.event(receipt.events[0].event_id).expect("reads").expect("exists");
    assert_eq!(event.body.payload.as_str(), text);

    for bad in [r#"[{"op":"remove","path":"/gone"}]"#, r#"[{"op":"replace","path":"","value":1}]"#, r#"{"op":"add"}"#] {
        assert_eq!(codes(&domain.append(patch("o-1", bad)).expect_err("refused")).len(), 1, "{bad}");
    }
    let before = domain.state_at(&name("order/o-1"), Version::new(1)).expect("reads").expect("was there");
    assert_eq!(before.as_str(), r#"{"items":[1,2],"open":true}"#);
    assert_sound(&domain);
}

#[test]
fn concurrent_patches_lose_nothing() {
    let place = Place::new();
    let domain = place.open();
    domain.append(Draft::one(event("o-1", r#"{"seen":[]}"#), "alice")).expect("appends");
    let written: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let domain = domain.clone();
                scope.spawn(move || {
                    let add = |_| match domain.append(patch("o-1", r#"[{"op":"add","path":"/seen/-","value":1}]"#)) {
                        Ok(_) => true,
                        Err(AppendError::Busy(_)) => false,
                        Err(other) => panic!("{other}"),
                    };
                    (0..25).map(add).filter(|written| *written).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!(state(&domain, "o-1").matches('1').count(), written);
    assert_sound(&domain);
}

#[test]
fn an_archived_aggregate_is_read_but_not_written() {
    let place = Place::new();
    let domain = place.open();
    let order = name("order/o-1");
    assert!(matches!(domain.archive(&order, "alice", None), Err(AppendError::WrongVersion { .. })));
    domain.append(Draft::one(event("o-1", r#"{"a":1}"#), "alice")).expect("appends");
    assert_eq!(codes(&domain.restore(&order, "alice", None).expect_err("refused")), ["not-archived"]);
    domain.archive(&order, "alice", Some("done")).expect("archives");
    assert!(matches!(domain.archive(&order, "alice", None), Err(AppendError::Archived { .. })));
    let refused = domain.append(Draft::one(event("o-1", "{}"), "alice"));
    assert!(matches!(refused, Err(AppendError::Archived { .. })), "{refused:?}");

    let list = |archived| {
        let query = AggregateQuery { archived, limit: 10, ..AggregateQuery::default() };
        domain.aggregates(&query).expect("reads").rows.len()
    };
    assert_eq!((list(false), list(true)), (0, 1));
    assert_eq!(state(&domain, "o-1"), r#"{"a":1}"#);
    domain.restore(&order, "alice", None).expect("restores");
    assert_eq!(domain.append(Draft::one(event("o-1", "{}"), "alice")).expect("appends").events[0].version.get(), 4);
    assert_sound(&domain);
}

#[test]
fn pages_neither_skip_nor_repeat() {
    let place = Place::new();
    let domain = place.open();
    for n in 1..=25 {
        domain.append(Draft::one(event(&format!("o-{}", n % 12), "{}"), "alice")).expect("appends");
    }
    for reverse in [false, true] {
        let mut seen = Vec::new();
        let mut from = None;
        loop {
            let query = EventQuery { from, reverse, limit: 4, ..EventQuery::default() };
            let page = domain.events(&query).expect("reads");
            seen.extend(page.rows.iter().map(|event| event.header.position.get()));
            let Some(last) = seen.last().filter(|_| page.more) else { break };
            from = Some(if reverse { last - 1 } else { last + 1 });
        }
        let mut expected: Vec<u64> = (1..=25).collect();
        if reverse {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }

    // `order/o-1` is a prefix of `order/o-10` and `order/o-11`, and yet nothing of theirs is its own.
    let query = EventQuery { aggregate: Some(name("order/o-1")), limit: 100, ..EventQuery::default() };
    let ids: Vec<_> = domain.events(&query).expect("reads").rows.into_iter().map(|e| e.header.version.get()).collect();
    assert_eq!(ids, [1, 2, 3]);

    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = domain.aggregates(&AggregateQuery { after, limit: 5, ..AggregateQuery::default() }).expect("reads");
        names.extend(page.rows.iter().map(|row| row.name.to_string()));
        after = page.last;
        if !page.more {
            break;
        }
    }
    assert_eq!(names.len(), 12);
    assert!(names.is_sorted());
}

#[test]
fn system_events_are_hidden_and_cannot_be_forged() {
    let place = Place::new();
    let domain = place.open();
    domain.record(&name("$plugin/counter"), "$plugin_installed", r#"{"version":"1"}"#, "alice").expect("records");
    domain.append(Draft::one(event("o-1", "{}"), "alice")).expect("appends");
    let events = |system| {
        let page = domain.events(&EventQuery { limit: 10, system, ..EventQuery::default() }).expect("reads");
        page.rows.len()
    };
    assert_eq!((events(false), events(true)), (1, 2));
    assert_eq!(domain.aggregates(&AggregateQuery { limit: 9, ..Default::default() }).expect("reads").rows.len(), 1);
    for forged in [NewEvent::new("$plugin", "x", "e", "{}"), NewEvent::new("order", "o-1", "$archived", "{}")] {
        let refused = domain.append(Draft::one(forged, "mallory")).expect_err("refused");
        assert_eq!(codes(&refused), ["reserved-name"]);
    }
}

#[test]
fn trees_grow_across_tiles_groups_and_restarts() {
    let place = Place::new();
    for round in 0..4 {
        let domain = place.open();
        let one = |n: usize| event("one", &format!(r#"{{"n":{n}}}"#));
        let many = |n: usize| event(&format!("many-{}", n % 97), "{}");
        let events = (0..400).map(|n| if n % 2 == 0 { one(n) } else { many(n) }).collect();
        domain.append(Draft { events, key: None, actor: "alice".into() }).expect("appends");
        for n in 0..7 {
            domain.append(Draft::one(one(round * 10 + n), "alice")).expect("appends");
        }
        assert_sound(&domain);
        assert_eq!(domain.tree_at(domain.head().position).expect("reads").root(), domain.head().root);
    }
    let domain = place.open();
    assert_eq!(domain.scan(Position::new(1)).count(), 4 * 407);
    let report = domain.verify(Some(&name("order/one")), &mut |_, _| {}).expect("reads").expect("exists");
    assert_eq!((report.aggregates, report.findings.len()), (1, 0));
    let tree = domain.aggregate(&name("order/one")).expect("reads").expect("exists");
    assert_eq!(report.root, tree.root);
}

#[test]
fn listeners_hear_every_event_in_order_after_its_commit() {
    let place = Place::new();
    let domain = place.open();
    let (sender, receiver) = std::sync::mpsc::channel();
    domain.on_commit(Box::new(move |committed| {
        for event in &committed.events {
            sender.send(event.header.position.get()).expect("the test listens");
        }
    }));
    for n in 0..20 {
        domain.append(Draft::one(event(&format!("o-{n}"), "{}"), "alice")).expect("appends");
    }
    drop(domain);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
}

#[test]
fn recorded_times_never_go_back() {
    let place = Place::new();
    let domain = place.open();
    let first = domain.append(Draft::one(event("o-1", "{}"), "alice")).expect("appends").events[0].recorded_at;
    place.clock.store(1_000, Ordering::Relaxed);
    let second = domain.append(Draft::one(event("o-1", "{}"), "alice")).expect("appends").events[0].recorded_at;
    assert_eq!(second, first);
}

#[test]
fn a_domain_has_one_owner_and_one_key() {
    let place = Place::new();
    let domain = place.open();
    domain.append(Draft::one(event("o-1", "{}"), "alice")).expect("appends");
    assert!(matches!(place.try_open(&place.master), Err(OpenError::InUse(_))));
    drop(domain);

    let before = contents(place.path());
    assert!(matches!(place.try_open(&MasterKey::generate()), Err(OpenError::WrongMasterKey(_))));
    assert_eq!(contents(place.path()), before, "refused before anything is written");
    assert_sound(&place.open());
}

#[test]
fn a_store_behind_its_anchor_does_not_open() {
    let place = Place::new();
    place.open().append(Draft::one(event("o-1", "{}"), "alice")).expect("appends");
    let kept = tempfile::tempdir().expect("a directory");
    copy(&place.path().join("log"), &kept.path().join("log"));
    place.open().append(Draft::one(event("o-1", "{}"), "alice")).expect("appends");

    std::fs::remove_dir_all(place.path().join("log")).expect("removes");
    copy(&kept.path().join("log"), &place.path().join("log"));
    let error = place.try_open(&place.master).err().expect("refused");
    assert!(matches!(&error, OpenError::BehindAnchor { missing: 1, .. }), "{error}");

    std::fs::remove_file(place.path().join("anchor")).expect("removes");
    let error = place.try_open(&place.master).err().expect("refused");
    assert!(matches!(&error, OpenError::AnchorMissing(_)), "{error}");
}

#[test]
fn a_state_has_a_limit() {
    let place = Place::new();
    let domain = place.open();
    let fill = |n: usize| event("o-1", &format!(r#"{{"part{n}":"{}"}}"#, "x".repeat(100_000)));
    domain.append(Draft::one(fill(1), "alice")).expect("appends");
    domain.append(Draft::one(fill(2), "alice")).expect("appends");
    assert_eq!(codes(&domain.append(Draft::one(fill(3), "alice")).expect_err("refused")), ["state-bytes"]);
    domain.append(Draft::one(fill(2), "alice")).expect("a replaced member needs no more room");
    let rest = event("o-1", r#"{"part1":null,"part2":null}"#);
    domain.append(Draft::one(rest, "alice")).expect("appends");
    domain.append(Draft::one(fill(3), "alice")).expect("there is room again");
    assert_sound(&domain);
}

fn contents(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).expect("lists") {
        let path = entry.expect("lists").path();
        match path.is_dir() {
            true => files.extend(contents(&path)),
            // The lock names its last holder.
            false if path.ends_with("lock") => {}
            false => files.push((path.clone(), std::fs::read(&path).expect("reads"))),
        }
    }
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("makes");
    for entry in std::fs::read_dir(from).expect("lists") {
        let path = entry.expect("lists").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copies");
        }
    }
}
