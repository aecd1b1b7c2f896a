//! Staging: put aside, kept over a restart, written all at once or not at all.

use std::{fs, path::Path, thread};

use eventdbx_node::{client::Client, wire::ErrorCode};
use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Node, order};

const STAGE: &str = "/v1/domains/default/stage";
const COMMIT: &str = "/v1/domains/default/stage/commit";

impl Node {
    #[expect(clippy::needless_pass_by_value, reason = "they are made where they are passed")]
    fn stage(&mut self, events: Value) -> Answer {
        self.post(STAGE, &json!({ "events": events }))
    }

    fn commit(&mut self) -> Answer {
        self.send(Method::POST, COMMIT, "")
    }

    /// The ids of what is staged.
    fn staged(&mut self) -> Vec<u64> {
        let rows = self.get(STAGE).body["rows"].as_array().unwrap().clone();
        rows.iter().map(|row| row["id"].as_u64().unwrap()).collect()
    }
}

fn expecting(id: &str, event_type: &str, expect: Value) -> Value {
    let mut event = order(id, event_type, json!({ event_type: true }));
    event["expect"] = expect;
    event
}

#[test]
fn what_is_staged_survives_a_restart_and_is_written_in_its_order() {
    let mut node = Node::start();
    let payload = r#"{"b": 1.50, "a": "\u00e9"}"#;
    let event = r#""aggregate_type":"order","aggregate_id":"1","event_type":"placed","expect":"none""#;
    let answer = node.send(Method::POST, STAGE, format!(r#"{{"events":[{{{event},"payload":{payload}}}]}}"#));
    assert_eq!((answer.status.as_u16(), &answer.body["rows"][0]["id"]), (200, &json!(1)), "{}", answer.body);
    let mut patch = order("1", "changed", Value::Null);
    patch.as_object_mut().unwrap().remove("payload");
    patch["patch"] = json!([{ "op": "add", "path": "/c", "value": 2 }]);
    patch["expect"] = json!(1);
    let answer = node.stage(json!([patch, order("2", "placed", json!({}))]));
    assert_eq!((&answer.body["events"], &answer.body["rows"][1]["id"]), (&json!(3), &json!(3)), "{}", answer.body);
    assert_eq!(node.head(), 0);

    let mut node = node.restart();
    assert_eq!(node.staged(), [1, 2, 3]);
    assert!(!node.get(STAGE).body["rows"][0]["staged_by"].as_str().unwrap().is_empty());
    let receipt = node.send(Method::POST, COMMIT, r#"{"note":"at once"}"#);
    assert_eq!(receipt.status, 200, "{}", receipt.body);
    let places: Vec<_> =
        receipt.body["events"].as_array().unwrap().iter().map(|event| event["position"].clone()).collect();
    assert_eq!((places, &receipt.body["duplicate"]), (vec![json!(1), json!(2), json!(3)], &json!(false)));
    assert_eq!(node.staged(), [0; 0]);
    let events = node.get("/v1/domains/default/events").body;
    let types: Vec<_> = events["rows"].as_array().unwrap().iter().map(|event| event["event_type"].clone()).collect();
    assert_eq!(types, ["placed", "changed", "placed"]);
    assert_eq!(events["rows"][0]["note"], "at once");
    assert_eq!(node.get("/v1/domains/default/aggregates/order/1").body["state"], json!({ "a": "é", "b": 1.5, "c": 2 }));
}

#[test]
fn an_event_that_can_never_be_written_is_not_staged() {
    let mut node = Node::start();
    node.stage(json!([order("1", "placed", json!({}))]));
    let mut neither = order("1", "placed", json!({}));
    neither.as_object_mut().unwrap().remove("payload");
    node.stage(json!([neither])).refused(ErrorCode::BadRequest);
    let error = node.stage(json!([order("2", "placed", json!({})), order("a b", "Placed", json!([]))]));
    let error = error.refused(ErrorCode::Refused);
    let paths: Vec<_> = error.reasons.iter().map(|reason| (reason.event, reason.path.as_str())).collect();
    assert_eq!(paths, [(1, "/aggregate_id"), (1, "/event_type"), (1, "/payload")]);
    let mut patch = order("1", "changed", Value::Null);
    patch.as_object_mut().unwrap().remove("payload");
    patch["patch"] = json!([{ "op": "remove", "path": "/nothing" }]);
    node.stage(json!([patch])).refused(ErrorCode::Refused);
    node.stage(json!([])).refused(ErrorCode::BadRequest);
    assert_eq!(node.staged(), [1]);
}

#[test]
fn a_stage_holds_what_one_request_may_hold() {
    let mut node = Node::start();
    let many: Vec<_> = (0..1024).map(|number| order(&number.to_string(), "placed", json!({}))).collect();
    assert_eq!(node.stage(json!(many)).body["events"], 1024);
    let error = node.stage(json!([order("more", "placed", json!({}))])).refused(ErrorCode::Refused);
    assert!(error.message.contains("EVENTS_PER_REQUEST"), "{}", error.message);
    assert_eq!(node.send(Method::DELETE, STAGE, "").body["dropped"], 1024);

    let large = json!({ "text": "x".repeat(200 << 10) });
    for number in 0..4 {
        let ten: Vec<_> = (0..10).map(|_| order(&number.to_string(), "grown", large.clone())).collect();
        node.stage(json!(ten));
    }
    let error = node.stage(json!([order("more", "grown", large)])).refused(ErrorCode::Refused);
    assert!(error.message.contains("REQUEST_BYTES"), "{}", error.message);
    assert_eq!(node.commit().body["events"].as_array().unwrap().len(), 40);
}

#[test]
fn a_refused_commit_names_the_events_and_keeps_everything() {
    let mut node = Node::start();
    node.stage(json!([
        expecting("1", "placed", json!("none")),
        expecting("2", "placed", json!("none")),
        order("2", "paid", json!({}))
    ]));
    node.send(Method::DELETE, &format!("{STAGE}/1"), "");
    node.write("2", "came_first", json!({}));
    let before = node.get(STAGE).body;
    let error = node.commit().refused(ErrorCode::WrongVersion);
    assert_eq!((error.actual_version, error.reasons[0].event), (Some(1), 2));
    assert!(error.reasons[0].message.contains("staged event 2"), "{error:?}");
    assert_eq!((node.get(STAGE).body, node.head()), (before, 1));

    node.send(Method::POST, "/v1/domains/default/aggregates/order/2/archive", "");
    node.send(Method::DELETE, &format!("{STAGE}/2"), "");
    let error = node.commit().refused(ErrorCode::Archived);
    assert_eq!(error.reasons.iter().map(|reason| reason.event).collect::<Vec<_>>(), [3]);
    let error = node.send(Method::POST, COMMIT, json!({ "note": "x".repeat(129) }).to_string());
    assert_eq!(error.refused(ErrorCode::Refused).reasons[0].event, 3);

    node.send(Method::POST, "/v1/domains/default/aggregates/order/2/restore", "");
    assert_eq!(node.staged(), [3]);
    assert_eq!(node.commit().body["events"][0]["version"], 4);
}

#[test]
fn a_commit_is_repeated_with_its_key_and_answered_with_the_same_receipt() {
    let mut node = Node::start();
    node.commit().refused(ErrorCode::NotFound);
    node.stage(json!([order("1", "placed", json!({})), order("2", "placed", json!({}))]));
    let mut receipt = node.send(Method::POST, COMMIT, r#"{"key":"k"}"#).body;
    let mut node = node.restart();
    let again = node.send(Method::POST, COMMIT, r#"{"key":"k"}"#).body;
    receipt["duplicate"] = json!(true);
    assert_eq!(again, receipt);
    let error = node.commit().refused(ErrorCode::NotFound);
    assert!(error.hint.unwrap().contains("position 1"));
    node.stage(json!([order("1", "paid", json!({}))]));
    node.send(Method::POST, COMMIT, r#"{"key":"k"}"#).refused(ErrorCode::KeyReused);
    assert_eq!(node.commit().body["events"][0]["position"], 3);
}

#[test]
fn one_event_is_dropped_or_all_and_ids_are_not_given_twice() {
    let mut node = Node::start();
    node.stage(json!([order("1", "a", json!({})), order("1", "b", json!({})), order("1", "c", json!({}))]));
    assert_eq!(node.send(Method::DELETE, &format!("{STAGE}/2"), "").body, json!({ "dropped": 1 }));
    node.send(Method::DELETE, &format!("{STAGE}/2"), "").refused(ErrorCode::NotFound);
    node.send(Method::DELETE, &format!("{STAGE}/two"), "").refused(ErrorCode::BadRequest);
    assert_eq!(node.send(Method::DELETE, STAGE, "").body, json!({ "dropped": 2 }));
    assert_eq!(node.send(Method::DELETE, STAGE, "").body, json!({ "dropped": 0 }));
    node.stage(json!([order("1", "d", json!({}))]));
    assert_eq!(node.staged(), [4]);
}

#[test]
fn what_is_staged_lies_sealed_in_its_domain_only() {
    const CANARY: &str = "canary-51c0ffee";
    let mut node = Node::start();
    node.stage(json!([order("1", "placed", json!({ "text": CANARY }))]));
    assert!(node.get(STAGE).body.to_string().contains(CANARY));
    assert_eq!(found_in(node.dir.path(), CANARY), Vec::<String>::new());
    assert_eq!(found_in(&node.dir.path().join("domains/default"), "stage-"), Vec::<String>::new());

    node.send(Method::PUT, "/v1/domains/other", "");
    let domains = node.dir.path().join("domains");
    fs::copy(domains.join("default/stage"), domains.join("other/stage")).unwrap();
    node.get("/v1/domains/other/stage").refused(ErrorCode::Integrity);
    node.post("/v1/domains/other/stage", &json!({ "events": [order("1", "a", json!({}))] }))
        .refused(ErrorCode::Integrity);
    assert_eq!(node.send(Method::DELETE, "/v1/domains/other/stage", "").status, 200);
    assert_eq!(node.get("/v1/domains/other/stage").body["events"], 0);
    assert_eq!(node.staged(), [1]);
}

#[test]
fn nothing_is_lost_between_those_who_stage_and_those_who_commit() {
    const WRITERS: usize = 4;
    const EVENTS: usize = 25;
    let mut node = Node::start();
    let socket = node.running().socket();
    let work = |writer: usize| {
        let socket = socket.clone();
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut client = Client::connect(&socket).await.unwrap();
                for number in 0..EVENTS {
                    let events = json!({ "events": [order(&format!("{writer}-{number}"), "placed", json!({}))] });
                    let (status, _) = client.request(Method::POST, STAGE, events.to_string()).await.unwrap();
                    assert_eq!(status, 200);
                    if number % 5 == writer {
                        client.request(Method::POST, COMMIT, "").await.unwrap();
                    }
                }
            });
        }
    };
    let writers: Vec<_> = (0..WRITERS).map(|writer| thread::spawn(work(writer))).collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    if !node.staged().is_empty() {
        assert_eq!(node.commit().status, 200);
    }
    let all = (WRITERS * EVENTS) as u64;
    assert_eq!((node.head(), node.get("/v1/stats").body["domains"][0]["aggregates"].as_u64()), (all, Some(all)));
}

/// The files that contain a text.
fn found_in(dir: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(found_in(&path, text));
        } else if path.is_file() && fs::read(&path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}
