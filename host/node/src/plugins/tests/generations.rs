//! Generations: rebuilt beside the live one, flipped at once, discarded when they belong to another log.

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use eventdbx_sandbox::{Batch, DeliveryMode, Host};
use eventdbx_store::{Digest, Position, plugindb::GenerationCommit, system_clock};

use super::{
    replay_requests::plan,
    world::{Reaction, World, ledger, run},
};
use crate::plugins::{
    PayloadMode, PluginLimits, PluginState, ReplayRequest,
    installed::Installed,
    jobs::{JobRecord, Order},
    record::{Rebuild, Record},
    track::{Purpose, Track},
    worker::{Command, Handle},
};

const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn install(world: &World) -> Arc<Installed> {
    let record = Record {
        component: String::new(),
        version: "1".to_owned(),
        kind: "read-model".to_owned(),
        queries: Vec::new(),
        payload_mode: PayloadMode::EventOnly,
        priority: Default::default(),
        aggregates: Vec::new(),
        events: Vec::new(),
        selection: Default::default(),
        config: serde_json::Map::new(),
        grants: Default::default(),
        targets: Default::default(),
        enabled: true,
        generation: world.generation(),
        rebuild: None,
        life: Default::default(),
    };
    world.services.db.save_plugin("ledger", &record.encode(), &[]).unwrap();
    Arc::new(Installed::new("ledger", record, Default::default(), system_clock(), 100))
}

fn start(world: &World, installed: &Arc<Installed>, guest: &Arc<Reaction>) -> Handle {
    let program = world.program(guest);
    Handle::start(&world.services, installed, move |_, _| Ok(program)).unwrap()
}

/// What is stored of the one installed plugin.
pub(super) fn stored(world: &World) -> Record {
    Record::decode(&world.services.db.plugins().unwrap()[0].1).unwrap()
}

#[test]
fn a_replay_with_another_mode_flips_and_the_installed_mode_comes_back() {
    let world = World::new(PluginLimits::default());
    world.append_many(500, 7);
    let installed = install(&world);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let guest: Arc<Reaction> = Arc::new(move |batch: &Batch<'_>, host: &mut dyn Host| {
        told.lock().unwrap().push((batch.mode, batch.payload_mode.to_owned(), batch.items[0].payload.is_some()));
        ledger(batch, host)
    });
    let worker = start(&world, &installed, &guest);
    installed.reach(Position::new(500), PATIENCE).unwrap();
    let before = world.rows(stored(&world).generation);
    let first = stored(&world).generation;
    assert!(seen.lock().unwrap().iter().all(|call| *call == (DeliveryMode::CatchUp, "event-only".to_owned(), true)));
    seen.lock().unwrap().clear();

    let (reply, answer) = mpsc::sync_channel(1);
    let request = ReplayRequest { payload_mode: Some(PayloadMode::ExtensionsOnly), ..ReplayRequest::default() };
    let plan = plan(&world, &request, |_| ()).unwrap();
    let job = JobRecord::new(1, "ledger", "tester", plan, world.generation());
    world.services.jobs.save(job, &[]).unwrap();
    assert!(worker.send(Command::Job(Order::Begin, reply)));
    answer.recv().unwrap().unwrap();
    let told = installed.status(Position::new(500), |_| None, Default::default());
    assert!(told.rebuild.is_some() || told.generation != first.get(), "an answered replay shows in the status");
    installed.until(PATIENCE, |board| board.generation != first).unwrap();
    let record = stored(&world);
    assert!(record.generation != first && record.rebuild.is_none());
    assert_eq!(world.rows(record.generation), before);
    assert!(
        seen.lock().unwrap().iter().all(|call| *call == (DeliveryMode::Replay, "extensions-only".to_owned(), false))
    );
    seen.lock().unwrap().clear();

    // The log tells at position 501 that the replay has ended, which is not for plugins.
    world.append_many(20, 7);
    installed.reach(Position::new(521), PATIENCE).unwrap();
    worker.stop();
    assert!(seen.lock().unwrap().iter().all(|call| *call == (DeliveryMode::Live, "event-only".to_owned(), true)));
    assert_eq!(world.rows(record.generation)["sum"], (521 * 522 / 2 - 501).to_string());
    world.services.keeper.stop();
    assert!(world.rows(first).is_empty(), "the old generation is deleted");
}

#[test]
fn a_rebuild_goes_on_where_a_restart_interrupted_it() {
    let world = World::new(PluginLimits { batch_items: 10, ..PluginLimits::default() });
    world.append_many(300, 7);
    let (installed, guest) = (install(&world), Arc::new(ledger) as Arc<Reaction>);
    run(&mut world.track(stored(&world).generation, PayloadMode::EventOnly, &guest));
    // Half of the rebuild was done when the daemon stopped.
    let rebuild = Rebuild { generation: world.generation(), payload_mode: PayloadMode::All };
    installed.change(&world.services, |record| record.rebuild = Some(rebuild), &[]).unwrap();
    let (services, program) = (Arc::clone(&world.services), Arc::new(world.program(&guest)));
    let track = Track::open(services, program, rebuild.generation, Purpose::Rebuild, PayloadMode::All);
    let mut track = track.unwrap().unwrap();
    for _ in 0..15 {
        track.step();
    }
    drop(track);

    let worker = start(&world, &installed, &guest);
    installed.until(PATIENCE, |board| board.generation == rebuild.generation).unwrap();
    worker.stop();
    let rows = world.rows(rebuild.generation);
    assert_eq!(rows["sum"], (300 * 301 / 2).to_string());
    let counters = world.services.db.cursor(rebuild.generation).unwrap().unwrap().counters;
    assert_eq!(counters.deliveries, 300, "nothing was delivered twice");
}

#[test]
fn tables_of_another_log_are_discarded_and_built_anew() {
    for (position, root) in [(40, Digest([9; 32])), (4000, Digest::default())] {
        let world = World::new(PluginLimits::default());
        world.append_many(100, 7);
        let (installed, guest) = (install(&world), Arc::new(ledger) as Arc<Reaction>);
        let old = stored(&world).generation;
        run(&mut world.track(old, PayloadMode::EventOnly, &guest));
        let mut cursor = world.services.db.cursor(old).unwrap().unwrap();
        (cursor.position, cursor.root) = (Position::new(position), root);
        let commit = GenerationCommit { generation: old, writes: &[], cursor, park: &[], unpark: &[] };
        world.services.db.prepare(&commit).unwrap().write().unwrap();

        let worker = start(&world, &installed, &guest);
        installed
            .until(PATIENCE, |board| board.generation != old && board.cursor.position == Position::new(100))
            .unwrap();
        worker.stop();
        let generation = stored(&world).generation;
        assert_eq!(world.rows(generation)["sum"], (100 * 101 / 2).to_string());
        let status = installed.status(Position::new(100), |_| None, Default::default());
        assert!(status.last_error.unwrap().contains("another log"));
    }
}

#[test]
fn a_worker_whose_plugin_does_not_load_says_so() {
    let world = World::new(PluginLimits::default());
    let installed = install(&world);
    let worker = Handle::start(&world.services, &installed, |_, _| Err("no such file".to_owned())).unwrap();
    installed.until(PATIENCE, |board| board.state == PluginState::Stopped).unwrap();
    let (reply, answer) = mpsc::sync_channel(1);
    worker.send(Command::Retry(Vec::new(), reply));
    assert!(answer.recv().is_err(), "nobody answers");
    worker.stop();
    let status = installed.status(Position::new(0), |_| None, Default::default());
    assert_eq!((status.state, status.reason.as_deref()), (PluginState::Stopped, Some("no such file")));
}
