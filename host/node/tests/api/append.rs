//! Writing, when all is well.

use std::sync::Arc;

use eventdbx_node::client::Client;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Node, order};

#[test]
fn an_event_is_written_and_read_back() {
    let mut node = Node::start();
    let event = json!({
        "aggregate_type": "order", "aggregate_id": "o-1", "event_type": "order_placed",
        "payload": { "total": "12.50", "items": 2 }, "metadata": { "source": "web" }, "extensions": { "@trace": "t1" },
        "note": "first", "occurred_at": "2026-01-02T03:04:05+01:00", "expect": "none"
    });
    let answer = node.append(json!([event]));
    assert_eq!(answer.status, 200);
    assert_eq!((&answer.body["durability"], &answer.body["duplicate"]), (&json!("sync"), &json!(false)));
    let receipt = &answer.body["events"][0];
    assert_eq!((&receipt["position"], &receipt["version"]), (&json!(1), &json!(1)));

    let id = receipt["event_id"].as_str().unwrap().to_owned();
    let read = node.get(&format!("/v1/domains/default/events/{id}")).body;
    for field in
        ["aggregate_type", "aggregate_id", "event_type", "payload", "metadata", "extensions", "note", "occurred_at"]
    {
        assert_eq!(read[field], event[field], "{field}");
    }
    assert_eq!((&read["kind"], &read["patch"]), (&json!("payload"), &Value::Null));
    assert_eq!(read["digest"], receipt["digest"]);
    assert_eq!(read["recorded_at"], receipt["recorded_at"]);
    assert!(!read["actor"].as_str().unwrap().is_empty());
}

#[test]
fn a_payload_comes_back_as_it_was_sent() {
    let mut node = Node::start();
    let body = r#"{"events":[{"aggregate_type":"order","aggregate_id":"1","event_type":"e","payload":{"b" : 1.50,"a":"\u00e9"}}]}"#;
    assert_eq!(node.send(Method::POST, "/v1/domains/default/append", body).status, 200);
    let request = node.client.request(Method::GET, "/v1/domains/default/events", "");
    let (_, page) = node.runtime.block_on(request).unwrap();
    assert!(String::from_utf8(page.to_vec()).unwrap().contains(r#""payload":{"b" : 1.50,"a":"\u00e9"},"#));
}

#[test]
fn a_batch_is_written_as_one_and_a_patch_changes_the_state() {
    let mut node = Node::start();
    let patch = json!({
        "aggregate_type": "order", "aggregate_id": "1", "event_type": "changed",
        "patch": [{ "op": "replace", "path": "/a", "value": [1, 2] }], "expect": 1
    });
    let answer = node.append(json!([order("1", "made", json!({ "a": 1 })), patch, order("2", "made", json!({}))]));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let positions: Vec<_> = answer.body["events"].as_array().unwrap().iter().map(|event| &event["position"]).collect();
    assert_eq!(positions, [1, 2, 3]);
    let order = node.get("/v1/domains/default/aggregates/order/1").body;
    assert_eq!((&order["version"], &order["state"]), (&json!(2), &json!({ "a": [1, 2] })));
    let events = node.get("/v1/domains/default/aggregates/order/1/events").body;
    assert_eq!(events["rows"][1]["kind"], "patch");
    assert_eq!(events["rows"][1]["patch"][0]["op"], "replace");
}

#[test]
fn a_request_that_comes_again_is_answered_with_its_first_receipt() {
    let mut node = Node::start();
    let request = json!({ "key": "k-1", "events": [order("1", "made", json!({ "a": 1 }))] });
    let first = node.post("/v1/domains/default/append", &request).body;
    let again = node.post("/v1/domains/default/append", &request).body;
    assert_eq!(again["events"], first["events"]);
    assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
    assert_eq!(node.head(), 1);
}

#[test]
fn many_clients_write_at_once_and_every_position_is_given_once() {
    const CLIENTS: u64 = 16;
    const EVENTS: u64 = 20;
    let node = Node::start();
    let socket = Arc::new(node.running().socket());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut positions = runtime.block_on(async {
        let mut clients = tokio::task::JoinSet::new();
        for id in 0..CLIENTS {
            let socket = Arc::clone(&socket);
            clients.spawn(async move {
                let mut client = Client::connect(&socket).await.unwrap();
                let mut positions = Vec::new();
                for count in 0..EVENTS {
                    // Half of them fight over one aggregate.
                    let id = if id % 2 == 0 { "shared".to_owned() } else { format!("own-{id}") };
                    let body = json!({ "events": [order(&id, "counted", json!({ "count": count }))] }).to_string();
                    let path = "/v1/domains/default/append";
                    let receipt: Value = client.call(Method::POST, path, body).await.unwrap();
                    positions.push(receipt["events"][0]["position"].as_u64().unwrap());
                }
                assert!(positions.is_sorted());
                positions
            });
        }
        clients.join_all().await.concat()
    });
    positions.sort_unstable();
    assert_eq!(positions, (1..=CLIENTS * EVENTS).collect::<Vec<_>>());
}
