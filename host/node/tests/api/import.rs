//! Importing: pipelined, in order, stopping at the first refusal, resumed by sending the same again.

use std::fmt::Write as _;

use eventdbx_node::client;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Node, order};

fn lines(count: u64) -> String {
    let mut text = String::new();
    for index in 0..count {
        let event = order(&format!("o-{}", index / 3), "counted", json!({ "index": index }));
        let _ = writeln!(text, "{event}");
    }
    text
}

fn last(answer: &[Value]) -> &Value {
    answer.last().unwrap()
}

#[test]
fn every_line_is_written_once_and_in_order() {
    let mut node = Node::start();
    let answer = node.import(lines(3000));
    assert_eq!(
        last(&answer),
        &json!({ "done": true, "lines": 3000, "written": 3000, "duplicates": 0, "position": 3000 })
    );
    let acknowledged: Vec<_> = answer.iter().filter_map(|line| line["acknowledged"].as_u64()).collect();
    assert!(!acknowledged.is_empty() && acknowledged.is_sorted(), "{acknowledged:?}");
    let page = node.get("/v1/domains/default/events?from=2500&limit=1").body;
    assert_eq!(page["rows"][0]["payload"], json!({ "index": 2499 }));

    let again = node.import(lines(3000));
    assert_eq!(
        last(&again),
        &json!({ "done": true, "lines": 3000, "written": 0, "duplicates": 3000, "position": 3000 })
    );
    assert_eq!(node.head(), 3000);
}

#[test]
fn equal_lines_are_different_events_but_the_same_file_is_not() {
    let mut node = Node::start();
    let line = order("1", "ticked", json!({ "a": 1 })).to_string();
    let spaced = r#" { "payload":{"a":1.0}, "event_type":"ticked","aggregate_id":"1","aggregate_type":"order" } "#;
    let file = format!("{line}\n\n{spaced}\n{line}");
    assert_eq!(last(&node.import(file.clone()))["written"], 3);
    assert_eq!(last(&node.import(file.clone()))["duplicates"], 3);
    assert_eq!(last(&node.import(format!("{file}\n{line}\n")))["written"], 1);
}

#[test]
fn a_bad_line_is_named_what_was_before_it_is_kept_and_resuming_works() {
    for bad in [
        "{nonsense",
        r#"{"aggregate_type":"order","aggregate_id":"1","event_type":"e","payload":{"a":1,"a":2}}"#,
        r#"{"aggregate_type":"order","aggregate_id":"1","event_type":"e","payload":{},"colour":1}"#,
        r#"{"aggregate_type":"Order","aggregate_id":"1","event_type":"e","payload":{}}"#,
        r#"{"aggregate_type":"order","aggregate_id":"1","event_type":"e"}"#,
        // Refused by the committer, when lines after it are already in flight.
        r#"{"aggregate_type":"order","aggregate_id":"o-3","event_type":"e","payload":{},"expect":"none"}"#,
        r#"{"aggregate_type":"order","aggregate_id":"new","event_type":"e","payload":{},"expect":7}"#,
        r#"{"aggregate_type":"order","aggregate_id":"o-3","event_type":"e","patch":[{"op":"remove","path":"/none"}]}"#,
    ] {
        let mut node = Node::start();
        let (before, after) =
            (lines(500), lines(1000).lines().skip(500).fold(String::new(), |text, line| text + line + "\n"));
        let answer = node.import(format!("{before}{bad}\n{after}"));
        assert_eq!(last(&answer)["error"]["line"], 501, "{bad}: {}", last(&answer));
        assert_eq!(node.head(), 500, "{bad}");
        let resumed = node.import(format!("{before}{after}"));
        assert_eq!(last(&resumed)["written"], 500, "{bad}");
        assert_eq!(last(&resumed)["duplicates"], 500, "{bad}");
    }
}

#[test]
fn patches_see_what_the_lines_before_them_made() {
    let mut node = Node::start();
    let mut text = format!("{}\n", order("1", "made", json!({ "n": [] })));
    for index in 0..20 {
        let patch = json!({
            "aggregate_type": "order", "aggregate_id": "1", "event_type": "grew",
            "patch": [{ "op": "add", "path": "/n/-", "value": index }]
        });
        let _ = writeln!(text, "{patch}\n{}", order("1", "marked", json!({ "last": index })));
    }
    assert_eq!(last(&node.import(text))["written"], 41);
    let state = node.get("/v1/domains/default/aggregates/order/1").body["state"].clone();
    assert_eq!(state, json!({ "n": (0..20).collect::<Vec<_>>(), "last": 19 }));
}

#[test]
fn progress_comes_while_the_lines_still_go_out() {
    let mut node = Node::start();
    node.runtime.block_on(async {
        let (sender, body) = client::pieces(1);
        let path = "/v1/domains/default/import";
        sender.send(Ok(lines(10).into())).await.unwrap();
        let mut answer = node.client.lines(Method::POST, path, body).await.unwrap();
        let mut acknowledged = 0;
        while acknowledged < 10 {
            let line: Value = serde_json::from_slice(&answer.next().await.unwrap().unwrap()).unwrap();
            acknowledged = line["acknowledged"].as_u64().unwrap();
        }
        drop(sender);
        let mut end = answer.next().await.unwrap().unwrap();
        while let Some(line) = answer.next().await.unwrap() {
            end = line;
        }
        assert_eq!(serde_json::from_slice::<Value>(&end).unwrap()["done"], true);
    });
}

#[test]
fn a_line_that_is_too_long_is_named() {
    let mut node = Node::start();
    let answer = node.import(format!("{}{}\n", lines(2), "x".repeat(2 << 20)));
    assert_eq!((&last(&answer)["error"]["line"], &last(&answer)["error"]["code"]), (&json!(3), &json!("too-large")));
    assert_eq!(node.head(), 2);
}
