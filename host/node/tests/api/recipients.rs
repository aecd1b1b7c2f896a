//! To whom an event goes, from end to end: written, shown, kept by stage and import, delivered.

use eventdbx_node::wire::ErrorCode;
use serde_json::{Value, json};

use crate::support::{Node, order};

fn with(id: &str, more: &Value) -> Value {
    let mut event = order(id, "placed", json!({ "n": 1 }));
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn rows(node: &mut Node) -> Vec<Value> {
    node.get("/v1/domains/default/events").body["rows"].as_array().unwrap().clone()
}

#[test]
fn recipients_are_shown_as_they_were_written() {
    let mut node = Node::start();
    let publish = json!([{ "plugin": "mailer" }, { "plugin": "bus", "mode": "event-only", "priority": "urgent" }]);
    let events = json!([
        with("1", &json!({})),
        with("1", &json!({ "emit": false })),
        with("1", &json!({ "emit": true, "publish": publish }))
    ]);
    let answer = node.append(events);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let shown = rows(&mut node);
    assert!(shown[0].get("emit").is_none() && shown[0].get("publish").is_none(), "{}", shown[0]);
    assert_eq!((&shown[1]["emit"], shown[1].get("publish")), (&json!(false), None));
    assert_eq!((shown[2].get("emit"), &shown[2]["publish"]), (None, &publish));
    assert_eq!(node.get("/v1/domains/default/aggregates/order/1").body["version"], 3, "the state has them all");
}

#[test]
fn a_recipient_that_there_is_not_is_warned_of() {
    let mut node = Node::start();
    node.post("/v1/domains/default/subscriptions", &json!({ "name": "mail" }));
    let written = node.append(json!([with("1", &json!({ "publish": [{ "plugin": "mail", "mode": "all" }] }))]));
    assert!(written.body.get("warnings").is_none(), "{}", written.body);
    let unknown = json!({ "publish": [{ "plugin": "mial", "mode": "discreet" }] });
    let written = node.append(json!([with("1", &unknown), with("2", &unknown)]));
    assert_eq!(written.status, 200);
    let warnings = written.body["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings.iter().any(|text| text.as_str().unwrap().contains("is called mial")));
    assert!(warnings.iter().any(|text| text.as_str().unwrap().contains("payload mode discreet")));
}

#[test]
fn recipients_that_make_no_sense_are_refused() {
    let mut node = Node::start();
    let both = with("1", &json!({ "emit": false, "publish": [{ "plugin": "a" }] }));
    assert!(node.append(json!([both])).refused(ErrorCode::BadRequest).message.contains("exclude each other"));
    let soon = with("1", &json!({ "publish": [{ "plugin": "a", "priority": "soon" }] }));
    node.append(json!([soon])).refused(ErrorCode::BadRequest);
    let bad = with("1", &json!({ "publish": [{ "plugin": "a b" }, { "plugin": "a", "mode": "All" }] }));
    let error = node.append(json!([bad])).refused(ErrorCode::Refused);
    let paths: Vec<_> = error.reasons.iter().map(|reason| reason.path.clone()).collect();
    assert_eq!(paths, ["/publish/0/plugin", "/publish/1/mode"]);
    let many: Vec<_> = (0..17).map(|n| json!({ "plugin": format!("p{n}") })).collect();
    let error = node.append(json!([with("1", &json!({ "publish": many }))])).refused(ErrorCode::Refused);
    assert!(error.reasons[0].message.contains("RECIPIENTS"), "{error:?}");
    assert_eq!(node.head(), 0);
}

#[test]
fn the_same_key_with_other_recipients_is_another_request() {
    let mut node = Node::start();
    let request = |more: Value| json!({ "key": "k", "events": [with("1", &more)] });
    let path = "/v1/domains/default/append";
    let to = |name: &str| json!({ "publish": [{ "plugin": name }] });
    assert_eq!(node.post(path, &request(to("a"))).body["duplicate"], false);
    assert_eq!(node.post(path, &request(to("a"))).body["duplicate"], true);
    for other in [to("b"), json!({ "emit": false }), json!({})] {
        assert_eq!(node.post(path, &request(other)).status, 409);
    }
}

#[test]
fn stage_and_import_keep_recipients() {
    let mut node = Node::start();
    let to = json!([{ "plugin": "mailer", "priority": "urgent" }]);
    let staged = node.post(
        "/v1/domains/default/stage",
        &json!({ "events": [with("1", &json!({ "publish": to })), with("1", &json!({ "emit": false }))] }),
    );
    assert_eq!(staged.body["rows"][0]["event"]["publish"], to, "{}", staged.body);
    assert_eq!(node.post("/v1/domains/default/stage/commit", &json!({})).status, 200);
    let lines = format!("{}\n{}\n", with("2", &json!({ "publish": to })), with("2", &json!({ "emit": false })));
    for written in [2, 0] {
        let reply = node.import(lines.clone());
        assert_eq!(reply.last().unwrap()["written"], written, "{reply:?}");
    }
    for pair in rows(&mut node).chunks(2) {
        assert_eq!((&pair[0]["publish"], &pair[1]["emit"]), (&to, &json!(false)));
    }
}

#[test]
fn a_subscription_is_given_what_names_it() {
    let mut node = Node::start();
    for name in ["mail", "other"] {
        node.post("/v1/domains/default/subscriptions", &json!({ "name": name, "types": ["order"] }));
    }
    node.append(json!([
        with("1", &json!({ "publish": [{ "plugin": "mail", "mode": "extensions-only" }] })),
        with("1", &json!({ "emit": false })),
        with("2", &json!({}))
    ]));
    let mut taken = |name: &str| {
        let path = format!("/v1/domains/default/subscriptions/{name}/deliveries?member=m");
        node.get(&path).body["rows"].as_array().unwrap().clone()
    };
    let (mail, other) = (taken("mail"), taken("other"));
    let places = |rows: &[Value]| rows.iter().map(|row| row["event"]["aggregate_id"].clone()).collect::<Vec<_>>();
    assert_eq!((places(&mail), places(&other)), (vec![json!("1"), json!("2")], vec![json!("2")]));
    assert_eq!((&mail[0]["event"]["payload"], &mail[1]["event"]["payload"]), (&Value::Null, &json!({ "n": 1 })));
}
