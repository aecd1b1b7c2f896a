//! Snapshots over the socket: taken on demand and when due, listed, read, verified; and what is not there.

use std::fs;

use eventdbx_node::wire::ErrorCode;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Node};

const SNAPSHOTS: &str = "/v1/domains/default/aggregates/order/1/snapshots";

fn at(rest: &str) -> String {
    format!("{SNAPSHOTS}/{rest}")
}

#[track_caller]
fn done(answer: Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

#[test]
fn a_snapshot_is_taken_once_and_is_what_the_events_fold_to() {
    let mut node = Node::start();
    for n in 1..=3 {
        node.write("1", "made", json!({ "n": n }));
    }
    assert_eq!(done(node.get(SNAPSHOTS))["rows"], json!([]));
    let taken = done(node.post(SNAPSHOTS, &json!({})));
    assert_eq!((&taken["version"], &taken["position"]), (&json!(3), &json!(4)));
    assert_eq!(done(node.post(SNAPSHOTS, &json!({}))), taken, "nothing more is taken");
    assert_eq!(node.head(), 4);
    node.write("1", "made", json!({ "n": 4 }));
    assert_eq!(done(node.post(SNAPSHOTS, &json!({})))["version"], 4);
    let rows = done(node.get(SNAPSHOTS))["rows"].clone();
    assert_eq!((&rows[0], &rows[1]["version"], rows.as_array().unwrap().len()), (&taken, &json!(4), 2));

    let view = done(node.get(&at("3")));
    assert_eq!((&view["aggregate_type"], &view["aggregate_id"]), (&json!("order"), &json!("1")));
    assert_eq!((&view["state"], &view["hash"]), (&json!({ "n": 3 }), &taken["hash"]));
    assert_eq!(view["salt"].as_str().unwrap().len(), 64);
    assert_eq!(done(node.send(Method::POST, &at("3/verify"), "")), json!({ "version": 3, "findings": [] }));
    let events = node.get("/v1/domains/default/events?type=$domain&id=snapshots&system=true").body;
    assert_eq!(events["rows"][0]["payload"]["hash"], taken["hash"]);

    let mut node = node.restart();
    assert_eq!(done(node.get(SNAPSHOTS))["rows"], rows);
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut node = Node::start();
    for (method, path) in [(Method::GET, SNAPSHOTS.to_owned()), (Method::POST, SNAPSHOTS.to_owned())] {
        let error = node.send(method, &path, "").refused(ErrorCode::NotFound);
        assert_eq!(error.message, "there is no aggregate order/1");
    }
    node.write("1", "made", json!({}));
    for (method, path) in [(Method::GET, at("1")), (Method::POST, at("1/verify")), (Method::GET, at("0"))] {
        let error = node.send(method, &path, "").refused(ErrorCode::NotFound);
        assert!(error.message.contains("snapshot of order/1") && error.hint.unwrap().contains("list order 1"));
    }
    node.get(&at("first")).refused(ErrorCode::BadRequest);
    let own = "/v1/domains/default/aggregates/$domain/settings/snapshots";
    node.post(own, &json!({})).refused(ErrorCode::Refused);
    assert_eq!(node.head(), 1);
}

#[test]
fn hidden_fields_stay_hidden_and_the_salt_with_them() {
    let mut node = Node::start();
    node.write("1", "made", json!({ "n": 1, "pin": "s3cr3t" }));
    done(node.post(SNAPSHOTS, &json!({})));
    let whole = done(node.get(&at("1")));
    let schema =
        json!({ "aggregate": "order", "additional": true, "fields": { "pin": { "type": "text", "hidden": true } } });
    done(node.send(Method::PUT, "/v1/domains/default/schemas/order", schema.to_string()));
    let shown = done(node.get(&at("1")));
    assert_eq!((&shown["state"], &shown["salt"]), (&json!({ "n": 1 }), &Value::Null));
    assert_eq!(shown["hash"], whole["hash"]);
    assert_eq!(done(node.get(&at("1?hidden=true"))), whole);
}

#[test]
fn the_threshold_is_a_key_of_the_configuration() {
    for (threshold, versions) in [("2", vec![2, 4]), ("0", vec![])] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("config.toml"), format!("[log]\nsnapshot_threshold = {threshold}\n")).unwrap();
        let mut node = Node::start_in(dir);
        for n in 1..=5 {
            node.write("1", "made", json!({ "n": n }));
        }
        let rows = done(node.get(SNAPSHOTS))["rows"].as_array().unwrap().clone();
        let found: Vec<_> = rows.iter().map(|row| row["version"].as_u64().unwrap()).collect();
        assert_eq!(found, versions, "{threshold}");
    }
}
