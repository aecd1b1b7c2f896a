//! SIGKILL, again and again, in the middle of writing and of reading: what was acknowledged is there, and a projection has
//! counted each event once.
//!
//! `DBX_CRASH_ROUNDS=200 cargo test -p eventdbx --test terminal crash` looks longer.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::Child,
    sync::{Arc, Mutex},
};

use eventdbx_node::client::Client;
use hyper::Method;
use serde_json::{Value, json};

use crate::scratch::{Scratch, repository};

/// Clients that write at the same time.
const WRITERS: u64 = 4;

/// What the daemon has acknowledged: positions, with the ids of their events.
type Witness = Arc<Mutex<BTreeMap<u64, String>>>;

fn rounds() -> u64 {
    std::env::var("DBX_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(6)
}

/// A daemon that answers.
pub(crate) fn start(scratch: &Scratch) -> Child {
    let mut child = scratch.spawn(["start", "--foreground", "--format", "ndjson"]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("\"pid\""), "{line:?} {:?}", scratch.dbx(["status"]));
    child
}

/// Appends until the connection breaks, and notes what was acknowledged.
async fn write(socket: std::path::PathBuf, writer: u64, round: u64, witness: Witness) {
    let Ok(mut client) = Client::connect(&socket).await else { return };
    for n in 0_u64.. {
        let aggregate = format!("o-{writer}-{}", n % 5);
        let event = json!({
            "aggregate_type": "order", "aggregate_id": aggregate, "event_type": "order_changed", "payload": { "n": n },
        });
        let request = json!({ "events": [event], "key": format!("{round}/{writer}/{n}") });
        let answer = client.call::<Value>(Method::POST, "/v1/domains/default/append", request.to_string()).await;
        let Ok(receipt) = answer else { return };
        let event = &receipt["events"][0];
        let (position, id) = (event["position"].as_u64().unwrap(), event["event_id"].as_str().unwrap().to_owned());
        let before = witness.lock().unwrap().insert(position, id);
        assert_eq!(before, None, "position {position} was given twice");
    }
}

/// Writes with several clients and kills the daemon once so many more were acknowledged.
fn write_and_kill(scratch: &Scratch, mut daemon: Child, round: u64, more: usize, witness: &Witness) {
    let socket = scratch.data().join("dbx.sock");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let before = witness.lock().unwrap().len();
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| runtime.spawn(write(socket.clone(), writer, round, Arc::clone(witness)))).collect();
    while witness.lock().unwrap().len() < before + more {
        std::thread::yield_now();
    }
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    for writer in writers {
        runtime.block_on(writer).unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_and_is_counted_once() {
    let scratch = Scratch::new();
    let built = eventdbx_plugin_build::build_packages(repository(), &["eventdbx-guest-hostile"]).unwrap();
    let witness = Witness::default();
    let mut daemon = start(&scratch);
    let install = ["plugin".as_ref(), "install".as_ref(), built[0].component.as_os_str()];
    scratch.dbx(install).ok();
    for round in 0..rounds() {
        // From a few to some hundreds, so that the kill meets commits, catch-ups and flushes at different places.
        let more = 7 + usize::try_from(round * round * 37 % 600).unwrap();
        write_and_kill(&scratch, daemon, round, more, &witness);
        daemon = start(&scratch);
        let lines = scratch.dbx(["events", "--limit", "all", "--format", "ndjson"]).ok().stdout;
        let events: BTreeMap<u64, String> = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|event| (event["position"].as_u64().unwrap(), event["event_id"].as_str().unwrap().to_owned()))
            .collect();
        for (position, id) in &*witness.lock().unwrap() {
            assert_eq!(events.get(position), Some(id), "round {round}: position {position} was acknowledged");
        }
        // What was written and not acknowledged counts too from now on.
        *witness.lock().unwrap() = events;
    }
    let report = scratch.json(["aggregate", "verify"]);
    assert_eq!(report["findings"], json!([]));

    let positions: Vec<u64> = witness.lock().unwrap().keys().copied().collect();
    let last = positions.last().unwrap().to_string();
    let sum = scratch.json(["query", "hostile", "sum", "--wait", &last]);
    let expected = json!({ "sum": positions.iter().sum::<u64>(), "count": positions.len() });
    assert_eq!(sum["body"], expected);
    scratch.dbx(["stop"]).ok();
    assert!(daemon.wait().unwrap().success());
}
