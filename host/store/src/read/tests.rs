//! Listings over real logs: against an evaluator that holds everything as plain values, and with writers between pages.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    Draft, Filter, MasterKey, NewEvent, OpenOptions, Sort, Subject,
    filter::tests::naive::{self, Naive},
};

mod aggregates;
mod events;
mod times;
mod writers;

const START: u64 = 1_357_035_300_000_000;
/// What the clock of a [`Place`] goes on between two requests, in microseconds.
const STEP: u64 = 1000;

/// A domain in a directory of its own, whose clock steps on with each request.
struct Place {
    domain: Domain,
    _dir: tempfile::TempDir,
}

/// One request of a random log: events of one aggregate, as numbers that stand for names, and what their bodies are.
type Request = (usize, Vec<Written>);

#[derive(Debug, Clone)]
struct Written {
    event_type: &'static str,
    payload: Value,
    metadata: Option<Value>,
    note: Option<&'static str>,
    occurred: Option<u64>,
}

const NAMES: [(&str, &str); 4] = [("order", "o-1"), ("order", "o-10"), ("order", "o-2"), ("invoice", "o-1")];

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(AtomicU64::new(START));
        let clock = Arc::new(move || Micros::new(clock.fetch_add(STEP, Ordering::Relaxed)));
        let options = OpenOptions::new(clock);
        let domain = Domain::open(dir.path(), "default".parse().expect("a name"), &MasterKey::generate(), options);
        Self { domain: domain.expect("opens"), _dir: dir }
    }

    fn with(log: &[Request]) -> Self {
        let place = Self::new();
        log.iter().for_each(|request| place.write(request));
        place
    }

    fn write(&self, (aggregate, events): &Request) {
        let (kind, id) = NAMES[*aggregate];
        let events = events.iter().map(|written| NewEvent {
            metadata: written.metadata.as_ref().map(Value::to_string),
            note: written.note.map(str::to_owned),
            occurred_at: written.occurred.map(|at| Micros::new(START + at * STEP).to_rfc3339()),
            ..NewEvent::new(kind, id, written.event_type, &written.payload.to_string())
        });
        let draft = Draft { events: events.collect(), key: None, actor: "alice".into() };
        self.domain.append(draft).expect("appends");
    }

    /// Every event, as one scan opens them.
    fn all(&self) -> Vec<Event> {
        self.domain.scan(Position::new(1)).map(|row| row.and_then(|row| row.open()).expect("opens")).collect()
    }
}

/// An event as one value.
fn document(event: &Event) -> Value {
    let value = |json: &Option<Json>| json.as_ref().map(|json| serde_json::from_str(json.as_str()).expect("JSON"));
    let (header, body) = (&event.header, &event.body);
    let payload: Value = serde_json::from_str(body.payload.as_str()).expect("JSON");
    let metadata: Option<Value> = value(&body.metadata);
    let extensions: Option<Value> = value(&body.extensions);
    json!({
        "payload": payload, "metadata": metadata, "extensions": extensions, "position": header.position,
        "version": header.version, "schema_version": header.schema_version, "event_type": header.event_type,
        "aggregate_id": header.aggregate.id, "actor": &*body.actor, "note": body.note.as_deref(),
        "recorded_at": header.recorded_at,
    })
}

fn written() -> impl Strategy<Value = Written> {
    let member = prop::sample::select(&["a", "b", "odd \"key"][..]).prop_map(str::to_owned);
    let payload = prop::collection::btree_map(member, naive::value(), 0..4);
    let metadata = prop::option::of(naive::value().prop_map(|value| json!({ "source": value })));
    let note = prop::option::of(prop::sample::select(&["a", "é", "2.5"][..]));
    let event_type = prop::sample::select(&["order_changed", "order_placed"][..]);
    (payload, metadata, note, event_type, prop::option::of(0_u64..20)).prop_map(
        |(payload, metadata, note, event_type, occurred)| Written {
            event_type,
            payload: payload.into_iter().collect(),
            metadata,
            note,
            occurred,
        },
    )
}

fn requests(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Request>> {
    prop::collection::vec((0..NAMES.len(), prop::collection::vec(written(), 1..4)), count)
}

/// How two rows stand in the order of a path, told on plain values.
fn naive_order(path: &str, left: &Value, right: &Value) -> std::cmp::Ordering {
    fn rank(value: &Value) -> u8 {
        match value {
            Value::Null => 0,
            Value::Bool(false) => 1,
            Value::Bool(true) => 2,
            Value::Number(_) => 3,
            Value::String(_) => 4,
            Value::Array(_) | Value::Object(_) => 5,
        }
    }
    let [left, right] = [left, right].map(|row| row.pointer(path).cloned().unwrap_or_default());
    let by_value = || match (&left, &right) {
        (Value::Number(left), Value::Number(right)) => {
            left.as_f64().partial_cmp(&right.as_f64()).expect("JSON has no NaN")
        }
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ if rank(&left) == 5 => {
            crate::canonical_json(&left.to_string()).cmp(&crate::canonical_json(&right.to_string()))
        }
        _ => std::cmp::Ordering::Equal,
    };
    rank(&left).cmp(&rank(&right)).then_with(by_value)
}
