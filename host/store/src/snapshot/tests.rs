use std::sync::Arc;

use fjall::{PersistMode, Readable};

use crate::{
    AggregateRef, AppendError, Domain, Draft, MasterKey, Micros, NewEvent, OpenOptions, SchemaDocument, Version, rows,
};

const EVERY: u32 = 4;

struct Place {
    domain: Domain,
    _dir: tempfile::TempDir,
}

fn open(threshold: u32) -> Place {
    let dir = tempfile::tempdir().expect("a directory");
    let time = std::sync::atomic::AtomicU64::new(1_700_000_000_000_000);
    let clock = Arc::new(move || Micros::new(time.fetch_add(1_000_000, std::sync::atomic::Ordering::Relaxed)));
    let options = OpenOptions { snapshot_threshold: threshold, ..OpenOptions::new(clock) };
    let name = "default".parse().expect("a name");
    let domain = Domain::open(dir.path(), name, &MasterKey::generate(), options).expect("opens");
    Place { domain, _dir: dir }
}

fn name() -> AggregateRef {
    "order/o-1".parse().expect("a name")
}

fn append(domain: &Domain, count: u64) {
    for n in 0..count {
        let payload = format!(r#"{{"n":{n},"text":"{}"}}"#, "lorem ipsum ".repeat(60));
        domain.append(Draft::one(NewEvent::new("order", "o-1", "changed", &payload), "alice")).expect("appends");
    }
}

fn versions(domain: &Domain) -> Vec<u64> {
    domain.snapshots(&name()).expect("reads").iter().map(|info| info.version.get()).collect()
}

fn states(domain: &Domain, last: u64) -> Vec<String> {
    let state = |version| domain.state_at(&name(), Version::new(version)).expect("reads").expect("a version");
    (1..=last).map(|version| state(version).to_string()).collect()
}

fn findings(domain: &Domain) -> Vec<String> {
    domain.verify(None, &mut |_, _| {}).expect("reads").expect("a report").findings
}

/// Changes the row of a snapshot.
fn tamper(domain: &Domain, version: u64, change: impl FnOnce(&mut Vec<u8>)) {
    let files = &domain.inner.files;
    let at = files.db.snapshot();
    let number = crate::keys::number_of(&at, &files.spaces, &name()).expect("reads").expect("exists");
    let key = rows::snapshot_key(number, Version::new(version));
    let mut row = at.get(&files.spaces.snapshots, key).expect("reads").expect("there").to_vec();
    change(&mut row);
    files.spaces.snapshots.insert(key, row).expect("writes");
    files.db.persist(PersistMode::Buffer).expect("writes");
}

#[test]
fn a_snapshot_is_due_at_each_multiple_of_the_threshold() {
    let place = open(EVERY);
    append(&place.domain, 10);
    assert_eq!(versions(&place.domain), [4, 8]);
    place.domain.archive(&name(), "alice", None).expect("archives");
    place.domain.restore(&name(), "alice", None).expect("restores");
    assert_eq!(versions(&place.domain), [4, 8, 12], "whatever the event is");
    assert_eq!(findings(&place.domain), Vec::<String>::new());
}

#[test]
fn a_schema_has_a_threshold_of_its_own() {
    let place = open(0);
    append(&place.domain, 4);
    let schema = SchemaDocument::parse(r#"{"aggregate":"order","additional":true,"snapshot_threshold":3}"#);
    place.domain.put_schema(schema.expect("a schema"), "alice", None).expect("writes");
    append(&place.domain, 4);
    assert_eq!(versions(&place.domain), [6]);
    place.domain.remove_schema(&"order".parse().expect("a type"), "alice").expect("removes");
    append(&place.domain, 4);
    assert_eq!(versions(&place.domain), [6], "none without a threshold");
}

#[test]
fn a_snapshot_on_demand_is_taken_once() {
    let place = open(0);
    let domain = &place.domain;
    let missing = domain.take_snapshot(&name(), "alice").expect_err("no such aggregate");
    assert!(matches!(missing, AppendError::WrongVersion { actual, .. } if actual.get() == 0));
    assert!(domain.snapshots(&name()).expect("reads").is_empty());
    append(domain, 3);
    let first = domain.take_snapshot(&name(), "alice").expect("takes");
    let head = domain.head();
    assert_eq!(domain.take_snapshot(&name(), "bob").expect("there"), first);
    assert_eq!(domain.head(), head, "nothing was written");
    assert_eq!((first.version.get(), first.position), (3, head.position));
    let event = domain.scan(first.position).next().expect("recorded").and_then(|row| row.open()).expect("opens");
    assert_eq!((event.header.event_type.as_str(), &*event.body.actor), ("$snapshot_taken", "alice"));

    for refused in [domain.take_snapshot(&name(), ""), domain.take_snapshot(&event.header.aggregate, "alice")] {
        assert!(matches!(refused, Err(AppendError::Refused(_))));
    }
    assert!(domain.snapshot(&name(), Version::new(2)).expect("reads").is_none());
    assert!(domain.verify_snapshot(&name(), Version::new(2)).expect("reads").is_none());
}

#[test]
fn demands_at_once_take_one() {
    let place = open(0);
    append(&place.domain, 3);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| place.domain.take_snapshot(&name(), "alice").expect("takes"));
        }
    });
    assert_eq!(versions(&place.domain), [3]);
    assert_eq!(place.domain.head().position.get(), 4);
    assert_eq!(findings(&place.domain), Vec::<String>::new());
}

