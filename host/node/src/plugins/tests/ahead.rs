//! Urgent events before their turn: others wait, the own aggregate keeps its order, and nothing comes twice or not at all.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use eventdbx_sandbox::{Batch, Handled, Host, Kind, Outcome};
use eventdbx_store::{Draft, NewEvent, NewRecipient, Priority, plugindb::Generation};
use proptest::prelude::*;

use super::world::{Reaction, World, crashed, descriptor, done, failure, poisoned, run};
use crate::plugins::{
    PayloadMode, PluginLimits,
    selector::Selector,
    track::{Program, Purpose, Step, Track},
};

const NAME: &str = "bus";

fn append(world: &World, id: u64, priority: Priority) {
    let recipient = NewRecipient { name: NAME.to_owned(), mode: None, priority };
    let publish = (priority == Priority::Urgent).then(|| vec![recipient]);
    let event = NewEvent { publish, ..NewEvent::new("thing", &format!("t{id}"), "changed", "{}") };
    world.domain.append(Draft::one(event, "tester")).unwrap();
}

/// Aggregates by turns, the urgent positions marked with `!`.
fn fill(world: &World, log: &[(u64, bool)]) {
    for (id, urgent) in log {
        append(world, *id, if *urgent { Priority::Urgent } else { Priority::Normal });
    }
    world.fed();
}

fn small(batch_items: usize) -> World {
    World::new(PluginLimits { batch_items, ..PluginLimits::default() })
}

fn open(world: &World, kind: Kind, generation: Generation, guest: &Arc<Reaction>) -> Track {
    let mut program = Program { kind, ..world.program(guest) };
    program.selector = Selector::new(&descriptor().selector, &[], &[]).unwrap().named(NAME);
    let services = Arc::clone(&world.services);
    Track::open(services, Arc::new(program), generation, Purpose::Live, PayloadMode::All).unwrap().unwrap()
}

type Sent = Arc<Mutex<Vec<u64>>>;

/// Sends item by item; `fails` is told the position and how often it came.
fn sender(
    fails: impl Fn(u64, usize, usize) -> Option<Outcome<Handled>> + Send + Sync + 'static,
) -> (Arc<Reaction>, Sent) {
    let (sent, tried) = (Sent::default(), Mutex::new(HashMap::<u64, usize>::new()));
    let kept = Arc::clone(&sent);
    let reaction = move |batch: &Batch<'_>, _: &mut dyn Host| {
        for (index, item) in batch.items.iter().enumerate() {
            let times = *tried.lock().unwrap().entry(item.position).and_modify(|times| *times += 1).or_insert(1);
            if let Some(outcome) = fails(item.position, index, times) {
                return outcome;
            }
            kept.lock().unwrap().push(item.position);
        }
        done(BTreeMap::new())
    };
    (Arc::new(reaction), sent)
}

fn later(done: usize) -> Outcome<Handled> {
    Outcome::Retry { failure: failure("later"), after: None, done }
}

/// Ten aggregates by turns, thirty events, of which 25 is urgent: behind 5 and 15 of its aggregate.
fn thirty() -> Vec<(u64, bool)> {
    (1..=30).map(|position| (position % 10, position == 25)).collect()
}

#[test]
fn an_urgent_event_overtakes_others_with_all_that_waits_of_its_own_aggregate() {
    let world = small(4);
    fill(&world, &thirty());
    let (guest, sent) = sender(|_, _, _| None);
    let mut track = open(&world, Kind::Transport, world.generation(), &guest);
    run(&mut track);
    let rest = (1..=30).filter(|position| position % 10 != 5 || *position > 25);
    assert_eq!(*sent.lock().unwrap(), [5, 15, 25].into_iter().chain(rest).collect::<Vec<_>>());
    assert_eq!((track.cursor.position.get(), track.cursor.counters.deliveries), (30, 30));
    assert_eq!(world.rows_of_transport(track.generation), 0, "what lies behind the cursor is forgotten");
}

#[test]
fn a_read_model_and_whoever_is_not_meant_take_everything_in_its_turn() {
    let world = small(4);
    fill(&world, &thirty());
    let (guest, sent) = sender(|_, _, _| None);
    run(&mut open(&world, Kind::ReadModel, world.generation(), &guest));
    assert_eq!(*sent.lock().unwrap(), (1..=30).collect::<Vec<_>>());
    let (guest, sent) = sender(|_, _, _| None);
    let mut track = open(&world, Kind::Transport, world.generation(), &guest);
    let mut program = Program { kind: Kind::Transport, ..world.program(&guest) };
    program.selector = Selector::new(&descriptor().selector, &[], &[]).unwrap().named("other");
    track.program = Arc::new(program);
    run(&mut track);
    assert_eq!(*sent.lock().unwrap(), (1..=30).filter(|position| *position != 25).collect::<Vec<_>>());
}

