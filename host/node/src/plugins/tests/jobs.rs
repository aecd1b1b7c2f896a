//! Jobs: each event of a stretch once however often the worker is dropped, live delivery undisturbed, dry runs that tell
//! what differs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use eventdbx_sandbox::{Batch, DeliveryMode, Descriptor, Host};
use eventdbx_store::{EventQuery, Position};

use super::{
    generations::{install, stored},
    replay_requests::{idempotent, plan},
    world::{Reaction, World, crashed, done, ledger, run},
};
use crate::plugins::{
    Difference, JobState, PayloadMode, PluginLimits, ReplayRequest,
    installed::Installed,
    jobs::{JobRecord, Order},
    track::Step,
    worker::Worker,
};

const EVENTS: u64 = 300;

/// A domain with events, and an installed plugin that has seen none of them.
fn world(batch_items: usize) -> (World, Arc<Installed>) {
    let world = World::new(PluginLimits { batch_items, ..PluginLimits::default() });
    world.append_many(EVENTS, 11);
    let installed = install(&world);
    (world, installed)
}

fn worker(world: &World, installed: &Arc<Installed>, guest: &Arc<Reaction>) -> Worker {
    Worker::open(&world.services, installed, Arc::new(world.program(guest))).unwrap()
}

/// Writes the record of a job, as a request does.
fn begin(world: &World, request: &ReplayRequest, change: impl FnOnce(&mut Descriptor)) {
    let plan = plan(world, request, change).unwrap();
    let (id, generation) = (world.services.jobs.next_id(), world.generation());
    world.services.jobs.save(JobRecord::new(id, "ledger", "somebody", plan, generation), &[]).unwrap();
}

/// Turns until a worker has no job any more, going past every pause.
fn finish(worker: &mut Worker) {
    while worker.job.is_some() {
        let steps = worker.turn();
        assert!(steps.iter().any(|step| *step != Step::Idle), "a job that has not ended has something to do");
    }
}

/// Turns until everything that was committed is delivered.
fn live(world: &World, worker: &mut Worker) {
    while worker.live.cursor.position < world.domain.head().position {
        world.fed();
        worker.turn();
    }
}

/// Has everything deleted that is to be.
fn swept(world: &World) {
    world.services.keeper.stop();
    for generation in world.services.db.doomed().unwrap() {
        world.services.db.erase(generation, 1000, &mut || true).unwrap();
    }
}

fn stretch(from: u64, to: u64) -> ReplayRequest {
    ReplayRequest { from: Some(from), to: Some(to), ..ReplayRequest::default() }
}

fn sum(positions: std::ops::RangeInclusive<u64>) -> u64 {
    positions.sum()
}

fn guest() -> Arc<Reaction> {
    Arc::new(ledger)
}

/// What the log tells of the plugin: types of events and who was behind each.
fn told(world: &World) -> Vec<(String, String)> {
    let query = EventQuery {
        aggregate: Some("$plugin/ledger".parse().unwrap()),
        system: true,
        limit: 100,
        ..EventQuery::default()
    };
    let rows = world.domain.events(&query).unwrap().rows;
    rows.iter().map(|event| (event.header.event_type.to_string(), event.body.actor.to_string())).collect()
}

#[test]
fn a_stretch_that_is_interrupted_at_every_turn_is_counted_once_more_and_no_more() {
    let (world, installed) = world(7);
    live(&world, &mut worker(&world, &installed, &guest()));
    let generation = stored(&world).generation;
    let before = world.services.db.cursor(generation).unwrap().unwrap();
    begin(&world, &stretch(50, 200), idempotent);
    let mut turns = 0;
    while world.services.jobs.running("ledger").is_some() {
        worker(&world, &installed, &guest()).turn();
        turns += 1;
    }
    assert!(turns >= 6, "{turns} turns");
    let rows = world.rows(generation);
    assert_eq!(rows["sum"], (sum(1..=EVENTS) + sum(50..=200)).to_string());
    for (key, times) in rows.iter().filter(|(key, _)| key.starts_with("times")) {
        let position: u64 = key["times ".len()..].parse().unwrap();
        assert_eq!(times, if (50..=200).contains(&position) { "2" } else { "1" }, "{key}");
    }
    let after = world.services.db.cursor(generation).unwrap().unwrap();
    assert_eq!(
        (after.counters.deliveries, after.counters.batches),
        (before.counters.deliveries, before.counters.batches)
    );
    let job = world.services.jobs.get(1).unwrap();
    assert_eq!((job.state, job.progress.deliveries, job.progress.position), (JobState::Done, 151, Position::new(200)));
    assert_eq!(told(&world), [("$plugin_replay_ended".to_owned(), "somebody".to_owned())]);
    assert!(world.services.db.cursor(job.generation).is_ok());
    swept(&world);
    assert_eq!(world.services.db.cursor(job.generation).unwrap(), None, "its cursor is gone");
}