#[test]
fn a_damaged_snapshot_is_found_and_passed_over() {
    let place = open(EVERY);
    let domain = &place.domain;
    append(domain, 14);
    let before = states(domain, 14);
    let finding = |what: &str| format!("order/o-1: its snapshot at version 8 {what}");
    let row = {
        let mut kept = Vec::new();
        tamper(domain, 8, |row| kept.clone_from(row));
        kept
    };
    // Beyond the format, the flags, position 8, key id 8 and hash 32 lies what is sealed.
    for at in [50, 60, row.len() - 1] {
        tamper(domain, 8, |row| row[at] ^= 1);
        assert_eq!(findings(domain), [format!("damaged: {}", finding("does not open"))], "byte {at}");
        assert!(domain.snapshot(&name(), Version::new(8)).is_err());
        assert_eq!(states(domain, 14), before, "folded from the one before");
        tamper(domain, 8, |damaged| damaged.clone_from(&row));
    }
    tamper(domain, 8, |row| row[20] ^= 1);
    let found = findings(domain);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], finding("does not have its hash"));
    assert_eq!(domain.verify_snapshot(&name(), Version::new(8)).expect("reads"), Some(found));
    tamper(domain, 8, |damaged| damaged.clone_from(&row));
    tamper(domain, 8, |row| row[9] ^= 1);
    assert!(findings(domain)[0].contains("is not the one that the log records at position"), "{:?}", findings(domain));
    for cut in [0, 1, 49] {
        tamper(domain, 8, |row| row.truncate(cut));
        assert_eq!(findings(domain).len(), 1, "{cut} bytes");
        assert_eq!(states(domain, 14), before);
    }
    tamper(domain, 8, |damaged| damaged.clone_from(&row));
    assert_eq!(findings(domain), Vec::<String>::new());
}

#[test]
fn a_snapshot_of_another_version_does_not_open() {
    let place = open(EVERY);
    append(&place.domain, 9);
    let mut other = Vec::new();
    tamper(&place.domain, 4, |row| other.clone_from(row));
    tamper(&place.domain, 8, |row| *row = other);
    assert!(place.domain.snapshot(&name(), Version::new(8)).is_err());
    assert_eq!(findings(&place.domain).len(), 2, "it does not open, and the log records another");
}

#[test]
fn times_lead_to_versions() {
    let place = open(0);
    let domain = &place.domain;
    // It happened in another order than it was told.
    let times =
        ["2013-01-01T10:00:00Z", "2013-01-01T12:00:00+02:00", "2013-01-01T13:00:00.0000005Z", "2013-01-01T12:00:00Z"];
    for time in times {
        let event = NewEvent::new("order", "o-1", "changed", "{}");
        let event = NewEvent { occurred_at: Some(time.to_owned()), ..event };
        domain.append(Draft::one(event, "alice")).expect("appends");
    }
    domain.archive(&name(), "alice", None).expect("archives");
    let at = |text: &str, occurred| {
        let time: jiff::Timestamp = text.parse().expect("a time");
        let time = Micros::new(u64::try_from(time.as_microsecond()).expect("after 1970"));
        domain.version_at(&name(), time, occurred).expect("reads").map(Version::get)
    };
    for (time, version) in [
        ("2013-01-01T09:59:59.999999Z", None),
        ("2013-01-01T10:00:00Z", Some(2)),
        ("2013-01-01T11:59:59Z", Some(2)),
        ("2013-01-01T12:00:00Z", Some(4)),
        ("2013-01-01T13:00:00Z", Some(4)),
        ("2026-01-01T00:00:00Z", Some(5)),
    ] {
        assert_eq!(at(time, true), version, "{time}");
    }
    let recorded: Vec<Micros> =
        domain.scan(crate::Position::new(1)).map(|e| e.expect("reads").header.recorded_at).collect();
    for (index, time) in recorded.iter().enumerate() {
        let version =
            |time| domain.version_at(&name(), Micros::new(time), false).expect("reads").map_or(0, Version::get);
        assert_eq!(version(time.get()), index as u64 + 1);
        assert_eq!(version(time.get() - 1), index as u64);
    }
    assert_eq!(
        domain.version_at(&"order/o-2".parse().expect("a name"), Micros::new(u64::MAX), true).expect("reads"),
        None
    );
}