#[test]
fn what_was_sent_ahead_is_not_sent_again_after_a_restart() {
    let world = small(4);
    fill(&world, &thirty());
    let (guest, sent) = sender(|_, _, _| None);
    let generation = world.generation();
    let mut track = open(&world, Kind::Transport, generation, &guest);
    for _ in 0..3 {
        assert_eq!(track.step(), Step::Moved);
        track = open(&world, Kind::Transport, generation, &guest);
    }
    assert_eq!(*sent.lock().unwrap(), [5, 15, 25, 1, 2, 3, 4, 6, 7, 8, 9]);
    run(&mut track);
    let mut sent = sent.lock().unwrap().clone();
    sent.sort_unstable();
    assert_eq!(sent, (1..=30).collect::<Vec<_>>());
}

#[test]
fn more_than_a_batch_of_its_own_aggregate_is_left_to_its_turn() {
    let world = small(4);
    let log: Vec<_> = (1..=12).map(|position| (position % 2, position == 11)).collect();
    fill(&world, &log);
    let (guest, sent) = sender(|_, _, _| None);
    run(&mut open(&world, Kind::Transport, world.generation(), &guest));
    let order = sent.lock().unwrap().clone();
    assert_eq!(order[..4], [1, 2, 3, 4], "six wait of its aggregate, and four go into a batch");
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=12).collect::<Vec<_>>());
}

#[test]
fn one_that_fails_ahead_waits_for_its_turn_and_is_dealt_with_there() {
    for kind in 0..3 {
        let world = small(4);
        fill(&world, &thirty());
        let (guest, sent) = sender(move |position, index, _| {
            (position == 25).then(|| match kind {
                0 => poisoned(index),
                1 => crashed(),
                _ => later(index),
            })
        });
        let mut track = open(&world, Kind::Transport, world.generation(), &guest);
        for _ in 0..200 {
            if let Step::Wait(_) = track.step() {
                track.end_pause();
            }
        }
        let sent = sent.lock().unwrap().clone();
        let others = (1..=30).filter(|position| *position != 25);
        if kind < 2 {
            assert_eq!((track.parked.len(), track.cursor.position.get()), (1, 30), "{kind}");
            assert!(others.clone().all(|position| sent.contains(&position)), "{kind}: {sent:?}");
        } else {
            assert_eq!(track.cursor.position.get(), 24, "a retry is no verdict: it stands before the event");
            assert!((1..25).all(|position| sent.iter().filter(|sent| **sent == position).count() == 1), "{sent:?}");
        }
        assert!(track.stopped.is_none());
    }
}

#[test]
fn a_retry_ahead_is_tried_again_ahead() {
    let world = small(4);
    fill(&world, &thirty());
    let (guest, sent) = sender(|position, index, times| (position == 15 && times == 1).then(|| later(index)));
    let mut track = open(&world, Kind::Transport, world.generation(), &guest);
    run(&mut track);
    let sent = sent.lock().unwrap();
    assert_eq!(sent[..3], [5, 15, 25]);
    assert_eq!((sent.len(), track.cursor.counters.retries), (30, 1));
}

/// What becomes of the n-th time that something is handed over.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Sent,
    Later,
    Restart,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is urgent, whatever comes later, whenever the daemon stops between two batches.
    #[test]
    fn each_event_is_sent_once_and_in_the_order_of_its_aggregate(
        log in prop::collection::vec((0_u64..5, prop::bool::weighted(0.2)), 1..60),
        fates in prop::collection::vec(prop_oneof![6 => Just(Fate::Sent), 1 => Just(Fate::Later), 1 => Just(Fate::Restart)], 1..40),
        batch_items in 1_usize..8,
    ) {
        let world = small(batch_items);
        fill(&world, &log);
        let fates = Arc::new(Mutex::new(fates.into_iter().cycle().enumerate()));
        let asked = Arc::clone(&fates);
        let fated = move |_: u64, index: usize, times: usize| {
            let (_, fate) = asked.lock().unwrap().next().unwrap();
            (times < 4 && matches!(fate, Fate::Later)).then(|| later(index))
        };
        let (guest, sent) = sender(fated);
        let generation = world.generation();
        let mut track = open(&world, Kind::Transport, generation, &guest);
        loop {
            match track.step() {
                Step::Idle => break,
                Step::Wait(_) => track.end_pause(),
                Step::Moved => {}
                Step::Stopped => panic!("{:?}", track.stopped),
            }
            if matches!(fates.lock().unwrap().next(), Some((_, Fate::Restart))) {
                track = open(&world, Kind::Transport, generation, &guest);
            }
        }
        let sent = sent.lock().unwrap().clone();
        let mut sorted = sent.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (1..=log.len() as u64).collect::<Vec<_>>(), "sent: {:?}", &sent);
        for id in 0..5 {
            let of: Vec<_> = sent.iter().filter(|position| log[**position as usize - 1].0 == id).collect();
            prop_assert!(of.is_sorted(), "aggregate {}: {:?}", id, of);
        }
        prop_assert_eq!(track.cursor.counters.deliveries, log.len() as u64);
        prop_assert_eq!(world.rows_of_transport(generation), 0);
    }
}
