//! What a delivery carries: exactly what its mode names, and the state right after its event.

use std::{collections::HashMap, sync::Arc};

use eventdbx_sandbox::{Batch, Host};
use serde_json::{Map, Value};

use super::world::{Reaction, World, done, recorder, run};
use crate::plugins::{PayloadMode, PluginLimits};

/// What one event is delivered as.
fn delivered(world: &World, mode: PayloadMode) -> String {
    let (guest, seen) = recorder();
    run(&mut world.track(world.generation(), mode, &guest));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    seen[0].clone()
}

#[test]
fn every_mode_carries_exactly_its_parts() {
    let world = World::new(PluginLimits::default());
    world.append("thing/t", "thing_made", r#"{ "b": 1.50, "a": "x" }"#);
    world.fed();
    let event = &world.domain.scan(eventdbx_store::Position::new(1)).next().unwrap().unwrap().open().unwrap();
    let (header, digest) = (&event.header, event.header.digest.0);
    let identity = format!(
        "position: 1, event_id: {:?}, aggregate_type: \"thing\", aggregate_id: \"t\", version: 1, event_type: \
         \"thing_made\", recorded_at_ms: {}, occurred_at: Some(\"2013-01-01T05:17:00-05:00\")",
        header.event_id.to_string(),
        header.recorded_at.get() / 1000,
    );
    let payload = format!("payload: {:?}", Some(r#"{ "b": 1.50, "a": "x" }"#));
    let state = format!("state: {:?}", Some(r#"{"a":"x","b":1.5}"#));
    let envelope = format!(
        "envelope: Some(Envelope {{ actor: Some(\"tester\"), note: Some(\"a note\"), metadata: {:?}, digest: {digest:?} }})",
        Some(r#"{"source":"test"}"#),
    );
    let extensions = format!("extensions: {:?}", Some(r#"{"@trace":"t-1"}"#));
    let (no_payload, no_state) = ("payload: None".to_owned(), "state: None".to_owned());
    let (no_envelope, no_extensions) = ("envelope: None".to_owned(), "extensions: None".to_owned());
    for (mode, payload, state, envelope, extensions) in [
        (PayloadMode::All, &payload, &state, &envelope, &extensions),
        (PayloadMode::EventOnly, &payload, &no_state, &envelope, &extensions),
        (PayloadMode::EventAndSchema, &payload, &no_state, &envelope, &extensions),
        (PayloadMode::StateOnly, &no_payload, &state, &no_envelope, &no_extensions),
        (PayloadMode::SchemaOnly, &no_payload, &no_state, &no_envelope, &no_extensions),
        (PayloadMode::ExtensionsOnly, &no_payload, &no_state, &envelope, &extensions),
    ] {
        let expected = format!("Delivery {{ {identity}, {payload}, {state}, schema: None, {envelope}, {extensions} }}");
        assert_eq!(delivered(&world, mode), expected, "{mode}");
    }
}

#[test]
fn a_delivery_names_the_schema_that_its_event_was_checked_with() {
    let world = World::new(PluginLimits::default());
    let document = |fields: &str| {
        let text = format!(r#"{{"aggregate":"thing","additional":true,"fields":{{{fields}}}}}"#);
        eventdbx_store::SchemaDocument::parse(&text).unwrap()
    };
    world.append("thing/t", "thing_made", "{}");
    world.domain.put_schema(document(""), "tester", None).unwrap();
    world.append("thing/t", "thing_changed", "{}");
    world.append("thing/u", "thing_made", "{}");
    world.domain.put_schema(document(r#""n":{"type":"integer"}"#), "tester", None).unwrap();
    world.append("thing/t", "thing_changed", r#"{"n":1}"#);
    world.append("other/o", "other_made", "{}");
    world.fed();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    for mode in [PayloadMode::SchemaOnly, PayloadMode::EventOnly] {
        let kept = Arc::clone(&seen);
        let guest: Arc<Reaction> = Arc::new(move |batch: &Batch<'_>, _: &mut dyn Host| {
            let named = |item: &eventdbx_sandbox::Delivery<'_>| {
                let schema = item.schema.map(|place| &batch.schemas[place as usize]);
                schema.map(|schema| (schema.schema_version, schema.document.contains("integer")))
            };
            kept.lock().unwrap().push((batch.schemas.len(), batch.items.iter().map(named).collect::<Vec<_>>()));
            done(std::collections::BTreeMap::new())
        });
        run(&mut world.track(world.generation(), mode, &guest));
    }
    let (first, second) = (Some((1, false)), Some((2, true)));
    assert_eq!(*seen.lock().unwrap(), [(2, vec![None, first, first, second, None]), (0, vec![None; 5])]);
}

#[test]
fn our_own_events_are_not_delivered_unasked() {
    let world = World::new(PluginLimits::default());
    world.append("thing/t", "thing_made", "{}");
    world.domain.archive(&"thing/t".parse().unwrap(), "tester", None).unwrap();
    world.fed();
    let (guest, seen) = recorder();
    let mut track = world.track(world.generation(), PayloadMode::All, &guest);
    run(&mut track);
    assert_eq!(seen.lock().unwrap().len(), 1);
    assert_eq!(track.cursor.position, world.domain.head().position, "the cursor counts what was scanned");
}

/// A guest that compares every state that it is given with a fold of its own.
fn folding() -> Arc<Reaction> {
    let states = std::sync::Mutex::new(HashMap::<String, Value>::new());
    Arc::new(move |batch: &Batch<'_>, _: &mut dyn Host| {
        let mut states = states.lock().unwrap();
        for item in batch.items {
            let state = states.entry(item.aggregate_id.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            merge(state, &serde_json::from_str(item.payload.unwrap()).unwrap());
            let given: Value = serde_json::from_str(item.state.unwrap()).unwrap();
            assert_eq!(&given, state, "{}/{}", item.aggregate_id, item.version);
        }
        done(std::collections::BTreeMap::new())
    })
}

/// Merge-patch as RFC 7396 words it.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { unreachable!() };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Some aggregates with members that come, go and nest.
fn write_history(world: &World, events: u64, aggregates: u64) {
    for n in 0..events {
        let payload = match n % 5 {
            0 => format!("{{\"n\":{n}}}"),
            1 => format!("{{\"nested\":{{\"at\":{n},\"keep\":{{\"k{}\":true}}}}}}", n % 7),
            2 => "{\"nested\":{\"at\":null}}".to_owned(),
            3 => format!("{{\"list\":[{n},null]}}"),
            _ => "{\"n\":null,\"gone\":null}".to_owned(),
        };
        world.append(&format!("thing/t{}", (n * n + n) % aggregates), "thing_changed", &payload);
    }
    world.fed();
}

#[test]
fn states_are_those_after_their_events_however_little_memory_there_is() {
    for state_cache_bytes in [0, 5_000, 1 << 20] {
        let world = World::new(PluginLimits { state_cache_bytes, batch_items: 16, ..PluginLimits::default() });
        write_history(&world, 400, 23);
        // Three passes at different places, which share what was folded: none may disturb another.
        let (guests, generations) = ([folding(), folding(), folding()], [(); 3].map(|()| world.generation()));
        let mut tracks = [0, 1, 2].map(|n| world.track(generations[n], PayloadMode::All, &guests[n]));
        for round in 0..400 {
            for (place, track) in (0..).zip(&mut tracks) {
                if round >= 5 * place {
                    track.step();
                }
            }
        }
        for track in &tracks {
            assert_eq!(track.cursor.position, world.domain.head().position);
            assert_eq!(track.stopped, None);
        }
        let event = world.domain.scan(eventdbx_store::Position::new(1)).next().unwrap().unwrap();
        let (number, last) = (event.header.number, eventdbx_store::Version::new(u64::MAX));
        let aside = world.services.db.nearest_state(number, last).unwrap();
        assert_eq!(aside.is_some(), state_cache_bytes < 1 << 20, "with {state_cache_bytes} bytes of memory");
    }
}

#[test]
fn a_state_is_reached_from_a_gap() {
    // A plugin that sees every fifth event only asks for states that nobody folded up to.
    let world = World::new(PluginLimits::default());
    for n in 1..=50 {
        let event_type = if n % 5 == 0 { "thing_counted" } else { "thing_changed" };
        world.append("thing/t", event_type, &format!("{{\"n\":{n},\"k{n}\":1}}"));
    }
    world.fed();
    let states = &world.services.states;
    for row in world.domain.scan(eventdbx_store::Position::new(1)) {
        let event = row.unwrap().open().unwrap();
        if event.header.event_type.as_str() == "thing_counted" {
            let expected = world.domain.state_at(&event.header.aggregate, event.header.version).unwrap().unwrap();
            assert_eq!(states.after(&event).unwrap(), expected);
        }
    }
}

#[test]
fn the_same_log_is_delivered_the_same_way_each_time() {
    let world = World::new(PluginLimits::default());
    write_history(&world, 200, 9);
    let pass = || {
        let (guest, seen) = recorder();
        run(&mut world.track(world.generation(), PayloadMode::All, &guest));
        seen.lock().unwrap().clone()
    };
    assert_eq!(pass(), pass());
}

#[test]
fn what_is_in_memory_and_what_is_read_from_the_log_are_delivered_alike() {
    let seen = [0, 16 << 20].map(|recent_bytes| {
        let world =
            World::new(PluginLimits { recent_bytes, page_cache_bytes: recent_bytes, ..PluginLimits::default() });
        world.services.feed.join();
        write_history(&world, 1200, 9);
        let (guest, seen) = recorder();
        run(&mut world.track(world.generation(), PayloadMode::StateOnly, &guest));
        let seen = seen.lock().unwrap();
        // Ids and times differ between two domains.
        let end = |text: &String| text.split("payload").last().map(str::to_owned);
        seen.iter().map(end).collect::<Vec<_>>()
    });
    assert_eq!(seen[0].len(), 1200);
    assert_eq!(seen[0], seen[1]);
}
