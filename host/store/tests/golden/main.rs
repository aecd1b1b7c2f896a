//! A store of each format version, kept for ever: what wrote it is gone, and it is still read to the last byte.
//!
//! The fixture of a version is made once, by `cargo test -p eventdbx-store --test golden -- --ignored make`, and never again
//! once that version was released.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use eventdbx_store::{
    AggregateQuery, AggregateRef, BodyKind, Domain, Draft, Event, MasterKey, Micros, NewEvent, NewRecipient,
    OpenOptions, Position, Priority, Recipients, Version,
};
use serde_json::{Value, json};

/// The key that the fixtures were made with.
const MASTER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// Enough events of one aggregate for a full tile of 256 in its tree and in the domain's.
const TICKS: u64 = 270;

#[test]
fn version_1_is_read_to_the_last_byte() {
    let fixture = fixture("v1");
    let expected = fs::read_to_string(fixture.join("expected.json")).expect("the fixture");
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    let dir = tempfile::tempdir().expect("a directory");
    copy(&fixture.join("store"), dir.path());

    let domain = open(dir.path());
    assert_eq!(told(&domain), expected);
    let report = domain.verify(None, &mut |_, _| {}).expect("reads").expect("a report");
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(report.root, domain.head().root);

    // It goes on where it stopped: a request of then is known, and new ones find their place.
    let again = domain.append(keyed()).expect("known");
    assert!(again.duplicate);
    let position = again.events[0].position.get();
    assert_eq!(json!(again.events[0].digest), expected["events"][position.to_string()]["digest"]);
    let last = domain.head().position.get();
    for n in 1..=300 {
        let receipt = domain.append(tick(n)).expect("appends");
        assert_eq!(receipt.events[0].position.get(), last + n);
    }
    domain.restore(&name("order/o-2"), "alice", None).expect("restores what was archived then");
    drop(domain);
    let report = open(dir.path()).verify(None, &mut |_, _| {}).expect("reads").expect("a report");
    assert_eq!(report.findings, Vec::<String>::new());
}

#[test]
#[ignore = "makes the fixture of the current format version anew"]
fn make() {
    let fixture = fixture("v1");
    if fixture.exists() {
        fs::remove_dir_all(&fixture).expect("removes");
    }
    let store = fixture.join("store");
    let domain = open(&store);
    fill(&domain);
    drop(domain);
    // Opened once more, so that the fixture has seen a restart, as a real store has.
    let domain = open(&store);
    let expected = told(&domain);
    drop(domain);
    let text = serde_json::to_string_pretty(&expected).expect("JSON");
    fs::write(fixture.join("expected.json"), text + "\n").expect("writes");
    fs::write(store.join("lock"), "").expect("writes");
}

fn fixture(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version)
}

fn open(dir: &Path) -> Domain {
    let time = AtomicU64::new(1_357_035_300_000_000);
    let clock = Arc::new(move || Micros::new(time.fetch_add(1_000, Ordering::Relaxed)));
    let master = MasterKey::from_hex(MASTER).expect("a key");
    Domain::open(dir, "default".parse().expect("a name"), &master, OpenOptions::new(clock)).expect("opens")
}