#[test]
fn live_delivery_goes_on_beside_a_stretch_and_nothing_is_lost_of_either() {
    let (world, installed) = world(5);
    let mut worker = worker(&world, &installed, &guest());
    live(&world, &mut worker);
    begin(&world, &stretch(1, EVENTS), idempotent);
    worker.obey_order(Order::Begin);
    let mut appended = 0;
    while worker.job.is_some() {
        if appended < 100 {
            world.append("thing/new", "thing_made", "{}");
            appended += 1;
        }
        worker.turn();
    }
    live(&world, &mut worker);
    let rows = world.rows(stored(&world).generation);
    let times = |range: std::ops::RangeInclusive<u64>| {
        range.map(|at| rows[&format!("times {at:05}")].clone()).collect::<Vec<_>>()
    };
    assert!(times(1..=EVENTS).iter().all(|times| times == "2"));
    assert_eq!(rows["versions new"].split_whitespace().count(), appended);
    let expected: Vec<_> = (1..=appended).map(|version| version.to_string()).collect();
    assert_eq!(rows["versions new"].split_whitespace().collect::<Vec<_>>(), expected, "once, and in order");
}

#[test]
fn a_rebuild_that_is_interrupted_at_every_turn_flips_with_each_event_once() {
    let (world, installed) = world(7);
    live(&world, &mut worker(&world, &installed, &guest()));
    let old = stored(&world).generation;
    begin(&world, &ReplayRequest::default(), |_| ());
    let new = world.services.jobs.get(1).unwrap().generation;
    let mut turns = 0;
    while world.services.jobs.running("ledger").is_some() {
        worker(&world, &installed, &guest()).turn();
        turns += 1;
    }
    assert!(turns >= 10, "{turns} turns");
    let record = stored(&world);
    assert_eq!((record.generation, record.rebuild.is_none()), (new, true));
    assert_eq!(world.rows(new)["sum"], sum(1..=EVENTS).to_string());
    assert_eq!(world.services.jobs.get(1).unwrap().state, JobState::Done);
    swept(&world);
    assert!(world.rows(old).is_empty());
}

#[test]
fn a_job_that_is_called_off_leaves_no_new_tables_and_says_who_did_it() {
    for request in [ReplayRequest::default(), ReplayRequest { dry_run: true, ..ReplayRequest::default() }] {
        let (world, installed) = world(7);
        let mut worker = worker(&world, &installed, &guest());
        live(&world, &mut worker);
        let generation = stored(&world).generation;
        begin(&world, &request, |_| ());
        worker.obey_order(Order::Begin);
        worker.turn();
        let job = world.services.jobs.get(1).unwrap();
        assert!(job.progress.position > Position::new(0) && job.state == JobState::Running);
        assert!(!world.rows(job.generation).is_empty());
        worker.obey_order(Order::Cancel { id: 1, actor: "an operator".to_owned() });
        assert!(worker.job.is_none() && worker.rebuild.is_none());
        let record = stored(&world);
        assert_eq!((record.generation, record.rebuild.is_none()), (generation, true));
        assert_eq!(world.services.jobs.get(1).unwrap().state, JobState::Cancelled);
        assert_eq!(told(&world), [("$plugin_replay_ended".to_owned(), "an operator".to_owned())]);
        swept(&world);
        assert!(world.rows(job.generation).is_empty());
    }
}

