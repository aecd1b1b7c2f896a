//! What fails too often is parked with what follows it; the rest goes on.

use super::world::{TIMEOUT, World, positions};
use crate::subscriptions::{definition::Definition, subscription::Subscription};

/// A subscription that has parked `thing/bad` at position 2, of `good bad good bad`.
fn parked(world: &World) -> (Definition, Subscription) {
    for id in ["good", "bad", "good", "bad"] {
        world.append(&format!("thing/{id}"), "changed");
    }
    let definition = world.definition();
    let mut subscription = world.open(&definition);
    for attempt in 1..=3 {
        loop {
            let rows = world.take(&mut subscription, "m", 1);
            assert_eq!(rows.len(), 1, "attempt {attempt}");
            if positions(&rows) == [2] {
                assert_eq!(rows[0].attempt, attempt);
                let parked = world.nack(&mut subscription, &rows[0]);
                assert_eq!(parked, u64::from(attempt == 3), "attempt {attempt}");
                break;
            }
            world.ack(&mut subscription, &rows);
        }
    }
    (definition, subscription)
}

/// Takes and acknowledges until nothing comes.
fn drain(world: &World, subscription: &mut Subscription) -> Vec<u64> {
    let mut seen = Vec::new();
    loop {
        let rows = world.take(subscription, "m", 9);
        if rows.is_empty() {
            return seen;
        }
        world.ack(subscription, &rows);
        seen.extend(positions(&rows));
    }
}

#[test]
fn an_aggregate_is_parked_and_the_rest_goes_on() {
    let world = World::new();
    let (_, mut subscription) = parked(&world);
    assert_eq!(drain(&world, &mut subscription), [3]);
    world.append("thing/bad", "changed");
    let good = world.append("thing/good", "changed");
    assert_eq!(drain(&world, &mut subscription), [good]);
    let queue = subscription.queue();
    assert_eq!(queue.len(), 1);
    let entry = &queue[0];
    assert_eq!((&*entry.aggregate_id, entry.first_position, entry.attempts, &*entry.reason), ("bad", 2, 3, "no room"));
    assert_eq!(subscription.progress.cursor.position, world.domain.head().position, "the cursor is not held up");
}

#[test]
fn what_is_retried_comes_whole_and_in_order_and_is_live_again() {
    let world = World::new();
    let (definition, mut subscription) = parked(&world);
    let later = world.append("thing/bad", "changed");
    drain(&world, &mut subscription);
    // A restart in between changes nothing.
    let mut subscription = {
        drop(subscription);
        world.open(&definition)
    };
    assert_eq!(subscription.queue()[0].first_position, 2);
    assert_eq!(subscription.retry("all").unwrap(), 1);
    let first = world.take(&mut subscription, "m", 1);
    assert_eq!(positions(&first), [2]);
    world.ack(&mut subscription, &first);
    // Nor does one in the middle: what was acknowledged does not come again.
    let mut subscription = {
        drop(subscription);
        world.open(&definition)
    };
    assert_eq!(drain(&world, &mut subscription), [4, later]);
    assert_eq!(subscription.queue().len(), 0);
    let live = world.append("thing/bad", "changed");
    assert_eq!(drain(&world, &mut subscription), [live]);
    assert!(world.source.db().parked(definition.generation).unwrap().is_empty(), "nothing is left of it");
}

#[test]
fn what_fails_again_is_parked_again() {
    let world = World::new();
    let (_, mut subscription) = parked(&world);
    drain(&world, &mut subscription);
    let id = subscription.queue()[0].id.clone();
    subscription.retry(&id).unwrap();
    for attempt in 1..=3 {
        let rows = world.take(&mut subscription, "m", 1);
        assert_eq!(positions(&rows), [2]);
        assert_eq!(world.nack(&mut subscription, &rows[0]), u64::from(attempt == 3));
    }
    assert!(world.take(&mut subscription, "m", 9).is_empty());
    assert!(!subscription.queue()[0].retried);
    assert!(subscription.retry("77").is_err(), "there is no such entry");
}

#[test]
fn what_is_discarded_is_given_up_and_later_events_come() {
    let world = World::new();
    let (definition, mut subscription) = parked(&world);
    // The good one is not settled: the cursor stands before what is parked.
    assert_eq!(subscription.discard("all").unwrap(), 1);
    let mut subscription = {
        drop(subscription);
        world.open(&definition)
    };
    let live = world.append("thing/bad", "changed");
    assert_eq!(drain(&world, &mut subscription), [3, live]);
    assert!(world.source.db().parked(definition.generation).unwrap().is_empty());
}

#[test]
fn a_member_that_dies_again_and_again_parks_only_what_kills_it() {
    let mut world = World::new();
    world.append_many(6, 3);
    let mut subscription = world.subscribe();
    for _ in 0..20 {
        let rows = world.take(&mut subscription, "m", 9);
        // It deals with one after the other, until it comes to the fourth, and dies.
        let survived: Vec<_> =
            rows.iter().take_while(|row| positions(std::slice::from_ref(row)) != [4]).cloned().collect();
        world.ack(&mut subscription, &survived);
        if survived.len() < rows.len() {
            world.now += TIMEOUT;
        }
    }
    let queue = subscription.queue();
    assert_eq!((queue.len(), queue[0].first_position, queue[0].attempts), (1, 4, 3));
    assert_eq!(subscription.progress.cursor.position.get(), 6);
}
