//! A commit that broke off: in whichever moment, the next one is the same request.

use eventdbx_store::{Domain, Draft, MasterKey, OpenOptions, system_clock};
use serde_json::json;

use super::{Stage, contents::Attempt, new_events};
use crate::wire::{AppendEvent, CommitRequest, Expect};

struct World {
    log: Domain,
    stage: Stage,
    _dir: tempfile::TempDir,
}

impl World {
    /// A stage with two events for one aggregate.
    fn staged() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = OpenOptions::new(system_clock());
        let log = Domain::open(dir.path(), "default".parse().unwrap(), &MasterKey::generate(), options).unwrap();
        let world = Self { stage: Stage::in_dir(dir.path()), log, _dir: dir };
        world
            .stage
            .put(&world.log, vec![event("placed", Expect::None), event("paid", Expect::Version(1))], "now", "a")
            .unwrap();
        world
    }

    /// As far as a commit gets before it asks the log.
    fn begin(&self, key: &str) -> Attempt {
        let attempt = Attempt { key: key.to_owned(), note: None };
        let mut contents = self.stage.read(&self.log).unwrap();
        contents.begun = Some(attempt.clone());
        self.stage.write(&self.log, &contents).unwrap();
        attempt
    }

    fn commit(&self, key: Option<&str>) -> Result<eventdbx_store::Receipt, crate::wire::WireError> {
        let request = CommitRequest { key: key.map(str::to_owned), note: None };
        self.stage.commit(&self.log, request, "bob").map_err(|error| error.into_body().error)
    }

    fn events(&self) -> u64 {
        self.log.head().position.get()
    }
}

fn event(event_type: &str, expect: Expect) -> AppendEvent {
    AppendEvent {
        aggregate_type: "order".to_owned(),
        aggregate_id: "1".to_owned(),
        event_type: event_type.to_owned(),
        payload: serde_json::value::to_raw_value(&json!({ event_type: true })).ok(),
        expect,
        ..AppendEvent::default()
    }
}

#[test]
fn a_commit_that_was_written_and_never_noted_is_found_again() {
    let world = World::staged();
    let attempt = world.begin("k");
    let contents = world.stage.read(&world.log).unwrap();
    let events = new_events(&contents.staged().collect::<Vec<_>>()).unwrap();
    world.log.append(Draft { events, key: Some(attempt.key), actor: "a".to_owned() }).unwrap();

    assert!(world.stage.list(&world.log).unwrap().in_doubt);
    let receipt = world.commit(None).unwrap();
    assert!(receipt.duplicate && receipt.events.len() == 2 && world.events() == 2);
    let told = world.stage.list(&world.log).unwrap();
    assert!(told.rows.is_empty() && !told.in_doubt);
}

#[test]
fn a_commit_that_was_begun_and_never_written_is_written() {
    let world = World::staged();
    world.begin("k");
    assert!(!world.commit(Some("k")).unwrap().duplicate);
    assert_eq!(world.events(), 2);
}

#[test]
fn a_commit_in_doubt_takes_no_change_but_to_be_repeated_or_dropped() {
    let world = World::staged();
    world.begin("k");
    let put = world.stage.put(&world.log, vec![event("more", Expect::Any)], "now", "a");
    for error in [
        put.unwrap_err().into_body().error,
        world.stage.drop_one(&world.log, 1).unwrap_err().into_body().error,
        world.commit(Some("other")).unwrap_err(),
    ] {
        assert!(error.message.contains("not known") && error.hint.unwrap().contains("dbx commit"));
    }
    assert_eq!((world.events(), world.stage.list(&world.log).unwrap().events), (0, 2));
    assert_eq!(world.stage.drop_all(&world.log).unwrap().dropped, 2);
    world.stage.put(&world.log, vec![event("placed", Expect::None)], "now", "a").unwrap();
    assert_eq!(world.commit(None).unwrap().events.len(), 1);
}

#[test]
fn a_refused_commit_is_not_in_doubt() {
    let world = World::staged();
    world.log.append(Draft::one(eventdbx_store::NewEvent::new("order", "1", "came_first", "{}"), "c")).unwrap();
    let error = world.commit(None).unwrap_err();
    assert_eq!((error.actual_version, error.reasons[0].event), (Some(1), 1));
    assert!(!world.stage.list(&world.log).unwrap().in_doubt);
    world.stage.drop_one(&world.log, 1).unwrap();
    assert_eq!(world.commit(None).unwrap().events.len(), 1);
}
