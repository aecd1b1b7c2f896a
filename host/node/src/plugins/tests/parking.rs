//! Events that fail: found, parked with their aggregate, retried, discarded.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use eventdbx_sandbox::{Batch, Handled, Host, Outcome};
use eventdbx_store::{AggregateNumber, Position};

use super::world::{Reaction, World, crashed, failure, ledger, poisoned, recorder, run};
use crate::plugins::{
    FieldList, PayloadMode, PluginLimits,
    parking::Edited,
    selection::Selection,
    slice::ModeMap,
    track::{Purpose, Track},
};

/// A ledger that fails on events whose payload says so, as long as it is not mended.
struct Brittle {
    mended: AtomicBool,
    fails: fn(usize) -> Outcome<Handled>,
}

impl Brittle {
    fn new(fails: fn(usize) -> Outcome<Handled>) -> Arc<Self> {
        Arc::new(Self { mended: AtomicBool::new(false), fails })
    }

    fn guest(self: &Arc<Self>) -> Arc<Reaction> {
        let own = Arc::clone(self);
        Arc::new(move |batch: &Batch<'_>, host: &mut dyn Host| {
            let bad = batch.items.iter().position(|item| item.payload.is_some_and(|text| text.contains("bad")));
            match bad {
                Some(index) if !own.mended.load(Ordering::Relaxed) => (own.fails)(index),
                _ => ledger(batch, host),
            }
        })
    }
}

