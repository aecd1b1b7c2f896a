//! Reading: pages, states, histories, archives, verification.

use eventdbx_node::wire::ErrorCode;
use serde_json::{Value, json};

use crate::support::Node;

fn positions(page: &Value) -> Vec<u64> {
    page["rows"].as_array().unwrap().iter().map(|row| row["position"].as_u64().unwrap()).collect()
}

/// Positions 1, 3, 5 … 19 are of `order/a`, the others of `order/b`.
fn twenty() -> Node {
    let mut node = Node::start();
    for count in 1..=20 {
        node.write(if count % 2 == 1 { "a" } else { "b" }, "counted", json!({ "count": count }));
    }
    node
}

#[test]
fn pages_follow_each_other_without_gap_or_overlap() {
    let mut node = twenty();
    for (query, expected) in [
        ("limit=3", (1..=20).collect::<Vec<_>>()),
        ("limit=3&from=10", (10..=20).collect()),
        ("limit=3&reverse=true", (1..=20).rev().collect()),
        ("limit=3&reverse=true&from=10", (1..=10).rev().collect()),
        ("limit=3&type=order&id=a", (1..=19).step_by(2).collect()),
        ("limit=3&type=order&id=a&from=8", (9..=19).step_by(2).collect()),
        ("limit=3&type=order&id=a&from=9&reverse=true", vec![9, 7, 5, 3, 1]),
        ("limit=3&type=order&id=a&from=10&reverse=true", vec![9, 7, 5, 3, 1]),
        ("limit=3&type=order&id=a&from=20", vec![]),
        ("limit=3&type=nothing", vec![]),
        ("limit=3&from=21", vec![]),
    ] {
        let mut seen = Vec::new();
        let mut path = format!("/v1/domains/default/events?{query}");
        let base: Vec<_> = query.split('&').filter(|part| !part.starts_with("from=")).collect();
        loop {
            let page = node.get(&path).body;
            seen.extend(positions(&page));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/v1/domains/default/events?{}&cursor={next}", base.join("&"));
        }
        assert_eq!(seen, expected, "{query}");
    }
}

#[test]
fn an_aggregate_is_read_as_it_is_and_as_it_was() {
    let mut node = twenty();
    let now = node.get("/v1/domains/default/aggregates/order/a").body;
    assert_eq!((&now["version"], &now["state"]), (&json!(10), &json!({ "count": 19 })));
    assert_eq!(now.get("events"), None);
    let then = node.get("/v1/domains/default/aggregates/order/a?version=3&include_events=true").body;
    assert_eq!((&then["version"], &then["state"]), (&json!(3), &json!({ "count": 5 })));
    assert_eq!(positions(&json!({ "rows": then["events"] })), [1, 3, 5]);
    assert_eq!(then["updated_at"], then["events"][2]["recorded_at"]);
    node.get("/v1/domains/default/aggregates/order/a?version=11").refused(ErrorCode::NotFound);
    let history = node.get("/v1/domains/default/aggregates/order/a/events?from=4&limit=2").body;
    assert_eq!(positions(&history), [7, 9]);
    let next = history["next"].as_str().unwrap();
    let history = node.get(&format!("/v1/domains/default/aggregates/order/a/events?limit=2&cursor={next}")).body;
    assert_eq!(positions(&history), [11, 13]);
}

#[test]
fn lists_page_by_their_last_row() {
    let mut node = twenty();
    node.write("c", "made", json!({}));
    let first = node.get("/v1/domains/default/aggregates?limit=2").body;
    assert_eq!(first["rows"][1]["aggregate_id"], "b");
    for way in [format!("cursor={}", first["next"].as_str().unwrap()), "after=order/b".to_owned()] {
        let second = node.get(&format!("/v1/domains/default/aggregates?limit=2&{way}")).body;
        assert_eq!((&second["rows"][0]["aggregate_id"], &second["next"]), (&json!("c"), &Value::Null));
    }
    node.get("/v1/domains/default/aggregates?after=nonsense").refused(ErrorCode::BadRequest);
}

#[test]
fn what_is_archived_is_hidden_and_closed_until_it_is_restored() {
    let mut node = twenty();
    let receipt = node.post("/v1/domains/default/aggregates/order/a/archive", &json!({ "note": "old" }));
    assert_eq!((receipt.status.as_u16(), &receipt.body["events"][0]["version"]), (200, &json!(11)));
    let listed = |node: &mut Node, query: &str| {
        node.get(&format!("/v1/domains/default/aggregates{query}")).body["rows"].as_array().unwrap().len()
    };
    assert_eq!((listed(&mut node, ""), listed(&mut node, "?archived=true")), (1, 2));
    let event = crate::support::order("a", "counted", json!({}));
    node.append(json!([event.clone()])).refused(ErrorCode::Archived);
    assert_eq!(node.get("/v1/domains/default/aggregates/order/a").body["archived"], true);
    assert_eq!(node.send(hyper::Method::POST, "/v1/domains/default/aggregates/order/a/restore", "").status, 200);
    assert_eq!(node.append(json!([event])).status, 200);
    assert_eq!(positions(&node.get("/v1/domains/default/events?from=21").body), [23]);
    assert_eq!(positions(&node.get("/v1/domains/default/events?from=21&system=true").body), [21, 22, 23]);
}

#[test]
fn verification_recomputes_what_the_status_says() {
    let mut node = twenty();
    let root = node.get("/v1/status").body["domains"][0]["root"].clone();
    let report = node.post("/v1/domains/default/verify", &json!({})).body;
    assert_eq!((&report["root"], &report["events"], &report["findings"]), (&root, &json!(20), &json!([])));
    let aggregate = node.get("/v1/domains/default/aggregates/order/a").body;
    let report = node.post("/v1/domains/default/aggregates/order/a/verify", &json!({})).body;
    assert_eq!((&report["root"], &report["events"]), (&aggregate["root"], &json!(10)));
}

#[test]
fn status_and_stats_tell_of_the_process_and_its_domain() {
    let mut node = twenty();
    let status = node.get("/v1/status").body;
    assert_eq!(status["pid"], std::process::id());
    assert_eq!((&status["state"], &status["domains"][0]["events"]), (&json!("running"), &json!(20)));
    assert_eq!(status["domains"][0]["aggregates"], 2);
    let stats = node.get("/v1/stats").body;
    assert!(stats["memory_bytes"].as_u64().unwrap() > 1 << 20);
    assert!(stats["domains"][0]["commits"].as_u64().unwrap() >= 1);
    assert_eq!(node.get("/health/live").body["status"], "ok");
    assert_eq!(node.get("/health/ready").status, 200);
}

#[test]
fn a_list_has_states_where_they_are_asked_for() {
    let mut node = Node::start();
    node.write("1", "placed", json!({ "b": 2, "a": 1 }));
    node.write("2", "placed", json!({}));
    node.write("1", "paid", json!({ "c": [1] }));
    let rows = node.get("/v1/domains/default/aggregates?include_state=true").body["rows"].clone();
    assert_eq!((&rows[0]["state"], &rows[0]["last_position"]), (&json!({ "a": 1, "b": 2, "c": [1] }), &json!(3)));
    assert_eq!((&rows[1]["state"], &rows[1]["last_position"]), (&json!({}), &json!(2)));
    let rows = node.get("/v1/domains/default/aggregates").body["rows"].clone();
    assert!(rows[0].get("state").is_none() && rows[0]["last_position"] == 3);
}
