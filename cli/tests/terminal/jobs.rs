//! Replays as jobs, from the command line: begun, watched, called off, and gone on with after SIGKILL.

use std::{
    io::{BufRead, BufReader},
    process::Child,
};

use serde_json::{Value, json};

use crate::scratch::{Scratch, repository};

/// Events of the packed day that the tests import.
const EVENTS: u64 = 2515;

/// Imports a day of flights, and installs a counter that sees all of it.
fn counted(scratch: &Scratch) -> Value {
    let counter = eventdbx_plugin_build::example("event-counter").unwrap();
    let packed = repository().join("tests/data/flights-2013-01-01.ndjson.gz");
    scratch.dbx(["import".as_ref(), packed.as_os_str()]).ok();
    scratch.dbx(["plugin".as_ref(), "install".as_ref(), counter.as_os_str()]).ok();
    counts(scratch)
}

fn counts(scratch: &Scratch) -> Value {
    scratch.json(["query", "event-counter", "counts", "--wait", "2515"])["body"].clone()
}

fn types_told(scratch: &Scratch) -> Vec<String> {
    let rows = scratch.json(["events", "$plugin", "event-counter", "--system"])["rows"].clone();
    rows.as_array().unwrap().iter().map(|event| event["event_type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn replays_are_jobs_that_can_be_watched_and_called_off() {
    let scratch = Scratch::started();
    let before = counted(&scratch);

    scratch.dbx(["plugin", "replay", "event-counter", "flight"]).code(3).says("idempotent");
    scratch.dbx(["plugin", "replay", "event-counter", "--from", "9999"]).code(3).says("ends at");
    let dry = scratch.json(["plugin", "replay", "event-counter", "--dry-run"]);
    assert_eq!((&dry["work"], &dry["state"], &dry["deliveries"]), (&json!("dry-run"), &json!("done"), &json!(EVENTS)));
    let found = &dry["differences"][0];
    let equal = before.as_object().unwrap().len();
    assert_eq!((&found["table"], &found["equal"], &found["differing"]), (&json!("counts"), &json!(equal), &json!(0)));

    let part = ["plugin", "replay", "event-counter", "--from", "1", "--to", "100", "--dry-run"];
    let found = scratch.json(part)["differences"][0].clone();
    assert!(found["differing"].as_u64().unwrap() > 0, "{found}");
    assert!(scratch.dbx(part).ok().stdout.contains("counts differs: flight_"));
    assert_eq!(counts(&scratch), before, "a dry run changes nothing");

    let slow = ["plugin", "replay", "event-counter", "--rate", "5", "--detach"];
    let job = scratch.json(slow);
    let id = job["id"].to_string();
    assert_eq!((&job["state"], &job["rate"]), (&json!("running"), &json!(5)));
    scratch.dbx(slow).code(3).says(&format!("job {id} of event-counter"));
    assert_eq!(scratch.json(["plugin", "jobs"])["rows"][0]["id"], job["id"]);
    scratch.dbx(["plugin", "jobs", "show", &id]).ok();
    assert_eq!(scratch.json(["plugin", "jobs", "cancel", &id])["state"], "cancelled");
    scratch.dbx(["plugin", "jobs", "cancel", &id]).code(3).says("cancelled already");
    scratch.dbx(["plugin", "jobs", "show", "99"]).code(4).says("job 99");
    assert_eq!(scratch.json(["plugin", "jobs"])["rows"], json!([]));
    assert_eq!(scratch.json(["plugin", "jobs", "--all"])["rows"].as_array().unwrap().len(), 4);
    assert_eq!(counts(&scratch), before);
    let told = types_told(&scratch);
    assert_eq!(told.iter().filter(|told| *told == "$plugin_replayed").count(), 4, "{told:?}");
    assert_eq!(told.iter().filter(|told| *told == "$plugin_replay_ended").count(), 4, "{told:?}");
}

#[test]
fn a_job_ends_with_its_plugin_and_waits_while_it_is_disabled() {
    let scratch = Scratch::started();
    counted(&scratch);
    let job = scratch.json(["plugin", "replay", "event-counter", "--rate", "5", "--detach"]);
    let id = job["id"].to_string();
    scratch.dbx(["plugin", "disable", "event-counter"]).ok();
    assert_eq!(scratch.json(["plugin", "jobs", "show", &id])["state"], "running");
    scratch.dbx(["plugin", "replay", "event-counter"]).code(5).says("disabled");
    scratch.dbx(["plugin", "uninstall", "event-counter"]).ok();
    let ended = scratch.json(["plugin", "jobs", "show", &id]);
    assert_eq!((&ended["state"], &ended["reason"]), (&json!("cancelled"), &json!("the plugin was uninstalled")));
}

/// A daemon that answers, and is killed with the test.
fn start(scratch: &Scratch) -> Child {
    let mut child = scratch.spawn(["start", "--foreground", "--format", "ndjson"]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("\"pid\""), "{line:?} {:?}", scratch.dbx(["status"]));
    child
}

#[test]
fn a_job_survives_sigkill_and_counts_each_event_once() {
    let scratch = Scratch::new();
    let mut daemon = start(&scratch);
    let before = counted(&scratch);
    let job = scratch.json(["plugin", "replay", "event-counter", "--rate", "600", "--detach"]);
    let id = job["id"].to_string();
    let show = || scratch.json(["plugin", "jobs", "show", &id]);
    for round in 1..=3 {
        while show()["position"].as_u64().unwrap() < 400 * round {}
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        daemon = start(&scratch);
        assert_eq!(show()["state"], "running", "it goes on");
    }
    let mut ended = show();
    while ended["state"] == "running" {
        ended = show();
    }
    assert_eq!((&ended["state"], &ended["deliveries"]), (&json!("done"), &json!(EVENTS)));
    assert_eq!(counts(&scratch), before);
    let status = scratch.json(["plugin", "status", "event-counter"]);
    assert_eq!(status["generation"], ended["generation"]);
    scratch.dbx(["stop"]).ok();
    daemon.wait().unwrap();
}
