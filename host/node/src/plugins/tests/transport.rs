//! Transports: what was sent of a batch that failed stays sent.

use std::sync::{Arc, Mutex};

use eventdbx_sandbox::{Batch, Host, Kind, Outcome};

use super::world::{Reaction, World, done, failure, poisoned, run};
use crate::plugins::{
    PayloadMode, PluginLimits,
    track::{Program, Purpose, Track},
};

/// A guest that sends item by item; `fails` says which position fails, and how: told the index and how often it came.
fn sender(
    fails: impl Fn(u64, usize, usize) -> Option<Outcome<eventdbx_sandbox::Handled>> + Send + Sync + 'static,
) -> (Arc<Reaction>, Arc<Mutex<Vec<u64>>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let (kept, tried) = (Arc::clone(&sent), Mutex::new(std::collections::HashMap::<u64, usize>::new()));
    let reaction = move |batch: &Batch<'_>, _: &mut dyn Host| {
        for (index, item) in batch.items.iter().enumerate() {
            let mut tried = tried.lock().unwrap();
            let times = tried.entry(item.position).or_default();
            *times += 1;
            if let Some(outcome) = fails(item.position, index, *times) {
                return outcome;
            }
            kept.lock().unwrap().push(item.position);
        }
        done(Default::default())
    };
    (Arc::new(reaction), sent)
}

fn track(world: &World, kind: Kind, guest: &Arc<Reaction>) -> Track {
    let program = Arc::new(Program { kind, ..world.program(guest) });
    let (services, generation) = (Arc::clone(&world.services), world.generation());
    Track::open(services, program, generation, Purpose::Live, PayloadMode::All).unwrap().unwrap()
}

fn later(done: usize) -> Outcome<eventdbx_sandbox::Handled> {
    Outcome::Retry { failure: failure("later"), after: None, done }
}

#[test]
fn what_a_transport_has_sent_before_a_retry_is_not_sent_again() {
    let world = World::new(PluginLimits { batch_items: 8, ..PluginLimits::default() });
    world.append_many(30, 3);
    for at_once in [true, false] {
        // With the whole batch done, there is nothing left of it.
        let (guest, sent) = sender(move |position, index, times| {
            let fails = if at_once { position == 8 && times == 1 } else { position % 7 == 0 && times <= 3 };
            fails.then(|| later(index))
        });
        let mut track = track(&world, Kind::Transport, &guest);
        run(&mut track);
        assert_eq!(*sent.lock().unwrap(), (1..=30).collect::<Vec<_>>());
        assert_eq!((track.cursor.position.get(), track.cursor.counters.deliveries), (30, 30));
        assert!(track.parked.is_empty() && track.stopped.is_none());
    }
}

#[test]
fn what_a_read_model_says_is_done_before_a_retry_comes_again() {
    let world = World::new(PluginLimits::default());
    world.append_many(10, 3);
    let (guest, sent) = sender(|position, index, times| (position == 5 && times == 1).then(|| later(index)));
    run(&mut track(&world, Kind::ReadModel, &guest));
    assert_eq!(*sent.lock().unwrap(), (1..=4).chain(1..=10).collect::<Vec<_>>());
}

#[test]
fn an_event_that_cannot_be_sent_is_parked_and_the_others_are_sent_once() {
    let world = World::new(PluginLimits::default());
    world.append_many(20, 10);
    let (guest, sent) = sender(|position, index, _| (position == 5).then(|| poisoned(index)));
    let mut track = track(&world, Kind::Transport, &guest);
    run(&mut track);
    // Position 15 is the next event of the same aggregate.
    assert_eq!(*sent.lock().unwrap(), (1..=20).filter(|position| position % 10 != 5).collect::<Vec<_>>());
    assert_eq!((track.parked.len(), track.cursor.position.get()), (1, 20));
}

#[test]
fn a_parked_stretch_goes_on_behind_what_was_sent_of_it() {
    let world = World::new(PluginLimits::default());
    world.append_many(5, 1);
    let broken = Arc::new(Mutex::new(true));
    let still = Arc::clone(&broken);
    let (guest, sent) = sender(move |position, index, times| match position {
        1 if *still.lock().unwrap() => Some(poisoned(index)),
        4 if times == 1 => Some(later(index)),
        _ => None,
    });
    let mut track = track(&world, Kind::Transport, &guest);
    run(&mut track);
    assert!(sent.lock().unwrap().is_empty());
    *broken.lock().unwrap() = false;
    let number = *track.parked.keys().next().unwrap();
    assert!(!track.retry_parked(number).unwrap(), "the fourth is to come later");
    assert_eq!(track.parked[&number].position.get(), 4);
    assert!(track.retry_parked(number).unwrap());
    assert_eq!(*sent.lock().unwrap(), [1, 2, 3, 4, 5]);
    assert!(track.parked.is_empty());
}
