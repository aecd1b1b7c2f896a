//! Reading as people do it: filters, orders, times, cursors, and what they are told when they slip.

use std::io::{BufRead, BufReader};

use serde_json::{Value, json};

use crate::scratch::{Scratch, repository};

/// A day of flights.
fn flights() -> Scratch {
    let scratch = Scratch::started();
    let file = repository().join("tests/data/flights-2013-01-01.ndjson.gz");
    scratch.dbx(["import".as_ref(), file.as_os_str()]).ok();
    scratch
}

fn rows(document: &Value) -> &Vec<Value> {
    document["rows"].as_array().unwrap()
}

#[test]
fn a_day_of_flights_is_read_in_any_way() {
    let scratch = flights();
    let late = scratch.json([
        "events",
        "--filter",
        "event_type = 'flight_departed' AND delay_minutes > 300",
        "--limit",
        "all",
    ]);
    assert!(
        !rows(&late).is_empty() && rows(&late).iter().all(|row| row["payload"]["delay_minutes"].as_f64() > Some(300.0))
    );
    let all = ["events", "--filter", "event_type = 'flight_departed'", "--format", "ndjson", "--limit", "all"];
    let departed = scratch.dbx(all).ok().stdout;
    assert_eq!(departed.lines().count(), 838);
    let late_ones = departed
        .lines()
        .filter(|line| serde_json::from_str::<Value>(line).unwrap()["payload"]["delay_minutes"].as_f64() > Some(300.0));
    assert_eq!(late_ones.count(), rows(&late).len());

    // The most delayed ones, three pages of two against one of six.
    let worst = ["events", "flight", "--filter", "delay_minutes IS NOT NULL", "--sort", "delay_minutes desc"];
    let once = scratch.json(worst.into_iter().chain(["--limit", "6"]));
    let mut cursor: Option<String> = None;
    let mut pages = Vec::new();
    for _ in 0..3 {
        let cursor_option = cursor.iter().flat_map(|cursor| ["--cursor", cursor.as_str()]);
        let page = scratch.json(worst.into_iter().chain(["--limit", "2"]).chain(cursor_option));
        pages.extend(rows(&page).iter().map(|row| row["position"].clone()));
        cursor = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(pages, rows(&once).iter().map(|row| row["position"].clone()).collect::<Vec<_>>());
    let delays: Vec<_> = rows(&once).iter().map(|row| row["payload"]["delay_minutes"].as_f64()).collect();
    assert!(delays.is_sorted_by(|a, b| a >= b), "{delays:?}");

    let listed =
        scratch.json(["aggregate", "list", "flight", "--filter", "version = 3", "--sort", "aggregate_id desc"]);
    let ids: Vec<_> = rows(&listed).iter().map(|row| row["aggregate_id"].as_str().unwrap()).collect();
    assert!(ids.len() == 100 && ids.is_sorted_by(|a, b| a > b));
}

#[test]
fn an_aggregate_is_read_as_it_was_at_a_time() {
    let scratch = Scratch::started();
    let occurred = ["--occurred-at", "2013-01-01T05:17:00-05:00"];
    scratch.dbx(["aggregate", "apply", "order", "1", "placed", "--field", "total=1"].into_iter().chain(occurred)).ok();
    let placed = scratch.json(["events"])["rows"][0]["recorded_at"].as_str().unwrap().to_owned();
    scratch.dbx(["aggregate", "apply", "order", "1", "paid", "--field", "total=2"]).ok();
    let get = |options: &[&str]| {
        let get = ["aggregate", "get", "order", "1"];
        scratch.json(get.into_iter().chain(options.iter().copied()))["version"].clone()
    };
    assert_eq!(get(&["--at", &placed]), 1);
    assert_eq!(get(&["--at", "2999-01-01"]), 2);
    assert_eq!(get(&["--at", "2013-01-01T10:17:00Z", "--occurred"]), 1);
    let selected = scratch.json(["aggregate", "select", "order", "1", "total", "--at", &placed]);
    assert_eq!(selected, json!({ "total": 1 }));
    scratch.dbx(["aggregate", "get", "order", "1", "--at", "2013-01-01"]).code(4).says("it came later");
    scratch.dbx(["aggregate", "get", "order", "1", "--at", "noon"]).code(3).says("at: \"noon\" is no time");
    scratch.dbx(["aggregate", "get", "order", "1", "--occurred"]).code(2);
    scratch.dbx(["aggregate", "get", "order", "1", "--at", "2013-01-01", "--version", "1"]).code(2);
}

#[test]
fn paths_are_dotted_quoted_or_pointers() {
    let scratch = Scratch::started();
    let payload = r#"{"a":{"odd key":[{"b.c":7}]},"x":null}"#;
    scratch.dbx(["aggregate", "apply", "thing", "1", "made", "--payload", payload]).ok();
    for path in [r#"a."odd key"[0]."b.c""#, r#"a."odd key".0."b.c""#, "/a/odd key/0/b.c"] {
        let selected = scratch.json(["aggregate", "select", "thing", "1", path]);
        assert_eq!(selected, json!({ path: 7 }));
    }
    let ran = scratch.dbx(["aggregate", "select", "thing", "1", "a..b"]).code(3);
    assert!(ran.stderr.contains("\n    a..b\n      ^\n"), "{}", ran.stderr);
}

#[test]
fn a_slip_in_a_filter_has_a_caret_under_it() {
    let scratch = Scratch::started();
    let ran = scratch.dbx(["events", "--filter", "event_type = 'a' AND totl >"]).code(3);
    assert_eq!(ran.stdout, "");
    let lines: Vec<_> = ran.stderr.lines().collect();
    let place = lines.iter().position(|line| line.contains("totl >")).unwrap();
    assert_eq!(lines[place + 1].find('^'), Some(lines[place].len()), "{}", ran.stderr);

    scratch.dbx(["events", "--filter", "event_typ = 'a'"]).code(3).says("`event_type`");
    scratch.dbx(["events", "--sort", ""]).code(3).says("a path is missing");
    scratch.dbx(["events", "--since", "2013-01-02", "--until", "2013-01-01"]).code(3).says("before `since`");
    scratch.dbx(["events", "--since", "yesterday"]).code(3).says("since: \"yesterday\" is no time");
    for id in ["a", "b"] {
        scratch.dbx(["aggregate", "apply", "thing", id, "made"]).ok();
    }
    let next = scratch.json(["events", "--limit", "1"])["next"].as_str().unwrap().to_owned();
    scratch.dbx(["events", "--cursor", &next, "--filter", "a = 1"]).code(3).says("another query");
    scratch.dbx(["aggregate", "list", "--cursor", &next]).code(3).says("another query");
    scratch.dbx(["events", "--cursor", "3"]).code(3).says("as `next`");
    scratch.dbx(["events", "--cursor", &next, "--from", "1"]).code(2);
    scratch.dbx(["events", "--sort", "a", "--reverse"]).code(2);
}

#[test]
fn following_with_a_filter_shows_history_and_then_what_is_new() {
    let scratch = Scratch::started();
    let write = |n: u64| {
        scratch.dbx(["aggregate", "apply", "thing", "a", "made", "--field", &format!("n={n}")]).ok();
    };
    [1, 20, 3].into_iter().for_each(write);
    let mut child = scratch.spawn(["events", "--follow", "--filter", "n > 10", "--format", "ndjson"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap()["payload"]["n"].clone();
    assert_eq!(next(), 20);
    [4, 50, 6, 70].into_iter().for_each(write);
    assert_eq!((next(), next()), (json!(50), json!(70)));
    child.kill().unwrap();
    child.wait().unwrap();
}
