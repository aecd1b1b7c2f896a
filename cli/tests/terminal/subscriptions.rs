//! Subscriptions from the command line, and what becomes of them when processes die.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
};

use serde_json::{Value, json};

use crate::{crash::start, scratch::Scratch};

fn read(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn positions(lines: &str) -> Vec<u64> {
    lines.lines().map(|line| read(line)["event"]["position"].as_u64().unwrap()).collect()
}

#[test]
fn a_subscription_is_read_line_by_line() {
    let scratch = Scratch::started();
    for id in ["1", "2", "3"] {
        scratch.dbx(["aggregate", "apply", "order", id, "placed", "--payload", "{\"n\":1}"]).ok();
    }
    scratch.dbx(["aggregate", "apply", "thing", "1", "made"]).ok();
    let create = ["subscription", "create", "mail", "--type", "order", "--payload-mode", "event-only"];
    assert_eq!(scratch.json(create)["payload_mode"], "event-only");
    scratch.dbx(create).code(3).says("mail");
    scratch.dbx(["subscription", "create", "bad", "--from", "99", "--type", "[x]"]).code(3).says("[x]");

    let first = scratch.dbx(["subscribe", "mail", "--max", "2"]).ok().stdout;
    assert_eq!(positions(&first), [1, 2]);
    assert_eq!(read(first.lines().next().unwrap())["event"]["payload"], json!({"n": 1}));
    let looked = scratch.dbx(["subscribe", "mail", "--once", "--no-ack"]).ok().stdout;
    assert_eq!(positions(&looked), [3]);
    assert_eq!(scratch.dbx(["subscribe", "mail", "--once"]).ok().stdout, "", "it is in flight");
    let ack = read(looked.trim())["ack"].as_str().unwrap().to_owned();
    assert_eq!(scratch.json(["subscription", "ack", "mail", &ack]), json!({"acknowledged": 1, "stale": []}));
    assert_eq!(scratch.json(["subscription", "nack", "mail", &ack])["stale"], json!([ack]));

    let shown = scratch.json(["subscription", "show", "mail"]);
    assert_eq!((&shown["acknowledged"], &shown["in_flight"]), (&json!(3), &json!(0)));
    assert_eq!(scratch.json(["subscription", "list"])["rows"][0]["name"], "mail");
    scratch.dbx(["subscription", "list"]).ok();
    scratch.dbx(["subscription", "show", "mail"]).ok();
    assert_eq!(scratch.json(["subscription", "queue", "list", "mail"])["rows"], json!([]));
    assert_eq!(scratch.json(["subscription", "queue", "retry", "mail", "all"]), json!({"entries": 0}));
    scratch.dbx(["subscription", "queue", "discard", "mail", "7"]).code(4);
    assert_eq!(scratch.json(["subscription", "delete", "mail"]), json!({"deleted": "mail"}));
    scratch.dbx(["subscribe", "mail", "--once"]).code(4);
}

/// Readers that are killed, and a daemon that is: each event comes at least once, and those of an aggregate in order.
#[test]
fn killed_readers_and_a_killed_daemon_lose_nothing() {
    let scratch = Scratch::new();
    let mut daemon = start(&scratch);
    let line = |n: u64| {
        let (id, payload) = (format!("o-{}", n % 5), json!({ "n": n }));
        json!({ "aggregate_type": "order", "aggregate_id": id, "event_type": "changed", "payload": payload })
    };
    let lines: String = (0..200).map(|n| format!("{}\n", line(n))).collect();
    let file = scratch.file("orders.ndjson", lines);
    scratch.dbx(["import".as_ref(), file.as_os_str()]).ok();
    scratch.dbx(["subscription", "create", "s", "--ack-timeout", "500", "--max-attempts", "100"]).ok();

    let mut seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut note = |line: &str| {
        let event = read(line)["event"].clone();
        let aggregate = event["aggregate_id"].as_str().unwrap().to_owned();
        seen.entry(aggregate).or_default().push(event["version"].as_u64().unwrap());
    };
    for round in 0..3 {
        let mut reader = scratch.spawn(["subscribe", "s", "--batch", "10"]);
        let mut lines = BufReader::new(reader.stdout.take().unwrap()).lines();
        // In the middle of a batch, so that some of it was not acknowledged.
        for _ in 0..15 {
            note(&lines.next().unwrap().unwrap());
        }
        reader.kill().unwrap();
        lines.map_while(Result::ok).filter(|line| line.ends_with('}')).for_each(|line| note(&line));
        reader.wait().unwrap();
        if round == 1 {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
            daemon = start(&scratch);
        }
    }
    // Two at once read the rest. Each ends by being killed once nothing is behind any more.
    let mut readers: Vec<_> = (0..2).map(|_| scratch.spawn(["subscribe", "s"])).collect();
    while scratch.json(["subscription", "show", "s"])["lag_events"] != 0 {
        std::thread::yield_now();
    }
    let mut rest = Vec::new();
    for reader in &mut readers {
        reader.kill().unwrap();
        let lines = BufReader::new(reader.stdout.take().unwrap()).lines();
        let lines: Vec<_> = lines.map_while(Result::ok).filter(|line| line.ends_with('}')).collect();
        reader.wait().unwrap();
        rest.extend(lines);
    }
    // Between two readers the order of lines says nothing; within an aggregate versions do.
    rest.sort_by_key(|line| read(line)["event"]["position"].as_u64());
    rest.iter().for_each(|line| note(line));
    for (aggregate, versions) in &seen {
        let all: BTreeSet<_> = versions.iter().copied().collect();
        assert_eq!(all, (1..=40).collect(), "{aggregate}");
        let mut most = 0;
        for version in versions {
            assert!(*version <= most + 1, "{aggregate}: {version} came before {}", most + 1);
            most = most.max(*version);
        }
    }
    assert_eq!(seen.len(), 5);
    scratch.dbx(["stop"]).ok();
    assert!(daemon.wait().unwrap().success());
}
