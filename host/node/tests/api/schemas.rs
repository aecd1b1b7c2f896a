//! Schemas over the socket: written, compared, checked against history, inferred, hidden, and what is refused.

use eventdbx_node::{client, wire::ErrorCode};
use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Node};

const SCHEMAS: &str = "/v1/domains/default/schemas";

fn at(rest: &str) -> String {
    format!("{SCHEMAS}/order{rest}")
}

/// The schema with these fields.
#[expect(clippy::needless_pass_by_value, reason = "fields are made where they are passed")]
fn with(fields: Value) -> Value {
    json!({ "aggregate": "order", "fields": fields })
}

fn put(node: &mut Node, query: &str, document: &Value) -> Answer {
    node.send(Method::PUT, &at(query), document.to_string())
}

#[track_caller]
fn written(answer: Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn lines(node: &mut Node, path: &str, body: String) -> Vec<Value> {
    node.runtime.block_on(async {
        let mut answer = node.client.lines(Method::POST, path, client::whole(body)).await.unwrap();
        let mut lines = Vec::new();
        while let Some(line) = answer.next().await.unwrap() {
            lines.push(serde_json::from_slice(&line).unwrap());
        }
        lines
    })
}

fn check(node: &mut Node, document: Option<&Value>) -> Value {
    let body = document.map_or_else(String::new, ToString::to_string);
    lines(node, &at("/check"), body).pop().unwrap()
}

#[test]
fn the_mode_is_switched_at_once_and_is_an_event() {
    let mut node = Node::start();
    let mode = "/v1/domains/default/mode";
    assert_eq!(node.get(mode).body["mode"], "default");
    node.write("1", "made", json!({ "a": 1 }));
    let answer = written(node.send(Method::PUT, mode, json!({ "mode": "strict" }).to_string()));
    assert_eq!((&answer["mode"], &answer["previous"]), (&json!("strict"), &json!("default")));
    assert!(answer["warnings"][0].as_str().unwrap().starts_with("order has no schema"), "{answer}");
    let event = json!({ "aggregate_type": "order", "aggregate_id": "1", "event_type": "made", "payload": {} });
    let error = node.append(json!([event])).refused(ErrorCode::Refused);
    assert_eq!(error.reasons[0].code, "no-schema");
    for bad in [json!({ "mode": "Strict" }), json!({}), json!({ "mode": "off", "x": 1 })] {
        node.send(Method::PUT, mode, bad.to_string()).refused(ErrorCode::BadRequest);
    }
    assert_eq!(node.get(mode).body["mode"], "strict");
    let events = node.get("/v1/domains/default/events?type=$domain&system=true").body;
    assert_eq!(events["rows"][0]["payload"], json!({ "from": "default", "to": "strict" }));
    let mut node = node.restart();
    assert_eq!(node.get(mode).body["mode"], "strict");
}

#[test]
fn versions_are_kept_compared_and_rolled_back() {
    let mut node = Node::start();
    let first = with(json!({ "total": { "type": "integer" } }));
    let answer = written(put(&mut node, "?expect=0&note=begin", &first));
    assert_eq!((&answer["version"], &answer["written"]), (&json!(1), &json!(true)));
    let second = with(json!({ "total": { "type": "float" }, "name": { "type": "text" } }));
    let answer = written(put(&mut node, "?expect=1", &second));
    let pointers: Vec<_> =
        answer["changes"].as_array().unwrap().iter().map(|change| change["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/fields/name", "/fields/total/type"]);
    assert_eq!(answer["warnings"], json!([]));
    // The same again writes nothing.
    let again = written(put(&mut node, "", &second));
    assert_eq!((&again["version"], &again["written"], &again["changes"]), (&json!(2), &json!(false), &json!([])));

    let rows = node.get(SCHEMAS).body["rows"].clone();
    assert_eq!(
        (&rows[0]["aggregate_type"], &rows[0]["active"], &rows[0]["versions"], &rows[0]["fields"]),
        (&json!("order"), &json!(2), &json!(2), &json!(2))
    );
    let view = node.get(&at("?version=1&json_schema=true")).body;
    assert_eq!((&view["document"], &view["note"], &view["active"]), (&first, &json!("begin"), &json!(2)));
    assert_eq!(view["json_schema"]["properties"]["total"]["type"], "integer");
    let diff = node.get(&at("/diff?from=2&to=1")).body;
    assert_eq!(diff["changes"].as_array().unwrap().len(), 2);
    assert_eq!(diff["changes"][1]["narrows"], true);

    let answer = written(node.post(&at("/activate"), &json!({ "version": 1, "expect": 2 })));
    assert_eq!((&answer["version"], &answer["written"]), (&json!(1), &json!(true)));
    assert_eq!(node.get(&at("")).body["version"], 1);
    let answer = written(node.send(Method::DELETE, &at(""), ""));
    assert_eq!((&answer["version"], &answer["written"]), (&Value::Null, &json!(true)));
    let error = node.get(&at("")).refused(ErrorCode::NotFound);
    assert!(error.hint.unwrap().contains("1 to 2"));
    let history = node.get(&at("/versions")).body;
    let what: Vec<_> = history["switches"].as_array().unwrap().iter().map(|switch| switch["what"].clone()).collect();
    assert_eq!(what, ["set", "set", "activated", "removed"]);
    assert_eq!(history["rows"][1]["changes"].as_array().unwrap().len(), 2);
    assert_eq!(history["rows"][1]["active"], false);
}

#[test]
fn every_fault_of_a_document_is_a_reason_and_nothing_is_written() {
    let mut node = Node::start();
    let document = json!({
        "aggregate": "order", "snapshot_threshold": 0,
        "fields": {
            "a": { "type": "Txt" },
            "b": { "type": "text", "regex": "(" },
            "c": { "type": "integer", "range": { "min": 2, "max": 1 } },
        },
    });
    let error = put(&mut node, "", &document).refused(ErrorCode::Refused);
    let mut found: Vec<_> = error.reasons.iter().map(|reason| (reason.path.as_str(), reason.code.as_str())).collect();
    found.sort_unstable();
    let expected = [
        ("/fields/a/type", "unknown-type"),
        ("/fields/b/regex", "bad-regex"),
        ("/fields/c/range", "empty-range"),
        ("/snapshot_threshold", "zero-threshold"),
    ];
    assert_eq!(found, expected);
    let faults = node.post("/v1/schemas/validate", &document).body["faults"].clone();
    assert_eq!(faults.as_array().unwrap().len(), 4);
    let faults = node.send(Method::POST, "/v1/schemas/validate", r#"{"aggregate":"a","aggregate":"b"}"#).body;
    assert_eq!(faults["faults"][0]["code"], "duplicate-member", "{faults}");
    assert_eq!(node.post("/v1/schemas/validate", &with(json!({}))).body, json!({ "faults": [] }));
    node.send(Method::PUT, &at(""), "{").refused(ErrorCode::Refused);
    put(&mut node, "", &json!({ "aggregate": "invoice" })).refused(ErrorCode::BadRequest);
    node.send(Method::PUT, &format!("{SCHEMAS}/Order"), "{}").refused(ErrorCode::BadRequest);
    put(&mut node, "?forced=true", &with(json!({}))).refused(ErrorCode::BadRequest);
    assert_eq!(node.head(), 0);
}

#[test]
fn two_editors_do_not_overwrite_each_other() {
    let mut node = Node::start();
    put(&mut node, "?expect=1", &with(json!({}))).refused(ErrorCode::Conflict);
    written(put(&mut node, "?expect=0", &with(json!({ "a": { "type": "text" } }))));
    let error = put(&mut node, "?expect=0", &with(json!({ "b": { "type": "text" } }))).refused(ErrorCode::Conflict);
    assert!(error.message.contains("version 1"), "{error:?}");
    node.post(&at("/activate"), &json!({ "version": 1, "expect": 7 })).refused(ErrorCode::Conflict);
    node.post(&at("/activate"), &json!({ "version": 7 })).refused(ErrorCode::NotFound);
    node.send(Method::DELETE, &at("?expect=2"), "").refused(ErrorCode::Conflict);
    assert_eq!(node.head(), 1);
    for path in ["", "/versions", "/diff"] {
        node.get(&format!("{SCHEMAS}/nothing{path}")).refused(ErrorCode::NotFound);
    }
    for path in ["/check", "/infer"] {
        node.send(Method::POST, &format!("{SCHEMAS}/nothing{path}"), "").refused(ErrorCode::NotFound);
    }
    node.send(Method::DELETE, &format!("{SCHEMAS}/nothing"), "").refused(ErrorCode::NotFound);
}

#[test]
fn what_narrows_is_held_against_the_states_that_are_there() {
    let mut node = Node::start();
    for n in 0..120 {
        node.write(&format!("o-{n:03}"), "made", json!({ "total": n }));
    }
    let loose = with(json!({ "total": { "type": "integer" } }));
    written(put(&mut node, "", &loose));
    let head = node.head();
    let tight = with(json!({ "total": { "type": "integer", "range": { "max": 9 } } }));
    let error = put(&mut node, "", &tight).refused(ErrorCode::Conflict);
    assert_eq!(error.reasons.len(), 100);
    assert_eq!((error.reasons[0].path.as_str(), error.reasons[0].code.as_str()), ("/state/total", "range"));
    assert!(error.reasons[0].message.starts_with("order/o-010: "), "{:?}", error.reasons[0]);
    assert_eq!(node.head(), head);

    let plan = written(put(&mut node, "?dry_run=true", &tight));
    assert_eq!((&plan["written"], &plan["version"]), (&json!(false), &json!(2)));
    assert_eq!(plan["refused_states"].as_array().unwrap().len(), 100);
    assert_eq!(node.head(), head);

    let forced = written(put(&mut node, "?force=true", &tight));
    assert_eq!((&forced["written"], &forced["changes"][0]["narrows"]), (&json!(true), &json!(true)));
    assert!(forced["warnings"][1].as_str().unwrap().contains("100 aggregates or more"), "{forced}");
    // What only may refuse events to come warns, and needs no force.
    written(put(&mut node, "?force=true", &loose));
    let fits = with(json!({ "total": { "type": "integer", "range": { "max": 500 } } }));
    let answer = written(put(&mut node, "", &fits));
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 1);
    // Going back to what refuses states is narrowing too.
    node.post(&at("/activate"), &json!({ "version": 2 })).refused(ErrorCode::Conflict);
    written(node.post(&at("/activate"), &json!({ "version": 2, "force": true })));
}

#[test]
fn history_is_checked_as_it_was_written() {
    let mut node = Node::start();
    node.write("1", "made", json!({ "total": 5, "name": "x" }));
    node.write("1", "changed", json!({ "total": "many" }));
    node.write("1", "changed", json!({ "total": 7 }));
    node.write("2", "made", json!({ "name": "y" }));
    let patch = json!([{ "op": "add", "path": "/total", "value": -1 }]);
    let event = json!({ "aggregate_type": "order", "aggregate_id": "2", "event_type": "mended", "patch": patch });
    assert_eq!(node.append(json!([event])).status, 200);
    node.post("/v1/domains/default/aggregates/order/2/archive", &json!({}));
    let head = node.head();
    let document = json!({
        "aggregate": "order",
        "fields": {
            "total": { "type": "integer", "required": true, "range": { "min": 0 } },
            "name": { "type": "text" },
        },
    });
    let all = lines(&mut node, &at("/check"), document.to_string());
    assert_eq!(all[0], json!({ "checked": 0, "total": 6, "refused": 0 }));
    let report = all.last().unwrap();
    let counts =
        ["events", "aggregates", "refused_events", "refused_states"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [5, 2, 3, 1], "{report}");
    let rules: Vec<_> = report["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| format!("{} {} {} {}", rule["rule"], rule["path"], rule["events"], rule["states"]).replace('"', ""))
        .collect();
    assert_eq!(rules, ["range /state/total 1 1", "required /payload/total 1 0", "type /payload/total 1 0"]);
    let examples: Vec<_> =
        report["examples"].as_array().unwrap().iter().map(|example| example["position"].clone()).collect();
    assert_eq!(examples, [json!(2), json!(4), json!(5), Value::Null]);
    assert_eq!(node.head(), head);

    // Without a document, the active schema is meant.
    node.send(Method::POST, &at("/check"), "").refused(ErrorCode::NotFound);
    written(put(&mut node, "?force=true", &document));
    assert_eq!(check(&mut node, None)["version"], 1);
    node.send(Method::POST, &at("/check"), r#"{"aggregate":"order","fields":3}"#).refused(ErrorCode::Refused);
}

#[test]
fn what_is_inferred_refuses_nothing_and_keeps_hidden_what_is_hidden() {
    let mut node = Node::start();
    for n in 0..30 {
        let payload =
            json!({ "n": n, "colour": if n % 2 == 0 { "green" } else { "blue" }, "who": { "mail": "a@b.org" } });
        node.write(&n.to_string(), "made", payload);
    }
    let inferred = node.send(Method::POST, &at("/infer"), "").body;
    assert_eq!((&inferred["events"], &inferred["aggregates"]), (&json!(30), &json!(30)));
    let document = inferred["document"].clone();
    assert_eq!(document["fields"]["colour"]["enum"], json!(["blue", "green"]));
    assert_eq!(check(&mut node, Some(&document))["refused_events"], 0);
    assert_eq!(written(put(&mut node, "", &document))["refused_states"], json!([]));

    let mut hiding = document;
    hiding["fields"]["colour"]["hidden"] = json!(true);
    hiding["fields"]["who"]["properties"]["mail"]["hidden"] = json!(true);
    written(put(&mut node, "", &hiding));
    let again = node.send(Method::POST, &at("/infer"), "").body["document"].clone();
    assert_eq!(again["fields"]["colour"], json!({ "type": "text", "hidden": true, "required": true }));
    assert_eq!(again["fields"]["who"]["properties"]["mail"]["hidden"], true);
    assert!(!again.to_string().contains("green"), "{again}");
}

#[test]
fn hidden_fields_leave_by_no_way_unless_they_are_asked_for() {
    let mut node = Node::start();
    let receipt =
        node.write("1", "made", json!({ "name": "Ada", "pin": "s3cr3t", "at": { "home": "s3cr3t", "n": 1 } }));
    let patch = json!([
        { "op": "replace", "path": "/pin", "value": "s3cr3t" },
        { "op": "add", "path": "/at", "value": { "home": "s3cr3t", "n": 2 } },
    ]);
    let event = json!({ "aggregate_type": "order", "aggregate_id": "1", "event_type": "mended", "patch": patch });
    assert_eq!(node.append(json!([event])).status, 200);
    let schema = json!({
        "aggregate": "order", "additional": true,
        "fields": {
            "pin": { "type": "text", "hidden": true },
            "at": { "type": "object", "additional": true, "properties": { "home": { "type": "text", "hidden": true } } },
        },
    });
    written(put(&mut node, "", &schema));
    let id = receipt["event_id"].as_str().unwrap();
    let ways = [
        "/v1/domains/default/events?".to_owned(),
        "/v1/domains/default/events?type=order&id=1&".to_owned(),
        format!("/v1/domains/default/events/{id}?"),
        "/v1/domains/default/aggregates/order/1?".to_owned(),
        "/v1/domains/default/aggregates/order/1?version=1&include_events=true&".to_owned(),
        "/v1/domains/default/aggregates/order/1/events?".to_owned(),
    ];
    for way in &ways {
        let shown = node.get(way).body.to_string();
        assert!(!shown.contains("s3cr3t") && shown.contains("\"n\""), "{way}: {shown}");
        let whole = node.get(&format!("{way}hidden=true")).body.to_string();
        assert!(whole.contains("s3cr3t"), "{way}: {whole}");
    }
    let state = node.get("/v1/domains/default/aggregates/order/1").body["state"].clone();
    assert_eq!(state, json!({ "name": "Ada", "at": { "n": 2 } }));
    let patch = node.get("/v1/domains/default/events?from=2").body["rows"][0]["patch"].clone();
    assert_eq!(patch, json!([{ "op": "add", "path": "/at", "value": { "n": 2 } }]));
    for (query, secret) in [("", false), ("&hidden=true", true)] {
        let first = node.runtime.block_on(async {
            let path = format!("/v1/domains/default/events?follow=true{query}");
            let mut lines = node.client.lines(Method::GET, &path, client::whole("")).await.unwrap();
            String::from_utf8(lines.next().await.unwrap().unwrap().to_vec()).unwrap()
        });
        assert_eq!(first.contains("s3cr3t"), secret, "{first}");
    }
    // Nor can its value be found out by asking for it.
    for asked in [
        "events?filter=pin%20%3D%20's3cr3t'",
        "events?filter=%220%22.value%20%3D%20's3cr3t'",
        "events?type=order&id=1&sort=payload.at.home",
        "events?follow=true&filter=at.home%20%3D%20'x'",
        "aggregates?filter=state.at%20IS%20NULL",
        "aggregates?sort=pin",
        "aggregates/order/1/events?filter=pin%20IS%20NULL",
    ] {
        let path = format!("/v1/domains/default/{asked}");
        if !asked.contains("follow") {
            let error = node.get(&path).refused(ErrorCode::Denied);
            assert!(error.message.contains("which schemas hide"), "{asked}: {error:?}");
            assert_eq!(node.get(&format!("{path}&hidden=true")).status, 200, "{asked}");
        } else {
            let first = node.runtime.block_on(async {
                let mut lines = node.client.lines(Method::GET, &path, client::whole("")).await.unwrap();
                String::from_utf8(lines.next().await.unwrap().unwrap().to_vec()).unwrap()
            });
            assert!(first.contains("which schemas hide"), "{first}");
        }
    }
    assert_eq!(node.get("/v1/domains/default/aggregates?filter=state.at.n%20%3D%202").status, 200);
    // No refusal repeats it.
    let event =
        json!({ "aggregate_type": "order", "aggregate_id": "1", "event_type": "made", "payload": { "pin": 4711 } });
    let error = node.append(json!([event])).refused(ErrorCode::Refused);
    assert!(!format!("{error:?}").contains("4711"), "{error:?}");
}
