//! What is refused: with which code, in which words, and with nothing written.

use eventdbx_node::wire::ErrorCode;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Node, order};

const APPEND: &str = "/v1/domains/default/append";

fn raw(node: &mut Node, payload: &str) -> Answer {
    let event = r#""aggregate_type":"order","aggregate_id":"1","event_type":"made""#;
    node.send(Method::POST, APPEND, format!(r#"{{"events":[{{{event},"payload":{payload}}}]}}"#))
}

#[test]
fn malformed_json_is_a_bad_request() {
    let mut node = Node::start();
    for body in ["{", "[]", "", "nonsense", r#"{"events":[}"#, "{\"events\":\"\u{0}\"}", r#"{"events":[]} {}"#] {
        node.send(Method::POST, APPEND, body).refused(ErrorCode::BadRequest);
    }
    raw(&mut node, r#"{"a":}"#).refused(ErrorCode::BadRequest);
    assert_eq!(node.head(), 0);
}

#[test]
fn an_unknown_field_is_named() {
    let mut node = Node::start();
    let mut event = order("1", "made", json!({}));
    event["playload"] = json!(1);
    let error = node.append(json!([event])).refused(ErrorCode::BadRequest);
    assert!(error.message.contains("playload"), "{}", error.message);
    let request = json!({ "events": [], "colour": "red" });
    let error = node.post(APPEND, &request).refused(ErrorCode::BadRequest);
    assert!(error.message.contains("colour"), "{}", error.message);
}

#[test]
fn payload_and_patch_exclude_each_other_and_one_is_needed() {
    let mut node = Node::start();
    let mut both = order("1", "made", json!({}));
    both["patch"] = json!([]);
    let mut none = order("1", "made", json!({}));
    none.as_object_mut().unwrap().remove("payload");
    for event in [both, none] {
        let error = node.append(json!([event])).refused(ErrorCode::BadRequest);
        assert!(error.message.contains("payload") && error.message.contains("patch"), "{}", error.message);
    }
}

#[test]
fn a_payload_that_readers_would_disagree_about_is_refused_with_its_reason() {
    let mut node = Node::start();
    let deep = format!("{}1{}", r#"{"a":"#.repeat(65), "}".repeat(65));
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(256 * 1024));
    for payload in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":9007199254740993}"#,
        r#"{"a":0.1000000000000000055511151231257827}"#,
        r#"{"a":"\ud800"}"#,
        "[1]",
        &deep,
        &large,
    ] {
        let error = raw(&mut node, payload).refused(ErrorCode::Refused);
        assert_eq!(error.reasons.len(), 1, "{error:?}");
        assert!(error.reasons[0].path.starts_with("/payload"), "{error:?}");
        assert_eq!(error.reasons[0].event, 0);
    }
    assert_eq!(node.head(), 0);
}

#[test]
fn every_bad_name_is_told() {
    let mut node = Node::start();
    let event = json!({ "aggregate_type": "Order", "aggregate_id": "a b", "event_type": "$archived", "payload": {} });
    let error = node.append(json!([event])).refused(ErrorCode::Refused);
    let paths: Vec<_> = error.reasons.iter().map(|reason| reason.path.as_str()).collect();
    assert_eq!(paths, ["/aggregate_type", "/aggregate_id", "/event_type"], "{error:?}");
    node.get("/v1/domains/default/aggregates/Order/1").refused(ErrorCode::BadRequest);
    node.get("/v1/domains/default/events/no-uuid").refused(ErrorCode::BadRequest);
}

#[test]
fn a_body_that_is_too_large_names_the_limit_and_how_to_raise_it() {
    let mut node = Node::start();
    let error = node.send(Method::POST, APPEND, vec![b' '; 13 << 20]).refused(ErrorCode::TooLarge);
    assert!(error.message.contains("daemon.body_mib"), "{error:?}");
    assert!(error.hint.unwrap().contains("dbx config set"));
    node.write("1", "made", json!({}));
}

#[test]
fn a_wrong_version_names_the_actual_one() {
    let mut node = Node::start();
    node.write("1", "made", json!({}));
    node.write("1", "changed", json!({}));
    for (expect, id, actual) in
        [(json!("none"), "1", 2), (json!(1), "1", 2), (json!("existing"), "2", 0), (json!(7), "2", 0)]
    {
        let mut event = order(id, "changed", json!({}));
        event["expect"] = expect;
        let error = node.append(json!([event])).refused(ErrorCode::WrongVersion);
        assert_eq!(error.actual_version, Some(actual), "{error:?}");
    }
    assert_eq!(node.head(), 2);
}

#[test]
fn a_known_key_with_other_content_is_refused() {
    let mut node = Node::start();
    let request = |payload: Value| json!({ "key": "k", "events": [order("1", "made", payload)] });
    assert_eq!(node.post(APPEND, &request(json!({ "a": 1 }))).status, 200);
    node.post(APPEND, &request(json!({ "a": 2 }))).refused(ErrorCode::KeyReused);
    assert_eq!(node.head(), 1);
}

#[test]
fn of_a_batch_with_one_refused_event_none_is_written() {
    let mut node = Node::start();
    let mut wrong = order("2", "made", json!({}));
    wrong["expect"] = json!("existing");
    node.append(json!([order("1", "made", json!({})), wrong])).refused(ErrorCode::WrongVersion);
    let error = node
        .append(json!([order("1", "made", json!({})), order("2", "Bad", json!({})), order("3", "made", json!([]))]))
        .refused(ErrorCode::Refused);
    assert_eq!(error.reasons.iter().map(|reason| reason.event).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(node.head(), 0);
    node.get("/v1/domains/default/aggregates/order/1").refused(ErrorCode::NotFound);
}

#[test]
fn what_does_not_exist_is_not_found() {
    let mut node = Node::start();
    for path in [
        "/nowhere",
        "/v1/domains/other/events",
        "/v1/domains/default/aggregates/order/1",
        "/v1/domains/default/aggregates/order/1/events",
        "/v1/domains/default/events/0198c2f0-5a7e-7cc3-98c4-dc0c0c07398f",
    ] {
        node.get(path).refused(ErrorCode::NotFound);
    }
    node.post("/v1/domains/default/aggregates/order/1/archive", &json!({})).refused(ErrorCode::NotFound);
    node.post("/v1/domains/default/aggregates/order/1/verify", &json!({})).refused(ErrorCode::NotFound);
    node.send(Method::DELETE, APPEND, "").refused(ErrorCode::MethodNotAllowed);
}

#[test]
fn bad_parameters_are_named() {
    let mut node = Node::start();
    for (query, named) in
        [("limit=0", "limit"), ("limit=many", "parameters"), ("id=1", "type"), ("follow=true&limit=1", "follow")]
    {
        let error = node.get(&format!("/v1/domains/default/events?{query}")).refused(ErrorCode::BadRequest);
        assert!(error.message.contains(named), "{query}: {}", error.message);
    }
}
