//! Several members: order in each aggregate, and what becomes of those who die.

use std::collections::{BTreeMap, BTreeSet};

use super::world::{TIMEOUT, World, acks, aggregate, positions};
use crate::wire::SubscriptionDelivery;

#[test]
fn an_aggregate_is_with_one_member_at_a_time() {
    let world = World::new();
    world.append_many(6, 2);
    let mut subscription = world.subscribe();
    let first = world.take(&mut subscription, "a", 1);
    assert_eq!(positions(&first), [1]);
    assert_eq!(positions(&world.take(&mut subscription, "b", 9)), [2, 4, 6], "the other aggregate alone");
    assert_eq!(positions(&world.take(&mut subscription, "a", 1)), [3], "its own may go on");
    world.ack(&mut subscription, &first);
    assert!(world.take(&mut subscription, "b", 9).is_empty(), "a holds the third");
}

#[test]
fn what_a_dead_member_held_goes_to_the_others_in_order() {
    let mut world = World::new();
    world.append_many(6, 2);
    let mut subscription = world.subscribe();
    let dead = world.take(&mut subscription, "dead", 3);
    assert_eq!(positions(&dead), [1, 2, 3]);
    assert!(world.take(&mut subscription, "alive", 9).is_empty(), "both aggregates are with the other");
    world.now += TIMEOUT - std::time::Duration::from_millis(1);
    assert!(world.take(&mut subscription, "alive", 9).is_empty());
    world.now += std::time::Duration::from_millis(1);
    let mut order = Vec::new();
    loop {
        let rows = world.take(&mut subscription, "alive", 9);
        if rows.is_empty() {
            break;
        }
        world.ack(&mut subscription, &rows);
        order.extend(positions(&rows));
    }
    let of = |rest: u64| order.iter().copied().filter(|position| position % 2 == rest).collect::<Vec<_>>();
    assert_eq!((of(1), of(0)), (vec![1, 3, 5], vec![2, 4, 6]));
    assert_eq!(subscription.ack(&acks(&dead), world.now).unwrap().stale.len(), 3);
}

#[test]
fn a_failure_takes_back_what_follows_in_its_aggregate() {
    let world = World::new();
    world.append_many(6, 2);
    let mut subscription = world.subscribe();
    let rows = world.take(&mut subscription, "m", 9);
    world.nack(&mut subscription, &rows[2]);
    let answer = subscription.ack(&acks(&rows), world.now).unwrap();
    assert_eq!(answer.stale, acks(&[rows[2].clone(), rows[4].clone()]), "the third and the fifth are taken back");
    let again = world.take(&mut subscription, "m", 9);
    assert_eq!((positions(&again), again[0].attempt), (vec![3], 2), "alone");
    assert!(world.take(&mut subscription, "m", 9).is_empty(), "and nothing of its aggregate with it");
    world.ack(&mut subscription, &again);
    let rest = world.take(&mut subscription, "other", 9);
    assert_eq!((positions(&rest), rest[0].attempt), (vec![5], 2));
}

/// Members that come, go, refuse and forget, as a generator of numbers has it: nothing is lost, and no aggregate is ever
/// out of order.
#[test]
fn whatever_members_do_each_event_is_dealt_with_in_order() {
    for seed in 1..=6_u64 {
        let mut world = World::new();
        world.append_many(120, 7);
        let mut definition = world.definition();
        definition.max_attempts = 100;
        let mut subscription = world.open(&definition);
        let mut state = seed;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut hands: BTreeMap<u64, Vec<SubscriptionDelivery>> = BTreeMap::new();
        let mut done: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for _ in 0..20_000 {
            let member = random(3);
            match random(10) {
                0..=3 => {
                    let most = usize::try_from(1 + random(6)).unwrap();
                    let rows = world.take(&mut subscription, &format!("m{member}"), most);
                    hands.entry(member).or_default().extend(rows);
                }
                4..=7 => {
                    let hand = hands.entry(member).or_default();
                    let some = hand.drain(..hand.len().min(usize::try_from(random(4)).unwrap())).collect::<Vec<_>>();
                    let stale = subscription.ack(&acks(&some), world.now).unwrap().stale;
                    for delivery in some.iter().filter(|delivery| !stale.contains(&delivery.ack)) {
                        done.entry(aggregate(delivery)).or_default().push(positions(std::slice::from_ref(delivery))[0]);
                    }
                }
                8 => {
                    let Some(delivery) = hands.entry(member).or_default().pop() else { continue };
                    let request =
                        crate::wire::NackRequest { acks: vec![delivery.ack], delay_ms: Some(0), reason: None };
                    subscription.nack(&request, world.now).unwrap();
                }
                // Dies, or the daemon does.
                _ if random(8) == 0 => {
                    hands.clear();
                    subscription = world.open(&definition);
                }
                _ => {
                    hands.remove(&member);
                    world.now += TIMEOUT / 2;
                }
            }
            let counts = |(member, hand): (&u64, &Vec<SubscriptionDelivery>)| {
                let counts = |delivery: &&SubscriptionDelivery| {
                    let (position, serial) = delivery.ack.split_once('.').unwrap();
                    let serial = u64::from_str_radix(serial, 16).unwrap();
                    subscription.pending.is_held(eventdbx_store::Position::new(position.parse().unwrap()), serial)
                };
                hand.iter().filter(counts).map(|delivery| (aggregate(delivery), *member)).collect::<BTreeSet<_>>()
            };
            let with: BTreeSet<_> = hands.iter().flat_map(counts).collect();
            let aggregates: BTreeSet<_> = with.iter().map(|(aggregate, _)| aggregate).collect();
            assert_eq!(aggregates.len(), with.len(), "seed {seed}: two members have one aggregate: {with:?}");
            if subscription.progress.cursor.position == world.domain.head().position {
                break;
            }
        }
        assert_eq!(subscription.progress.cursor.position, world.domain.head().position, "seed {seed}");
        let mut all: Vec<u64> = done.values().flatten().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (1..=120).collect::<Vec<_>>(), "seed {seed}: each once, as far as it was acknowledged");
    }
}
