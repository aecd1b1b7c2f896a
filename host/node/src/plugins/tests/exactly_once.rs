//! Whatever is interrupted, each event is in the tables once.

use std::sync::Arc;

use super::world::{Reaction, World, ledger, run};
use crate::plugins::{PayloadMode, PluginLimits};

const EVENTS: u64 = 300;

fn limits(batch_items: usize) -> PluginLimits {
    PluginLimits { batch_items, ..PluginLimits::default() }
}

fn guest() -> Arc<Reaction> {
    Arc::new(ledger)
}

#[test]
fn a_worker_that_is_dropped_at_every_step_leaves_exact_tables() {
    let world = World::new(limits(7));
    world.append_many(EVENTS, 11);
    let generation = world.generation();
    let head = world.domain.head().position;
    let mut drops = 0;
    loop {
        // Dropped with a batch cut, with a batch handled but not committed, and right after the commit.
        drop(world.track(generation, PayloadMode::EventOnly, &guest()).cut(head).unwrap());
        let mut track = world.track(generation, PayloadMode::EventOnly, &guest());
        let cut = track.cut(head).unwrap();
        drop(track.deliver(&cut, head).unwrap());
        drop(track);
        let mut track = world.track(generation, PayloadMode::EventOnly, &guest());
        let cut = track.cut(head).unwrap();
        let delivered = track.deliver(&cut, head).unwrap();
        track.settle(cut, delivered).unwrap();
        drops += 3;
        if track.cursor.position == head {
            break;
        }
    }
    assert!(drops > 100);
    let rows = world.rows(generation);
    assert_eq!(rows["sum"], (EVENTS * (EVENTS + 1) / 2).to_string());
    assert!(rows.iter().filter(|(key, _)| key.starts_with("times")).all(|(_, times)| times == "1"));
    let expected: Vec<_> = (1..=28).map(|version| version.to_string()).collect();
    assert_eq!(rows["versions t0"].split_whitespace().collect::<Vec<_>>(), expected);
}

#[test]
fn the_size_of_batches_changes_nothing_but_speed() {
    let tables = [1, 7, 256].map(|batch_items| {
        let world = World::new(limits(batch_items));
        world.append_many(EVENTS, 11);
        let generation = world.generation();
        run(&mut world.track(generation, PayloadMode::All, &guest()));
        let counters = world.services.db.cursor(generation).unwrap().unwrap().counters;
        assert_eq!(counters.deliveries, EVENTS);
        assert_eq!(counters.batches, EVENTS.div_ceil(batch_items as u64));
        world.rows(generation)
    });
    assert_eq!(tables[0], tables[1]);
    assert_eq!(tables[0], tables[2]);
}

#[test]
fn tables_that_would_outgrow_their_limit_stop_the_plugin_at_the_last_commit() {
    let world = World::new(PluginLimits { table_bytes: 10_000, ..limits(10) });
    world.append_many(EVENTS, 11);
    let generation = world.generation();
    let mut track = world.track(generation, PayloadMode::EventOnly, &guest());
    run(&mut track);
    let reason = track.stopped.clone().unwrap();
    assert!(reason.contains("`table_bytes`"), "{reason}");
    let cursor = world.services.db.cursor(generation).unwrap().unwrap();
    assert!(cursor.counters.table_bytes <= 10_000);
    let done = cursor.position.get();
    assert!(done > 0 && done < EVENTS);
    assert_eq!(world.rows(generation)["sum"], (done * (done + 1) / 2).to_string());
}
