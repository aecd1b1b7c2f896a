//! Old events reach a plugin in today's shape, or not at all; and nothing of them that it may not see.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use eventdbx_sandbox::{Batch, Host};
use eventdbx_store::{
    Position, SchemaDocument,
    schema::{
        ExtensionFailure, Extensions, Judgement, Known, Objection, OldEvent, Params, ProposedEvent, Provided, Provider,
        TypedValue,
    },
};
use serde_json::Value;

use super::world::{Reaction, World, descriptor, done, run};
use crate::plugins::{
    FieldList, PayloadMode, PluginLimits,
    selection::Selection,
    selector::Selector,
    slice::ModeMap,
    track::{Purpose, Step, Track},
};

const CANARY: &str = "CANARY-4711";

/// Brings the upcaster `cents`: `fare` becomes `fare_cents`, and whatever else is there is told in `all`.
struct Cents {
    broken: AtomicBool,
    /// All that it was handed, by crossing.
    handed: Mutex<Vec<Vec<String>>>,
    provided: Arc<Provided>,
}

impl Extensions for Cents {
    fn provided(&self) -> Arc<Provided> {
        Arc::clone(&self.provided)
    }

    fn judge(&self, _: &[TypedValue<'_>], _: &[ProposedEvent<'_>]) -> Result<Judgement, ExtensionFailure> {
        unreachable!("no schema here leaves values or events to it")
    }

    fn judge_params(&self, params: &[Params<'_>]) -> Result<Vec<Vec<Objection>>, ExtensionFailure> {
        Ok(params.iter().map(|_| Vec::new()).collect())
    }

    fn upcast(&self, events: &[OldEvent<'_>]) -> Result<Vec<Result<String, Objection>>, ExtensionFailure> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(ExtensionFailure { extension: "money".into(), reason: "it ran out of fuel".into() });
        }
        self.handed.lock().unwrap().push(events.iter().map(|event| event.payload.clone()).collect());
        let cents = |event: &OldEvent<'_>| {
            let mut payload: Value = serde_json::from_str(&event.payload).unwrap();
            let members = payload.as_object_mut().unwrap();
            let fare = members.remove("fare").unwrap_or_default().as_i64().unwrap_or(0);
            members.insert("all".to_owned(), Value::from(event.payload.as_str()));
            members.insert("fare_cents".to_owned(), Value::from(fare * 100));
            Ok(payload.to_string())
        };
        Ok(events.iter().map(cents).collect())
    }
}