/// 200 events of ten aggregates; those of t3 from version 5 on are bad, and one of t7.
fn world(limits: PluginLimits) -> World {
    let world = World::new(limits);
    for n in 0..200 {
        let (aggregate, version) = (n % 10, n / 10 + 1);
        let bad = (aggregate == 3 && version >= 5) || (aggregate == 7 && version == 20);
        let payload = if bad { r#"{"bad":true}"# } else { "{}" };
        world.append(&format!("thing/t{aggregate}"), "thing_changed", payload);
    }
    world.fed();
    world
}

fn number_of(track: &Track, id: &str) -> AggregateNumber {
    *track.parked.iter().find(|(_, row)| row.aggregate.id.as_str() == id).unwrap().0
}

fn versions(from: u64, to: u64) -> String {
    (from..=to).map(|version| format!(" {version}")).collect()
}

#[test]
fn a_bad_event_parks_its_aggregate_and_nothing_else() {
    for fails in [|_| crashed(), poisoned as fn(usize) -> Outcome<Handled>] {
        let world = world(PluginLimits::default());
        let generation = world.generation();
        let mut track = world.track(generation, PayloadMode::EventOnly, &Brittle::new(fails).guest());
        run(&mut track);
        assert_eq!(track.stopped, None);
        assert_eq!(track.cursor.position, Position::new(200));
        assert_eq!(track.parked.len(), 2);
        let row = &track.parked[&number_of(&track, "t3")];
        assert_eq!((row.position.get(), row.version.get(), row.attempts), (44, 5, 3));
        let rows = world.rows(generation);
        assert_eq!(rows["versions t3"], versions(1, 4));
        assert_eq!(rows["versions t7"], versions(1, 19));
        assert_eq!(rows["versions t4"], versions(1, 20));
        assert!(rows.iter().filter(|(key, _)| key.starts_with("times")).all(|(_, times)| times == "1"));
        let counters = world.services.db.cursor(generation).unwrap().unwrap().counters;
        assert_eq!((counters.deliveries, counters.left_out), (200 - 16 - 1, 15));
    }
}

#[test]
fn what_is_parked_stays_parked_over_a_restart() {
    let world = world(PluginLimits::default());
    let (generation, brittle) = (world.generation(), Brittle::new(|_| crashed()));
    run(&mut world.track(generation, PayloadMode::EventOnly, &brittle.guest()));
    world.append("thing/t3", "thing_changed", "{}");
    world.fed();
    let mut track = world.track(generation, PayloadMode::EventOnly, &brittle.guest());
    run(&mut track);
    assert_eq!(track.parked.len(), 2);
    assert_eq!(world.rows(generation)["versions t3"], versions(1, 4));
}

#[test]
fn a_retry_delivers_the_stretch_in_order_and_goes_on_live() {
    // Batches smaller than the stretch: it is committed in parts.
    let world = world(PluginLimits { batch_items: 5, ..PluginLimits::default() });
    let (generation, brittle) = (world.generation(), Brittle::new(|_| crashed()));
    let mut track = world.track(generation, PayloadMode::EventOnly, &brittle.guest());
    run(&mut track);
    let number = number_of(&track, "t3");
    assert!(!track.retry_parked(number).unwrap(), "it is still bad");
    assert_eq!(track.parked[&number].attempts, 4);

    brittle.mended.store(true, Ordering::Relaxed);
    assert!(track.retry_parked(number).unwrap());
    assert!(!track.parked.contains_key(&number));
    assert_eq!(world.services.db.parked(generation).unwrap().len(), 1);
    world.append("thing/t3", "thing_changed", "{}");
    world.fed();
    run(&mut track);
    let rows = world.rows(generation);
    assert_eq!(rows["versions t3"], versions(1, 21));
    assert!(rows.iter().filter(|(key, _)| key.starts_with("times")).all(|(_, times)| times == "1"));
}

#[test]
fn an_event_is_delivered_with_the_payload_that_an_operator_gave_it_and_the_log_keeps_its_own() {
    let world = World::new(PluginLimits { batch_items: 5, ..PluginLimits::default() });
    for n in 0..30 {
        let payload = if n == 7 { r#"{"bad":true,"n":7}"# } else { "{}" };
        world.append("thing/t", "thing_changed", payload);
    }
    world.fed();
    let generation = world.generation();
    let mut track = world.track(generation, PayloadMode::All, &Brittle::new(|_| crashed()).guest());
    run(&mut track);
    let number = number_of(&track, "t");
    let edited = Edited { position: Position::new(8), payload: r#"{"good": 1.0}"#.to_owned() };
    track.edit_parked(number, edited).unwrap();
    drop(track);

    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let guest: Arc<Reaction> = Arc::new(move |batch: &Batch<'_>, host: &mut dyn Host| {
        let items = batch.items.iter().filter(|item| item.position == 8);
        kept.lock()
            .unwrap()
            .extend(items.map(|item| (item.payload.unwrap().to_owned(), item.state.unwrap().to_owned())));
        ledger(batch, host)
    });
    let mut track = world.track(generation, PayloadMode::All, &guest);
    assert!(track.retry_parked(number).unwrap(), "it is kept over a restart");
    let expected = (r#"{"good": 1.0}"#.to_owned(), r#"{"bad":true,"n":7}"#.to_owned());
    assert_eq!(*seen.lock().unwrap(), [expected], "byte for byte, and the state is that of the log");
    assert_eq!(world.rows(generation)["versions t"], versions(1, 30));
    let event = world.domain.scan(Position::new(8)).next().unwrap().unwrap().open().unwrap();
    assert_eq!(event.body.payload.as_str(), r#"{"bad":true,"n":7}"#);
}

#[test]
fn what_a_plugin_may_not_see_is_cut_out_of_an_edited_payload_too() {
    let world = World::new(PluginLimits::default());
    world.append("thing/t", "thing_changed", r#"{"bad":true}"#);
    world.append("thing/u", "thing_changed", "{}");
    world.fed();
    let generation = world.generation();
    let mut track = world.track(generation, PayloadMode::EventOnly, &Brittle::new(|_| crashed()).guest());
    run(&mut track);
    let number = number_of(&track, "t");
    let edited = Edited { position: Position::new(1), payload: r#"{"ssn":"4711","good":1}"#.to_owned() };
    track.edit_parked(number, edited).unwrap();
    drop(track);

    let (guest, seen) = recorder();
    let mut program = world.program(&guest);
    let fields = FieldList { exclude: vec!["/ssn".to_owned()], ..FieldList::default() };
    let selection = Selection { fields, ..Selection::default() };
    program.selector = program.selector.narrowed(&selection, &ModeMap::new()).unwrap();
    let (services, purpose) = (Arc::clone(&world.services), Purpose::Live);
    let track = Track::open(services, Arc::new(program), generation, purpose, PayloadMode::EventOnly);
    let mut track = track.unwrap().unwrap();
    assert!(track.retry_parked(number).unwrap());
    let seen = seen.lock().unwrap().join(" ");
    assert!(seen.contains("good") && !seen.contains("4711"), "{seen}");
}

#[test]
fn a_retry_that_fails_half_way_keeps_the_rest_parked() {
    let world = World::new(PluginLimits::default());
    for n in 0..30 {
        let payload = if n == 20 || n == 3 { r#"{"bad":true}"# } else { "{}" };
        world.append("thing/t", "thing_changed", payload);
    }
    world.fed();
    // Bad at first; then only version 21 stays bad.
    let first = Arc::new(AtomicBool::new(true));
    let told = Arc::clone(&first);
    let guest: Arc<Reaction> = Arc::new(move |batch: &Batch<'_>, host: &mut dyn Host| {
        let least = if told.load(Ordering::Relaxed) { 1 } else { 10 };
        let bad = |item: &eventdbx_sandbox::Delivery<'_>| {
            item.version >= least && item.payload.is_some_and(|text| text.contains("bad"))
        };
        if batch.items.iter().any(bad) { crashed() } else { ledger(batch, host) }
    });
    let generation = world.generation();
    let mut track = world.track(generation, PayloadMode::EventOnly, &guest);
    run(&mut track);
    let number = number_of(&track, "t");
    assert_eq!(track.parked[&number].version.get(), 4);
    first.store(false, Ordering::Relaxed);
    assert!(!track.retry_parked(number).unwrap());
    assert_eq!(track.parked[&number].version.get(), 21);
    assert_eq!(world.rows(generation)["versions t"], versions(1, 20));
    let reopened = world.track(generation, PayloadMode::EventOnly, &guest);
    assert_eq!(reopened.parked, track.parked);
}

#[test]
fn discarding_gives_the_stretch_up_and_goes_on_with_later_events() {
    let world = world(PluginLimits::default());
    let (generation, brittle) = (world.generation(), Brittle::new(|_| crashed()));
    let mut track = world.track(generation, PayloadMode::EventOnly, &brittle.guest());
    run(&mut track);
    track.discard_parked(number_of(&track, "t3")).unwrap();
    world.append("thing/t3", "thing_changed", "{}");
    world.fed();
    run(&mut track);
    assert_eq!(world.rows(generation)["versions t3"], format!("{} 21", versions(1, 4)));
}

#[test]
fn too_many_parked_aggregates_stop_the_plugin() {
    let world = World::new(PluginLimits { parked: 2, ..PluginLimits::default() });
    for n in 0..60 {
        // A good one between two bad ones: it is the events that are bad, not the plugin.
        let payload = if n % 2 == 0 { r#"{"bad":true}"# } else { "{}" };
        world.append(&format!("thing/t{n}"), "thing_changed", payload);
    }
    world.fed();
    let mut track = world.track(world.generation(), PayloadMode::EventOnly, &Brittle::new(poisoned).guest());
    run(&mut track);
    assert_eq!(track.parked.len(), 2);
    assert_eq!(track.cursor.position, Position::new(4));
    assert!(track.stopped.unwrap().contains("`parked`"));
}

#[test]
fn a_plugin_that_fails_on_everything_is_stopped() {
    let world = World::new(PluginLimits::default());
    world.append_many(60, 60);
    let guest: Arc<Reaction> = Arc::new(|_: &Batch<'_>, _: &mut dyn Host| crashed());
    let mut track = world.track(world.generation(), PayloadMode::EventOnly, &guest);
    run(&mut track);
    assert!(track.stopped.unwrap().contains("one event after the other"));
    assert_eq!(track.parked.len(), 5);
}

#[test]
fn fatal_stops_at_once() {
    let world = World::new(PluginLimits::default());
    world.append_many(3, 3);
    let guest: Arc<Reaction> = Arc::new(|_: &Batch<'_>, _: &mut dyn Host| Outcome::Fatal(failure("no-more")));
    let mut track = world.track(world.generation(), PayloadMode::EventOnly, &guest);
    run(&mut track);
    assert!(track.stopped.unwrap().contains("because of no-more"));
    assert!(track.parked.is_empty());
}

#[test]
fn a_retry_brings_the_same_batch_with_its_attempt() {
    let world = World::new(PluginLimits::default());
    world.append_many(10, 3);
    let attempts = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&attempts);
    let guest: Arc<Reaction> = Arc::new(move |batch: &Batch<'_>, host: &mut dyn Host| {
        assert_eq!(batch.attempt, seen.fetch_add(1, Ordering::Relaxed) + 1);
        assert_eq!(batch.items.len(), 10);
        if batch.attempt < 4 {
            Outcome::Retry { failure: failure("later"), after: None, done: 0 }
        } else {
            ledger(batch, host)
        }
    });
    let generation = world.generation();
    let mut track = world.track(generation, PayloadMode::EventOnly, &guest);
    assert!(matches!(track.step(), crate::plugins::track::Step::Wait(_)));
    // What is committed meanwhile does not join a batch that comes again.
    world.append_many(5, 3);
    while track.cursor.position < Position::new(10) {
        track.end_pause();
        track.step();
    }
    assert_eq!(attempts.load(Ordering::Relaxed), 4);
    let counters = world.services.db.cursor(generation).unwrap().unwrap().counters;
    assert_eq!((counters.retries, counters.traps), (3, 0));
}