#[test]
fn a_plugin_without_tables_is_sent_exactly_the_stretch_marked_as_replay() {
    let (world, installed) = world(4);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let guest: Arc<Reaction> = Arc::new(move |batch: &Batch<'_>, _: &mut dyn Host| {
        let items = batch.items.iter();
        let mode = batch.mode;
        kept.lock().unwrap().extend(items.map(|item| (item.position, mode, item.state.is_some())));
        done(BTreeMap::new())
    });
    let mut worker = worker(&world, &installed, &guest);
    live(&world, &mut worker);
    seen.lock().unwrap().clear();
    let request = ReplayRequest {
        aggregate_type: Some("thing".to_owned()),
        aggregate_id: Some("t3".to_owned()),
        payload_mode: Some(PayloadMode::StateOnly),
        ..stretch(20, 200)
    };
    let place = worker.live.cursor;
    begin(&world, &request, |descriptor| descriptor.tables.clear());
    worker.obey_order(Order::Begin);
    finish(&mut worker);
    let expected: Vec<_> = (20..=200)
        .filter(|position| position % 11 == 4)
        .map(|position| (position, DeliveryMode::Replay, true))
        .collect();
    assert_eq!(*seen.lock().unwrap(), expected);
    assert_eq!(worker.live.cursor, place);
    assert_eq!(world.services.jobs.get(1).unwrap().progress.deliveries, expected.len() as u64);
}

#[test]
fn what_is_parked_is_left_out_of_a_stretch() {
    let (world, installed) = world(16);
    let bad = |item: &eventdbx_sandbox::Delivery<'_>| item.position == 48;
    let guest: Arc<Reaction> = Arc::new(
        move |batch: &Batch<'_>, host: &mut dyn Host| {
            if batch.items.iter().any(bad) { crashed() } else { ledger(batch, host) }
        },
    );
    let mut worker = worker(&world, &installed, &guest);
    run(&mut worker.live);
    assert_eq!(worker.live.parked.len(), 1);
    begin(&world, &stretch(1, EVENTS), idempotent);
    worker.obey_order(Order::Begin);
    finish(&mut worker);
    let rows = world.rows(stored(&world).generation);
    let parked = format!("versions t{}", 47 % 11);
    for (key, versions) in rows.iter().filter(|(key, _)| key.starts_with("versions")) {
        let all = (EVENTS / 11) as usize;
        let count = versions.split_whitespace().count();
        if *key == parked { assert_eq!(count, 4, "{versions}") } else { assert!(count >= 2 * all, "{key}: {versions}") }
    }
    let job = world.services.jobs.get(1).unwrap();
    assert_eq!((job.state, job.progress.parked, job.progress.left_out), (JobState::Done, 0, 27));
}

#[test]
fn an_event_that_fails_in_a_job_only_is_left_out_of_it_with_a_reason() {
    let (world, installed) = world(16);
    let guest: Arc<Reaction> = Arc::new(move |batch: &Batch<'_>, host: &mut dyn Host| {
        let bad = |item: &eventdbx_sandbox::Delivery<'_>| item.position == 48 && batch.mode == DeliveryMode::Replay;
        if batch.items.iter().any(bad) { crashed() } else { ledger(batch, host) }
    });
    let mut worker = worker(&world, &installed, &guest);
    live(&world, &mut worker);
    begin(&world, &stretch(40, 60), idempotent);
    worker.obey_order(Order::Begin);
    finish(&mut worker);
    let job = world.services.jobs.get(1).unwrap();
    assert_eq!((job.state, job.progress.parked, job.progress.left_out), (JobState::Done, 1, 1));
    assert!(job.reason.as_ref().unwrap().contains("1 aggregates"), "{:?}", job.reason);
    assert!(worker.live.parked.is_empty());
    assert_eq!(world.rows(stored(&world).generation)["sum"], (sum(1..=EVENTS) + sum(40..=60) - 48 - 59).to_string());
}

