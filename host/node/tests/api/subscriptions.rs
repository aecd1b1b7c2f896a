//! Subscriptions over the socket: long polls, acknowledgements, restarts, deletions.

use eventdbx_node::{client::Client, wire::ErrorCode};
use hyper::Method;
use serde_json::{Value, json};

use crate::support::Node;

const ALL: &str = "/v1/domains/default/subscriptions";

#[expect(clippy::needless_pass_by_value, reason = "a request is made where it is passed")]
fn subscribe(node: &mut Node, request: Value) -> Value {
    let answer = node.post(ALL, &request);
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

fn take(node: &mut Node, name: &str, parameters: &str) -> Vec<Value> {
    let answer = node.get(&format!("{ALL}/{name}/deliveries?{parameters}"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["rows"].as_array().unwrap().clone()
}

fn positions(deliveries: &[Value]) -> Vec<u64> {
    deliveries.iter().map(|delivery| delivery["event"]["position"].as_u64().unwrap()).collect()
}

fn ack(node: &mut Node, name: &str, deliveries: &[Value]) -> Value {
    let acks: Vec<_> = deliveries.iter().map(|delivery| delivery["ack"].clone()).collect();
    let answer = node.post(&format!("{ALL}/{name}/ack"), &json!({ "acks": acks }));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

#[test]
fn a_subscription_lives_its_life() {
    let mut node = Node::start();
    node.write("1", "placed", json!({"n": 1}));
    let made = subscribe(&mut node, json!({"name": "mail", "types": ["order"], "payload_mode": "event-only"}));
    assert_eq!((&made["cursor"], &made["from"], &made["ack_timeout_ms"]), (&json!(0), &json!(1), &json!(30000)));
    node.post(ALL, &json!({"name": "mail"})).refused(ErrorCode::Conflict);
    let rows = take(&mut node, "mail", "member=a");
    assert_eq!(positions(&rows), [1]);
    let delivery = &rows[0];
    for (member, value) in [
        ("domain", json!("default")),
        ("subscription", json!("mail")),
        ("attempt", json!(1)),
        ("phase", json!("catch-up")),
        ("payload_mode", json!("event-only")),
        ("schema", Value::Null),
    ] {
        assert_eq!(delivery[member], value, "{member}");
    }
    assert_eq!((&delivery["event"]["payload"], &delivery["event"]["state"]), (&json!({"n": 1}), &Value::Null));
    let status = node.get(&format!("{ALL}/mail")).body;
    assert_eq!(status["members"], json!([{"name": "a", "in_flight": 1}]));
    assert_eq!(ack(&mut node, "mail", &rows), json!({"acknowledged": 1, "stale": []}));
    assert_eq!(ack(&mut node, "mail", &rows)["stale"][0], rows[0]["ack"]);
    assert_eq!(node.get(ALL).body["rows"][0]["acknowledged"], 1);
    assert_eq!(node.send(Method::DELETE, &format!("{ALL}/mail"), "").status, 204);
    node.get(&format!("{ALL}/mail")).refused(ErrorCode::NotFound);
    node.get(&format!("{ALL}/mail/deliveries")).refused(ErrorCode::NotFound);

    let told = node.list("aggregates/$subscription/mail/events", &[]).body["rows"].clone();
    let told: Vec<_> = told.as_array().unwrap().iter().map(|event| event["event_type"].as_str().unwrap()).collect();
    assert_eq!(told, ["$subscription_created", "$subscription_deleted"]);
}

#[test]
fn who_waits_is_told_at_once_and_of_nothing_twice() {
    let mut node = Node::start();
    subscribe(&mut node, json!({"name": "s", "from": "end"}));
    assert_eq!(take(&mut node, "s", "wait_ms=0"), Vec::<Value>::new());
    let (socket, before) = (node.running().socket(), std::time::Instant::now());
    let waiting = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut client = Client::connect(&socket).await.unwrap();
            let path = format!("{ALL}/s/deliveries?member=w&wait_ms=60000");
            client.call::<Value>(Method::GET, &path, "").await.unwrap()
        })
    });
    while node.get(&format!("{ALL}/s")).body["members"].as_array().is_none_or(|members| members.len() < 2) {
        std::thread::yield_now();
    }
    let written = node.write("1", "placed", json!({}))["position"].clone();
    let answer = waiting.join().unwrap();
    assert_eq!((&answer["rows"][0]["event"]["position"], &answer["rows"][0]["phase"]), (&written, &json!("live")));
    assert!(before.elapsed().as_secs() < 50);
    assert!(take(&mut node, "s", "member=other").is_empty(), "the aggregate is with w");
}

#[test]
fn an_acknowledgement_wakes_whoever_waits_for_the_aggregate() {
    let mut node = Node::start();
    subscribe(&mut node, json!({"name": "s", "ack_timeout_ms": 3_600_000}));
    node.write("1", "placed", json!({}));
    node.write("1", "paid", json!({}));
    let first = take(&mut node, "s", "member=a&max=1");
    assert_eq!(positions(&first), [2], "the first position tells of the subscription");
    let socket = node.running().socket();
    let waiting = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut client = Client::connect(&socket).await.unwrap();
            let path = format!("{ALL}/s/deliveries?member=b&wait_ms=60000");
            client.call::<Value>(Method::GET, &path, "").await.unwrap()
        })
    });
    while node.get(&format!("{ALL}/s")).body["members"].as_array().is_none_or(|members| members.len() < 2) {
        std::thread::yield_now();
    }
    ack(&mut node, "s", &first);
    assert_eq!(positions(waiting.join().unwrap()["rows"].as_array().unwrap()), [3]);
}