/// Everything that the format knows.
fn fill(domain: &Domain) {
    let append = |draft| domain.append(draft).expect("appends");
    append(Draft::one(full("o-1"), "alice"));
    append(keyed());
    let patch = r#"[{"op":"add","path":"/lines/-","value":{"sku":"b","n":2}},{"op":"remove","path":"/note"}]"#;
    append(Draft::one(NewEvent { body_kind: BodyKind::Patch, ..event("o-1", "line_added", patch) }, "bob"));
    let long = format!(r#"{{"text":"{}"}}"#, "all work and no play makes a long body ".repeat(40));
    append(Draft::one(event("o-2", "described", &long), "alice"));
    append(Draft {
        events: vec![event("o-3", "placed", "{}"), full("o-3"), full("o-4")],
        ..Draft::one(full("x"), "é")
    });
    let (mode, priority) = (Some("event-only".to_owned()), Priority::Urgent);
    let both = vec![
        NewRecipient { name: "mailer".into(), ..NewRecipient::default() },
        NewRecipient { name: "bus:1".into(), mode, priority },
    ];
    append(Draft::one(NewEvent { publish: Some(both), ..full("o-1") }, "alice"));
    append(Draft::one(NewEvent { publish: Some(Vec::new()), ..event("o-1", "counted", "{}") }, "alice"));
    for from in (0..TICKS).step_by(90) {
        append(Draft { events: (from..from + 90).flat_map(|n| tick(n).events).collect(), ..tick(0) });
    }
    append(Draft::one(
        event("o-1", "changed", r#"{"lines":null,"total":null,"deep":{"a":{"b":null,"c":[null]}}}"#),
        "a",
    ));
    domain.archive(&name("order/o-2"), "alice", Some("done")).expect("archives");
    domain.archive(&name("order/o-4"), "alice", None).expect("archives");
    domain.restore(&name("order/o-4"), "bob", Some("not yet")).expect("restores");
    let installed = r#"{"version":"1.0.0","config":{}}"#;
    domain.record(&name("$plugin/counter"), "$plugin_installed", installed, "alice").expect("records");
}

fn event(id: &str, event_type: &str, body: &str) -> NewEvent {
    NewEvent::new("order", id, event_type, body)
}

fn full(id: &str) -> NewEvent {
    NewEvent {
        metadata: Some(r#"{ "source": "golden" }"#.into()),
        extensions: Some(r#"{"@trace":"4bf92f35","@n":1.50}"#.into()),
        note: Some("first — of its kind".into()),
        occurred_at: Some("2013-01-01T05:15:00.123456789-05:00".into()),
        ..event(id, "placed", r#"{ "total": "12.50", "big": 9007199254740991, "x": 1e-7, "lines": [], "note": "é😀" }"#)
    }
}

fn keyed() -> Draft {
    let events = vec![event("o-1", "paid", r#"{"paid":true}"#), event("o-2", "placed", r#"{"paid":false}"#)];
    Draft { events, key: Some("payment-17".into()), actor: "alice".into() }
}

fn tick(n: u64) -> Draft {
    Draft::one(NewEvent::new("clock", "c", "tick", &format!(r#"{{"n":{n}}}"#)), "clock")
}

/// What a store tells: every event but the ticks (roots and digests bind them all), every aggregate, roots on both sides
/// of a tile's end.
fn told(domain: &Domain) -> Value {
    let head = domain.head();
    let mut events = serde_json::Map::new();
    for row in domain.scan(Position::new(1)) {
        let event = row.and_then(|sealed| sealed.open()).expect("opens");
        if event.header.event_type.as_str() != "tick" {
            events.insert(event.header.position.to_string(), event_told(&event));
        }
    }
    let page = domain.aggregates(&AggregateQuery {
        limit: 100,
        archived: true,
        system: true,
        states: true,
        ..Default::default()
    });
    let aggregates = page.expect("reads").rows.into_iter().map(|row| {
        let first = domain.state_at(&row.name, Version::new(1)).expect("reads").expect("a version");
        let told = json!({
            "version": row.version, "archived": row.archived, "root": row.root, "state": row.state.expect("asked for").as_str(),
            "first_state": first.as_str(), "created_at": row.created_at, "updated_at": row.updated_at,
            "last_position": row.last_position,
        });
        (row.name.to_string(), told)
    });
    let aggregates: serde_json::Map<_, _> = aggregates.collect();
    let at = [1, 2, 255, 256, 257, head.position.get()];
    let roots = at.map(|at| (at.to_string(), json!(domain.tree_at(Position::new(at)).expect("reads").root())));
    json!({
        "position": head.position, "recorded_at": head.recorded_at, "events": events, "aggregates": aggregates,
        "roots": serde_json::Map::from_iter(roots),
    })
}

fn event_told(event: &Event) -> Value {
    let (header, body) = (&event.header, &event.body);
    let text = |json: &Option<eventdbx_store::Json>| json.as_ref().map(|json| json.as_str().to_owned());
    let recipients = match &header.recipients {
        Recipients::Everyone => Value::Null,
        Recipients::Only(list) => {
            list.iter().map(|it| format!("{} {:?} {:?}", it.name, it.mode, it.priority)).collect()
        }
    };
    json!({
        "aggregate": header.aggregate.to_string(), "number": header.number, "version": header.version,
        "event_id": header.event_id, "event_type": header.event_type, "kind": header.kind as u8,
        "recorded_at": header.recorded_at, "occurred_at": header.occurred_at, "schema_version": header.schema_version,
        "digest": header.digest, "actor": body.actor, "payload": body.payload.as_str(),
        "metadata": text(&body.metadata), "extensions": text(&body.extensions), "note": body.note, "recipients": recipients,
    })
}

fn name(text: &str) -> AggregateRef {
    text.parse().expect("a name")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("lists") {
        let path = entry.expect("lists").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copies");
        }
    }
}