#[test]
fn a_dry_run_tells_what_another_component_would_make_of_the_log() {
    let (world, installed) = world(16);
    live(&world, &mut worker(&world, &installed, &guest()));
    let (generation, before) = (stored(&world).generation, world.rows(stored(&world).generation));
    // What runs now leaves the last aggregate out and has one row more.
    let guest: Arc<Reaction> = Arc::new(|batch: &Batch<'_>, host: &mut dyn Host| {
        assert_eq!(batch.mode, DeliveryMode::DryRun);
        let items: Vec<_> = batch.items.iter().filter(|item| item.aggregate_id != "t10").cloned().collect();
        let mut outcome = ledger(&Batch { items: &items, ..batch.clone() }, host);
        if let eventdbx_sandbox::Outcome::Done(handled) = &mut outcome {
            handled.writes.tables[0].entries.insert(b"extra".to_vec(), Some(b"1".to_vec()));
        }
        outcome
    });
    begin(&world, &ReplayRequest { dry_run: true, ..ReplayRequest::default() }, |_| ());
    while world.services.jobs.get(1).unwrap().progress.position < Position::new(EVENTS) {
        worker(&world, &installed, &guest).turn();
    }
    finish(&mut worker(&world, &installed, &guest));
    let job = world.services.jobs.get(1).unwrap();
    let differences = job.differences.as_ref().unwrap();
    assert_eq!((job.state, differences.len(), differences[0].table.as_str()), (JobState::Done, 1, "rows"));
    // 27 positions and the versions of one aggregate; the sum; the row more; 273 positions and the versions of ten.
    let counted = &differences[0];
    assert_eq!((counted.only_live, counted.differing, counted.only_replay, counted.equal), (28, 1, 1, 283));
    let sampled = |row| {
        counted
            .sample
            .iter()
            .filter(|sampled| sampled.row == row)
            .map(|sampled| sampled.key.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!((sampled(Difference::Differs), sampled(Difference::OnlyReplay)), (vec!["sum"], vec!["extra"]));
    assert_eq!((sampled(Difference::OnlyLive).len(), sampled(Difference::OnlyLive)[0]), (10, "times 00011"));
    assert_eq!((stored(&world).generation, world.rows(generation)), (generation, before), "nothing has changed");
    swept(&world);
    assert!(world.rows(job.generation).is_empty(), "what it made is thrown away");
}

#[test]
fn a_dry_run_of_a_stretch_tells_what_it_would_change_in_the_live_tables() {
    let (world, installed) = world(16);
    live(&world, &mut worker(&world, &installed, &guest()));
    begin(&world, &ReplayRequest { dry_run: true, ..stretch(50, 59) }, |_| ());
    let first = world.services.jobs.get(1).unwrap().generation;
    // It is interrupted once, and begins anew: the tables that it copied may be old by then.
    let mut interrupted = worker(&world, &installed, &guest());
    // The first finds that live delivery has come far enough, the second copies.
    interrupted.turn();
    interrupted.turn();
    drop(interrupted);
    finish(&mut worker(&world, &installed, &guest()));
    let job = world.services.jobs.get(1).unwrap();
    let counted = &job.differences.as_ref().unwrap()[0];
    // Ten positions, the versions of ten aggregates, the sum; nothing comes or goes.
    assert_eq!((counted.only_live, counted.differing, counted.only_replay, counted.equal), (0, 21, 0, 291));
    assert_eq!(world.rows(stored(&world).generation)["sum"], sum(1..=EVENTS).to_string());
    assert_ne!(job.generation, first);
    swept(&world);
    assert!(world.rows(first).is_empty() && world.rows(job.generation).is_empty());
}

#[test]
fn a_job_with_a_rate_waits_between_its_batches() {
    let (world, installed) = world(256);
    let mut worker = worker(&world, &installed, &guest());
    live(&world, &mut worker);
    begin(&world, &ReplayRequest { rate: Some(20), ..stretch(1, EVENTS) }, idempotent);
    worker.obey_order(Order::Begin);
    let now = Instant::now();
    worker.turn();
    let waits = worker.turn().into_iter().filter_map(|step| match step {
        Step::Wait(until) => Some(until - now),
        _ => None,
    });
    let wait = waits.max().expect("it waits");
    assert_eq!(world.services.jobs.get(1).unwrap().progress.deliveries, 2, "a tenth of a second's worth");
    assert!(wait.as_millis() >= 90 && wait.as_secs() < 10, "{wait:?}");
    worker.turn();
    let delivered = world.services.jobs.get(1).unwrap().progress.deliveries;
    assert!(delivered <= 2 + (now.elapsed().as_millis() / 100 * 2) as u64 + 2, "{delivered}");
}

#[test]
fn only_the_last_jobs_are_kept_and_numbers_are_not_given_twice() {
    let (world, _installed) = world(256);
    for _ in 0..120 {
        begin(&world, &ReplayRequest::default(), |_| ());
        let mut job = JobRecord::clone(&world.services.jobs.running("ledger").unwrap());
        job.state = JobState::Done;
        world.services.jobs.save(job, &[]).unwrap();
    }
    let kept: Vec<_> = world.services.jobs.list().iter().map(|job| job.id).collect();
    assert_eq!((kept.len(), kept[0], world.services.jobs.next_id()), (100, 120, 121));
    let reopened = crate::plugins::jobs::Jobs::open(world.services.db.clone()).unwrap();
    assert_eq!(reopened.list().iter().map(|job| job.id).collect::<Vec<_>>(), kept);
}
