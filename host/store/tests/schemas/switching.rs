//! Switches while others write: each takes effect between two commits.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use eventdbx_store::{
    AppendError, BodyKind, Domain, Draft, EventKind, Lane, Mode, NewEvent, Position, Receipt, SchemaBook, State,
    SubmitError,
};
use serde_json::{Map, Value, json};

use crate::support::{Place, assert_sound, document, kind};

/// Version `n` demands that `v` is `n`, and a member that no other version knows.
fn schema(n: u32) -> Value {
    let mut fields = Map::new();
    fields.insert("v".into(), json!({"type": "integer", "required": true, "enum": [n]}));
    fields.insert(format!("only_{n}"), json!({"type": "integer"}));
    fields.insert("filler".into(), json!({"type": "text"}));
    json!({"aggregate": "order", "additional": true, "fields": fields})
}

/// An event that fits the version which is active, or one that fits none.
fn wish(book: &SchemaBook, writer: usize, n: usize) -> Draft {
    let version = book.active(&kind("order")).map_or(0, |active| active.version);
    let id = format!("o-{}", (writer + n) % 3);
    let payload = match n % 5 {
        // The state has to have the right `v`.
        0 => json!({"filler": "x"}),
        _ => json!({"v": version}),
    };
    let mut event = NewEvent::new("order", &id, "changed", &payload.to_string());
    if n.is_multiple_of(7) {
        let patch = json!([{"op": "add", "path": "/v", "value": version}]);
        event = NewEvent { body_kind: BodyKind::Patch, body: patch.to_string(), ..event };
    }
    let key = n.is_multiple_of(3).then(|| format!("{writer}-{n}"));
    Draft { events: vec![event], key, actor: "alice".into() }
}

/// Whether the answer is one that a writer must expect.
fn expect(answer: &Result<Receipt, AppendError>) {
    match answer {
        Ok(_) | Err(AppendError::Refused(_) | AppendError::Busy(_)) => {}
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn no_event_breaks_the_schema_that_it_records() {
    const WRITERS: usize = 3;
    const EVENTS: usize = 400;
    let place = Place::new();
    let domain = place.open();
    domain.put_schema(document(&schema(1)), "alice", None).expect("writes");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let switcher = scope.spawn(|| switch(&domain, &done));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let domain = &domain;
                scope.spawn(move || {
                    for n in 0..EVENTS {
                        let draft = wish(&domain.schemas(), writer, n);
                        expect(&domain.append(draft));
                    }
                })
            })
            .collect();
        import(&domain, EVENTS);
        writers.into_iter().for_each(|writer| writer.join().expect("writes"));
        done.store(true, Ordering::Relaxed);
        switcher.join().expect("switches");
    });
    assert_history(&domain);
    assert_sound(&domain);
}

/// Switches mode and schema until the writers are done.
fn switch(domain: &Domain, done: &AtomicBool) {
    let (mut n, mut last) = (0_u32, 1);
    while !done.load(Ordering::Relaxed) || n < 40 {
        n += 1;
        let answer = match n % 8 {
            0 => domain.set_mode(Mode::Strict, "bob"),
            1 => domain.set_mode(Mode::Off, "bob"),
            2 => domain.set_mode(Mode::Default, "bob"),
            3 => domain.remove_schema(&kind("order"), "bob"),
            4 | 6 => domain.activate_schema(&kind("order"), 1 + n % last, "bob"),
            _ if last < 200 => domain.put_schema(document(&schema(last + 1)), "bob", None).map(|(version, receipt)| {
                last = version;
                receipt
            }),
            _ => continue,
        };
        expect(&answer);
    }
}

/// Requests in lanes, many in flight at once; one that is turned away breaks its lane.
fn import(domain: &Domain, events: usize) {
    let (sender, receiver) = mpsc::channel();
    let mut lane = Lane::new();
    let order = Arc::new(Mutex::new(Vec::new()));
    for n in 0..events {
        if lane.is_broken() {
            lane = Lane::new();
        }
        let Ok(checked) = domain.check(wish(&domain.schemas(), 9, n)) else { continue };
        let (sender, order) = (sender.clone(), Arc::clone(&order));
        let reply = move |outcome: Result<Receipt, SubmitError>| {
            if let Ok(receipt) = &outcome {
                order.lock().expect("nobody panics").push(receipt.events[0].position);
            }
            drop(sender.send(outcome.map(drop)));
        };
        domain.submit(checked.in_lane(&lane), Box::new(reply));
    }
    drop(sender);
    for outcome in receiver {
        match outcome {
            Ok(()) | Err(SubmitError::Moved(_)) => {}
            Err(SubmitError::Append(error)) => expect(&Err(error)),
        }
    }
    let order = order.lock().expect("nobody panics");
    assert!(order.is_sorted(), "a lane keeps its order");
}

/// Walks the log, keeping book: each event was checked with what held at its place, and follows it.
fn assert_history(domain: &Domain) {
    let book = domain.schemas();
    let (mut mode, mut active) = (Mode::Default, None);
    let mut states = std::collections::HashMap::<String, State>::new();
    let mut checked = 0;
    for row in domain.scan(Position::new(1)) {
        let event = row.and_then(|sealed| sealed.open()).expect("opens");
        let payload: Value = serde_json::from_str(event.body.payload.as_str()).expect("JSON");
        match event.header.event_type.as_str() {
            "$mode_switched" => mode = payload["to"].as_str().expect("a mode").parse().expect("a mode"),
            "$schema_set" | "$schema_activated" => active = payload["version"].as_u64(),
            "$schema_removed" => active = None,
            "changed" => {
                let expected = if mode == Mode::Off { 0 } else { active.unwrap_or(0) };
                assert!(mode != Mode::Strict || active.is_some(), "position {}", event.header.position);
                let version = event.header.schema_version;
                assert_eq!(u64::from(version), expected, "position {}", event.header.position);
                let name = event.header.aggregate.to_string();
                let before = states.remove(&name).unwrap_or_default();
                let after = before.clone().fold(&event).expect("folds");
                if let Some(stored) = book.version(&kind("order"), version) {
                    let members = |state: &State| match serde_json::from_str(state.to_json().as_str()) {
                        Ok(Value::Object(members)) => members,
                        _ => panic!("no object"),
                    };
                    let mut found = Vec::new();
                    match event.header.kind {
                        EventKind::Patch => {
                            stored.schema.check_patch("changed", &payload, &members(&after), &mut found)
                        }
                        _ => stored.schema.check_payload("changed", payload.as_object().expect("one"), &mut found),
                    }
                    stored.schema.check_required(&[&members(&after)], &mut found);
                    assert_eq!(found, [], "position {}", event.header.position);
                    checked += 1;
                }
                states.insert(name, after);
            }
            _ => {}
        }
    }
    assert!(checked > 50, "only {checked} events were checked");
}
