//! Events that name who gets them: live, in catch-up, in a replay and from the queue, nobody else ever sees them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use eventdbx_sandbox::{Batch, Host};
use eventdbx_store::{AggregateRef, Draft, NewEvent, NewRecipient, Position, Version};

use super::world::{Reaction, World, descriptor, done, poisoned, run};
use crate::plugins::{
    PayloadMode, PluginLimits,
    selector::Selector,
    source::Selection,
    track::{Purpose, Track},
};

fn to(name: &str) -> NewRecipient {
    NewRecipient { name: name.to_owned(), ..NewRecipient::default() }
}

fn publish(world: &World, id: &str, publish: Option<Vec<NewRecipient>>) -> Position {
    let event = NewEvent { publish, ..NewEvent::new("thing", id, "made", r#"{"secret":"CANARY","n":1}"#) };
    world.domain.append(Draft::one(event, "tester")).unwrap().events[0].position
}

/// To all, to nobody, to `mailer`, to `mailer` and `bus`, and to all again: positions 1 to 5.
fn fill(world: &World) {
    publish(world, "a", None);
    publish(world, "a", Some(vec![]));
    publish(world, "a", Some(vec![to("mailer")]));
    publish(world, "b", Some(vec![to("mailer"), to("bus")]));
    publish(world, "a", None);
    world.fed();
}

/// Positions, and what is delivered of each, as text.
type Seen = Arc<Mutex<Vec<(u64, String)>>>;

fn recorder(poison: Option<u64>) -> (Arc<Reaction>, Seen) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let reaction = move |batch: &Batch<'_>, _: &mut dyn Host| {
        if let Some(index) = batch.items.iter().position(|item| Some(item.position) == poison) {
            return poisoned(index);
        }
        kept.lock().unwrap().extend(batch.items.iter().map(|item| (item.position, format!("{item:?}"))));
        done(BTreeMap::new())
    };
    (Arc::new(reaction), seen)
}

fn track(world: &World, name: &str, purpose: Purpose, guest: &Arc<Reaction>) -> Track {
    let mut program = world.program(guest);
    program.selector = Selector::new(&descriptor().selector, &[], &[]).unwrap().named(name);
    let (services, generation) = (Arc::clone(&world.services), world.generation());
    Track::open(services, Arc::new(program), generation, purpose, PayloadMode::All).unwrap().unwrap()
}

fn positions(seen: &Seen) -> Vec<u64> {
    seen.lock().unwrap().iter().map(|(position, _)| *position).collect()
}

#[test]
fn an_event_reaches_those_alone_whom_it_names() {
    // With room for no recent event, everything is read from the log.
    for recent_bytes in [0, 1 << 20] {
        let world = World::new(PluginLimits { recent_bytes, ..PluginLimits::default() });
        for purpose in [Purpose::Live, Purpose::Rebuild] {
            fill(&world);
            for (name, expected) in [("mailer", &[1, 3, 4, 5][..]), ("bus", &[1, 4, 5]), ("other", &[1, 5])] {
                let (guest, seen) = recorder(None);
                let mut track = track(&world, name, purpose, &guest);
                run(&mut track);
                let first: Vec<_> = positions(&seen).into_iter().filter(|position| *position <= 5).collect();
                assert_eq!(first, expected, "{name}, {purpose:?}, {recent_bytes}");
                assert_eq!(track.cursor.position, world.domain.head().position, "what is passed by is done with");
            }
        }
    }
}

#[test]
fn an_event_that_goes_to_nobody_is_in_the_state_all_the_same() {
    let world = World::new(PluginLimits::default());
    publish(&world, "a", Some(vec![]));
    publish(&world, "a", None);
    world.fed();
    let (guest, seen) = recorder(None);
    run(&mut track(&world, "any", Purpose::Live, &guest));
    let seen = seen.lock().unwrap();
    assert_eq!((seen.len(), seen[0].0), (1, 2));
    assert!(seen[0].1.contains("version: 2") && seen[0].1.contains("secret"), "{}", seen[0].1);
}

#[test]
fn the_writer_narrows_what_a_recipient_gets_and_never_widens_it() {
    let world = World::new(PluginLimits::default());
    let mode = |mode: &str| Some(vec![NewRecipient { mode: Some(mode.to_owned()), ..to("mailer") }]);
    publish(&world, "a", mode("extensions-only"));
    publish(&world, "a", mode("all"));
    publish(&world, "a", mode("no-such-mode"));
    publish(&world, "a", None);
    world.fed();
    let (guest, seen) = recorder(None);
    run(&mut track(&world, "mailer", Purpose::Live, &guest));
    let shown: Vec<_> = seen.lock().unwrap().iter().map(|(_, item)| item.contains("CANARY")).collect();
    assert_eq!(shown, [false, true, false, true]);
    assert!(
        seen.lock().unwrap()[0].1.contains("envelope: Some") && seen.lock().unwrap()[2].1.contains("envelope: None")
    );

    let (guest, seen) = recorder(None);
    let mut narrow = track(&world, "mailer", Purpose::Live, &guest);
    narrow.mode = PayloadMode::ExtensionsOnly;
    run(&mut narrow);
    assert!(
        seen.lock().unwrap().iter().all(|(_, item)| !item.contains("CANARY")),
        "the mode of the installation holds"
    );
}

#[test]
fn what_is_parked_comes_back_without_what_goes_to_others() {
    let world = World::new(PluginLimits::default());
    fill(&world);
    let (guest, _) = recorder(Some(1));
    let mut track = track(&world, "other", Purpose::Live, &guest);
    run(&mut track);
    let number = *track.parked.keys().next().unwrap();
    let (guest, seen) = recorder(None);
    let mut program = world.program(&guest);
    program.selector = Selector::new(&descriptor().selector, &[], &[]).unwrap().named("other");
    (track.program, track.instance) = (Arc::new(program), None);
    assert!(track.retry_parked(number).unwrap());
    assert_eq!(positions(&seen), [1, 5]);
}

#[test]
fn a_subscription_gets_what_names_it() {
    let world = World::new(PluginLimits::default());
    fill(&world);
    let source = crate::plugins::source::Source::new(&world.services);
    let aggregate: AggregateRef = "thing/a".parse().unwrap();
    for (name, expected, of_a) in [("mailer", &[1, 3, 4, 5][..], &[1, 3, 5][..]), ("other", &[1, 5], &[1, 5])] {
        let selection = Selection::new(&[], &[], &[], PayloadMode::All).unwrap().named(name);
        let scanned = source.cut(&selection, Position::new(0), 10, 1 << 20).unwrap();
        let found = |found: &[crate::plugins::source::Found]| -> Vec<u64> {
            found.iter().map(|event| event.position.get()).collect()
        };
        assert_eq!((found(&scanned.found), scanned.end.get()), (expected.to_vec(), 5));
        let stretch = source.stretch(&selection, &aggregate, Version::new(1), Position::new(5), 10).unwrap();
        assert_eq!(found(&stretch), of_a);
    }
}
