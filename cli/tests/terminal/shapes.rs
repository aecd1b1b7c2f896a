//! Structured output: what `docs/CLI.md` promises, and JSON that comes out as it went in.

use std::io::{BufRead, BufReader, Read};

use serde_json::{Value, json};

use crate::scratch::Scratch;

#[test]
fn what_was_sent_comes_out_as_it_was_written() {
    let scratch = Scratch::started();
    let payload = r#"{"b": 1.50, "a": [1e2, "\u00e9"], "z": {"y": "x  y"}}"#;
    scratch.dbx(["aggregate", "apply", "thing", "1", "made", "--payload", payload]).ok();
    let line = scratch.dbx(["events", "--format", "ndjson"]).ok().stdout;
    assert!(
        line.contains(r#""payload":{"b":1.50,"a":[1e2,"\u00e9"],"z":{"y":"x  y"}}"#) || line.contains(payload),
        "{line}"
    );
    let laid_out = scratch.dbx(["events", "--format", "json"]).ok().stdout;
    assert!(laid_out.contains("\"b\": 1.50,"), "{laid_out}");
}

#[test]
fn an_event_takes_everything_that_can_be_said() {
    let scratch = Scratch::started();
    let payload = scratch.file("payload.json", r#"{"total": 3}"#);
    let payload = format!("@{}", payload.display());
    let arguments = [
        "aggregate",
        "create",
        "order",
        "1",
        "--event",
        "placed",
        "--payload",
        &payload,
        "--metadata",
        r#"{"m":1}"#,
        "--extensions",
        r#"{"@e":{}}"#,
        "--note",
        "by hand",
        "--occurred-at",
        "2013-01-01T05:17:00-05:00",
        "--key",
        "k",
    ];
    let receipt = scratch.json(arguments);
    assert_eq!(receipt["duplicate"], false);
    assert_eq!(scratch.json(arguments)["duplicate"], true);
    let event = scratch.json(["events", "order", "1"])["rows"][0].clone();
    for (member, value) in [
        ("payload", json!({"total": 3})),
        ("patch", Value::Null),
        ("metadata", json!({"m": 1})),
        ("extensions", json!({"@e": {}})),
        ("note", json!("by hand")),
        ("occurred_at", json!("2013-01-01T05:17:00-05:00")),
        ("kind", json!("payload")),
        ("event_id", receipt["events"][0]["event_id"].clone()),
        ("digest", receipt["events"][0]["digest"].clone()),
    ] {
        assert_eq!(event[member], value, "{member}");
    }
}

#[test]
fn payload_and_patch_come_from_standard_input_too() {
    let scratch = Scratch::started();
    scratch.dbx_given(r#"{"n": 1}"#, ["aggregate", "apply", "thing", "1", "made", "--payload", "-"]).ok();
    let patch = r#"[{"op":"remove","path":"/n"},{"op":"add","path":"/m","value":[1,2]}]"#;
    scratch.dbx_given(patch, ["aggregate", "patch", "thing", "1", "changed", "--patch", "-"]).ok();
    assert_eq!(scratch.json(["aggregate", "get", "thing", "1"])["state"], json!({"m": [1, 2]}));
    assert_eq!(scratch.json(["aggregate", "get", "thing", "1", "--version", "1"])["state"], json!({"n": 1}));
    let selected = scratch.json(["aggregate", "select", "thing", "1", "m.1", "/m/0"]);
    assert_eq!(selected, json!({"m.1": 2, "/m/0": 1}));
    scratch.dbx(["aggregate", "patch", "thing", "2", "changed", "--patch", patch]).code(3);
}

#[test]
fn listings_end_at_their_limit_and_say_how_to_go_on() {
    let scratch = Scratch::started();
    for id in ["a", "b", "c", "d", "e"] {
        scratch.dbx(["aggregate", "apply", "thing", id, "made"]).ok();
    }
    let page = scratch.json(["events", "--limit", "2"]);
    assert_eq!(positions(&page), [1, 2]);
    let next = page["next"].as_str().unwrap();
    assert_eq!(positions(&scratch.json(["events", "--cursor", next])), [3, 4, 5]);
    assert_eq!(positions(&scratch.json(["events", "--from", "3"])), [3, 4, 5]);
    assert_eq!(positions(&scratch.json(["events", "--reverse", "--limit", "2"])), [5, 4]);
    scratch.dbx(["events", "--limit", "2"]).ok().says(&format!("--cursor {next}"));
    let lines = scratch.dbx(["events", "--limit", "all", "--format", "ndjson"]).ok().stdout;
    assert_eq!(lines.lines().count(), 5);

    let page = scratch.json(["aggregate", "list", "thing", "--limit", "3"]);
    for way in [["--cursor", page["next"].as_str().unwrap()], ["--after", "thing/c"]] {
        let rest = scratch.json(["aggregate", "list", "thing"].into_iter().chain(way));
        let ids: Vec<_> = rest["rows"].as_array().unwrap().iter().map(|row| row["aggregate_id"].clone()).collect();
        assert_eq!(ids, ["d", "e"]);
    }
}

#[test]
fn archived_aggregates_leave_the_lists_and_come_back() {
    let scratch = Scratch::started();
    scratch.dbx(["aggregate", "apply", "thing", "a", "made"]).ok();
    scratch.dbx(["aggregate", "archive", "thing", "a", "--note", "done"]).ok();
    assert_eq!(scratch.json(["aggregate", "list"])["rows"], json!([]));
    assert_eq!(scratch.json(["aggregate", "list", "--archived"])["rows"][0]["archived"], true);
    scratch.dbx(["aggregate", "restore", "thing", "a"]).ok();
    assert_eq!(scratch.json(["aggregate", "list"])["rows"][0]["version"], 3);
    let report = scratch.json(["aggregate", "verify", "thing", "a"]);
    assert_eq!((&report["events"], &report["findings"]), (&json!(3), &json!([])));
    assert_eq!(scratch.json(["aggregate", "verify"])["aggregates"], 1);
}

#[test]
fn following_shows_history_and_then_what_is_new() {
    let scratch = Scratch::started();
    scratch.dbx(["aggregate", "apply", "thing", "a", "made"]).ok();
    let mut child = scratch.spawn(["events", "--follow", "--format", "ndjson"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap()["position"].clone();
    assert_eq!(next(), 1);
    scratch.dbx(["aggregate", "apply", "thing", "a", "changed"]).ok();
    scratch.dbx(["aggregate", "apply", "thing", "b", "made"]).ok();
    assert_eq!((next(), next()), (json!(2), json!(3)));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn nobody_is_told_that_a_reader_went_away() {
    let scratch = Scratch::started();
    let flights = crate::scratch::repository().join("tests/data/flights-2013-01-01.ndjson.gz");
    scratch.dbx(["import".as_ref(), flights.as_os_str()]).ok();
    let mut child = scratch.spawn(["events", "--limit", "all", "--format", "ndjson"]);
    let mut start = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn status_and_stats_have_their_documents() {
    let scratch = Scratch::started();
    scratch.dbx(["aggregate", "apply", "thing", "a", "made"]).ok();
    let status = scratch.json(["status"]);
    assert!(status["pid"].is_u64() && status["state"] == "running", "{status}");
    assert_eq!((&status["domains"][0]["name"], &status["domains"][0]["position"]), (&json!("default"), &json!(1)));
    let stats = scratch.json(["stats"]);
    assert_eq!((&stats["domains"][0]["events"], &stats["domains"][0]["plugins"]), (&json!(1), &json!([])));
    scratch.dbx(["status"]).ok();
    scratch.dbx(["stats"]).ok();
}

fn positions(page: &Value) -> Vec<u64> {
    page["rows"].as_array().unwrap().iter().map(|row| row["position"].as_u64().unwrap()).collect()
}