#[test]
fn a_restart_brings_again_what_was_not_acknowledged() {
    let mut node = Node::start();
    for id in ["1", "2", "3"] {
        node.write(id, "placed", json!({}));
    }
    subscribe(&mut node, json!({"name": "s", "types": ["order"]}));
    let rows = take(&mut node, "s", "");
    ack(&mut node, "s", &rows[1..2]);
    let mut node = node.restart();
    assert_eq!(node.get(&format!("{ALL}/s")).body["acknowledged"], 1);
    let again = take(&mut node, "s", "");
    assert_eq!(positions(&again), [1, 3]);
    assert_eq!(ack(&mut node, "s", &rows)["acknowledged"], 0, "those of before are stale");
    assert_eq!(ack(&mut node, "s", &again)["acknowledged"], 2);
}

#[test]
fn what_fails_is_parked_and_can_be_retried_and_discarded() {
    let mut node = Node::start();
    node.write("1", "placed", json!({}));
    node.write("2", "placed", json!({}));
    subscribe(&mut node, json!({"name": "s", "types": ["order"], "max_attempts": 1}));
    let rows = take(&mut node, "s", "");
    let nack = |rows: &[Value], reason: &str| json!({"acks": [rows[0]["ack"]], "reason": reason});
    let answer = node.post(&format!("{ALL}/s/nack"), &nack(&rows, "the printer is out of paper"));
    assert_eq!(answer.body, json!({"returned": 0, "parked": 1, "stale": []}));
    ack(&mut node, "s", &rows[1..]);
    let entry = node.get(&format!("{ALL}/s/queue")).body["rows"][0].clone();
    assert_eq!(entry["reason"], "the printer is out of paper");
    assert_eq!((&entry["aggregate_id"], &entry["first_position"]), (&json!("1"), &json!(1)));
    let retry = format!("{ALL}/s/queue/{}/retry", entry["id"].as_str().unwrap());
    assert_eq!(node.send(Method::POST, &retry, "").body, json!({"entries": 1}));
    let rows = take(&mut node, "s", "");
    assert_eq!(positions(&rows), [1]);
    node.post(&format!("{ALL}/s/nack"), &nack(&rows, "still"));
    assert_eq!(node.send(Method::POST, &format!("{ALL}/s/queue/all/discard"), "").body, json!({"entries": 1}));
    assert!(take(&mut node, "s", "").is_empty());
    assert_eq!(node.get(&format!("{ALL}/s/queue")).body["rows"], json!([]));
    node.send(Method::POST, &retry, "").refused(ErrorCode::NotFound);
}

#[test]
fn bad_requests_are_refused_with_every_reason() {
    let mut node = Node::start();
    let request = json!({
        "name": "s", "types": ["[a]"], "payload_mode": "everything", "from": "99", "ack_timeout_ms": 1, "max_attempts": 0,
    });
    let error = node.post(ALL, &request).refused(ErrorCode::Refused);
    let paths: Vec<_> = error.reasons.iter().map(|reason| reason.path.as_str()).collect();
    assert_eq!(paths, ["payload_mode", "from", "ack_timeout_ms", "max_attempts", "globs"]);
    node.post(ALL, &json!({"name": "no name"})).refused(ErrorCode::BadRequest);
    subscribe(&mut node, json!({"name": "s"}));
    node.get(&format!("{ALL}/s/deliveries?wait_ms=60001")).refused(ErrorCode::BadRequest);
    node.get(&format!("{ALL}/s/deliveries?member=")).refused(ErrorCode::BadRequest);
    node.post(&format!("{ALL}/s/ack"), &json!({"acks": ["nonsense"]})).refused(ErrorCode::BadRequest);
    let many = vec!["1.1"; 1025];
    let error = node.post(&format!("{ALL}/s/ack"), &json!({ "acks": many })).refused(ErrorCode::BadRequest);
    assert!(error.reasons[0].message.contains("ACKS"), "{error:?}");
    for n in 1..64 {
        subscribe(&mut node, json!({"name": format!("s{n}")}));
    }
    let error = node.post(ALL, &json!({"name": "one-too-many"})).refused(ErrorCode::Refused);
    assert!(error.message.contains("SUBSCRIPTIONS"), "{error:?}");
}

#[test]
fn a_domain_is_deleted_under_whoever_waits() {
    let mut node = Node::start();
    assert_eq!(node.send(Method::PUT, "/v1/domains/side", "").status, 201);
    let all = "/v1/domains/side/subscriptions";
    assert_eq!(node.post(all, &json!({"name": "s", "from": "end"})).status, 201);
    let socket = node.running().socket();
    let waiting = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut client = Client::connect(&socket).await.unwrap();
            let path = "/v1/domains/side/subscriptions/s/deliveries?member=w&wait_ms=60000";
            client.request(Method::GET, path, "").await.unwrap()
        })
    });
    while node.get(&format!("{all}/s")).body["members"].as_array().is_none_or(Vec::is_empty) {
        std::thread::yield_now();
    }
    assert!(node.send(Method::DELETE, "/v1/domains/side?force=true", "").status.is_success());
    let (status, body) = waiting.join().unwrap();
    assert_eq!(status, 404, "{body:?}");
    assert_eq!(node.send(Method::PUT, "/v1/domains/side", "").status, 201);
    assert_eq!(node.get(all).body["rows"], json!([]), "nothing of it is left");
}