/// Two events of the first version and one of the second, whose schema gives them its shape.
fn fill(world: &World) -> Arc<Cents> {
    let provider = Provider { plugin: "money".into(), version: "1.0.0".into(), component: "c0ffee".into() };
    let provided = Provided { upcasters: [("cents".to_owned(), provider)].into(), ..Provided::default() };
    let cents = Cents { broken: AtomicBool::new(false), handed: Mutex::default(), provided: Arc::new(provided) };
    let cents = Arc::new(cents);
    world.domain.extend(Arc::clone(&cents) as Arc<dyn Extensions>);
    let schema = |text: &str| {
        let document = SchemaDocument::parse_knowing(text, Known::Provided(&cents.provided)).unwrap();
        world.domain.put_schema(document, "tester", None).unwrap();
    };
    schema(r#"{"aggregate": "flight", "additional": true, "note": "dollars"}"#);
    world.append("flight/a", "booked", &format!(r#"{{"fare":12,"ssn":"{CANARY}"}}"#));
    world.append("flight/b", "booked", r#"{"fare":7}"#);
    schema(
        r#"{"aggregate": "flight", "additional": true, "note": "cents",
            "upcasts": [{"from": 1, "rename": {"/seat": "/place"}, "upcaster": "cents"}]}"#,
    );
    world.append("flight/b", "booked", r#"{"fare_cents":5}"#);
    world.fed();
    cents
}

/// A track of a guest that keeps all that it is handed, and what that is.
fn recorder(world: &World, fields: FieldList) -> (Track, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let guest: Arc<Reaction> = Arc::new(move |batch: &Batch<'_>, _: &mut dyn Host| {
        for item in batch.items {
            let schema = item.schema.map(|index| batch.schemas[index as usize].document.contains("cents"));
            let digest = item.envelope.as_ref().map(|envelope| envelope.digest.to_vec());
            kept.lock().unwrap().push(format!("{:?} {:?} {schema:?} {digest:?}", item.payload, item.state));
        }
        done(BTreeMap::new())
    });
    let mut program = world.program(&guest);
    let selection = Selection { fields, ..Selection::default() };
    let selector = Selector::new(&descriptor().selector, &["flight".to_owned()], &[]).unwrap();
    program.selector = selector.narrowed(&selection, &ModeMap::new()).unwrap();
    let (services, generation) = (Arc::clone(&world.services), world.generation());
    let track = Track::open(services, Arc::new(program), generation, Purpose::Live, PayloadMode::All).unwrap().unwrap();
    (track, seen)
}

#[test]
fn a_batch_is_upcast_in_one_crossing_and_the_state_stays_as_it_was_written() {
    let world = World::new(PluginLimits::default());
    let cents = fill(&world);
    let (mut track, seen) = recorder(&world, FieldList::default());
    run(&mut track);
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 3);
    assert!(seen[0].contains(r#"\"fare_cents\":1200"#) && seen[1].contains(r#"\"fare_cents\":700"#), "{seen:?}");
    assert!(seen[1].contains(r#"Some("{\"fare\":7}")"#), "the state is folded from what was written: {seen:?}");
    assert!(seen.iter().all(|item| item.contains("Some(true)")), "each with the schema whose shape it has: {seen:?}");
    assert!(seen[2].starts_with(r#"Some("{\"fare_cents\":5}")"#), "today's events are as they are: {seen:?}");
    let digests = world.domain.scan(Position::new(1)).map(Result::unwrap);
    let digests: Vec<_> = digests
        .filter(|event| event.header.aggregate.kind.as_str() == "flight")
        .map(|event| event.header.digest)
        .collect();
    for (item, digest) in seen.iter().zip(&digests) {
        assert!(item.ends_with(&format!("{:?}", Some(digest.0.to_vec()))), "the digest is that of what was written");
    }
    assert_eq!(cents.handed.lock().unwrap().iter().map(Vec::len).collect::<Vec<_>>(), [2]);
}

#[test]
fn what_is_excluded_reaches_neither_the_extension_nor_by_its_work_the_plugin() {
    let world = World::new(PluginLimits::default());
    let cents = fill(&world);
    let list = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let fields = FieldList { include: Vec::new(), exclude: list(&["/ssn", "/fare_cents"]) };
    let (mut track, seen) = recorder(&world, fields);
    run(&mut track);
    let handed = format!("{:?}", cents.handed.lock().unwrap());
    assert!(!handed.contains(CANARY) && handed.contains("fare"), "{handed}");
    let told = seen.lock().unwrap().concat();
    assert!(!told.contains(CANARY) && !told.contains("fare_cents"), "{told}");

    // What is included is meant by the names of today: the extension sees the old ones, the plugin does not.
    let (mut track, seen) = recorder(&world, FieldList { include: list(&["/fare_cents"]), exclude: Vec::new() });
    run(&mut track);
    let told = seen.lock().unwrap().concat();
    assert!(told.contains(r#"{\"fare_cents\":1200}"#) && !told.contains(CANARY), "{told}");
}

#[test]
fn an_upcaster_that_fails_holds_the_plugin_up_and_does_not_stop_it() {
    let world = World::new(PluginLimits::default());
    let cents = fill(&world);
    cents.broken.store(true, Ordering::Relaxed);
    let (mut track, seen) = recorder(&world, FieldList::default());
    for _ in 0..20 {
        assert!(matches!(track.step(), Step::Wait(_)), "{:?}", track.stopped);
        assert!(track.is_retrying());
        track.end_pause();
    }
    let told = track.last_error.clone().unwrap();
    assert!(told.contains("the extension money") && told.contains("out of fuel"), "{told}");
    assert!(seen.lock().unwrap().is_empty(), "nothing is passed off for another shape");
    cents.broken.store(false, Ordering::Relaxed);
    run(&mut track);
    assert_eq!(seen.lock().unwrap().len(), 3);
    assert!(!track.is_retrying());
}
