//! Following: history, then live, nothing left out and nothing twice.

use bytes::Bytes;
use eventdbx_node::client::{Client, Lines, whole};
use hyper::Method;
use serde_json::{Value, json};

use crate::support::Node;

async fn follow(client: &mut Client, query: &str) -> Lines {
    let path = format!("/v1/domains/default/events?follow=true{query}");
    client.lines(Method::GET, &path, whole(Bytes::new())).await.unwrap()
}

async fn positions(lines: &mut Lines, count: usize) -> Vec<u64> {
    let mut positions = Vec::new();
    while positions.len() < count {
        let line = lines.next().await.unwrap().expect("the stream goes on");
        positions.push(serde_json::from_slice::<Value>(&line).unwrap()["position"].as_u64().unwrap());
    }
    positions
}

#[test]
fn history_and_live_events_come_without_gap_or_duplicate() {
    let mut node = Node::start();
    let line = |index: u64| json!({ "aggregate_type": "order", "aggregate_id": "1", "event_type": "e", "payload": { "index": index } });
    let import: String = (0..1500).map(|index| format!("{}\n", line(index))).collect();
    node.import(import);
    let socket = node.running().socket();
    // One writes while the other follows.
    let follower = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut client = Client::connect(&socket).await.unwrap();
            // EventDBX's own too: the snapshots that are taken on the way have positions as well.
            let mut lines = follow(&mut client, "&system=true").await;
            positions(&mut lines, 3000).await
        })
    });
    let import: String = (1500..3000).map(|index| format!("{}\n", line(index))).collect();
    node.import(import);
    assert_eq!(follower.join().unwrap(), (1..=3000).collect::<Vec<_>>());
}

#[test]
fn a_follower_sees_only_what_it_asked_for() {
    let mut node = Node::start();
    node.write("a", "made", json!({}));
    let mut client = node.runtime.block_on(Client::connect(&node.running().socket())).unwrap();
    let mut other = node.runtime.block_on(Client::connect(&node.running().socket())).unwrap();
    let mut of_b = node.runtime.block_on(follow(&mut client, "&type=order&id=b"));
    let mut from_3 = node.runtime.block_on(follow(&mut other, "&from=3&type=order"));
    for id in ["a", "b", "c", "b"] {
        node.write(id, "made", json!({ "a": "line\nbreak" }));
    }
    assert_eq!(node.runtime.block_on(positions(&mut of_b, 2)), [3, 5]);
    assert_eq!(node.runtime.block_on(positions(&mut from_3, 3)), [3, 4, 5]);
}

#[test]
fn followers_end_when_the_daemon_stops() {
    let mut node = Node::start();
    node.write("a", "made", json!({}));
    let mut client = node.runtime.block_on(Client::connect(&node.running().socket())).unwrap();
    let mut lines = node.runtime.block_on(follow(&mut client, ""));
    assert_eq!(node.runtime.block_on(positions(&mut lines, 1)), [1]);
    assert_eq!(node.post("/v1/shutdown", &json!({})).status, 202);
    assert!(node.runtime.block_on(lines.next()).unwrap().is_none());
    node.stop();
}
