//! References followed and found, and old events in today's shape.

use eventdbx_node::wire::ErrorCode;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::Node;

const ORDERS: &str = "/v1/domains/default/aggregates/order";

fn put_schema(node: &mut Node, domain: &str, kind: &str, document: &Value) {
    let path = format!("/v1/domains/{domain}/schemas/{kind}");
    assert_eq!(node.send(Method::PUT, &path, document.to_string()).status, 200);
}

fn append(node: &mut Node, domain: &str, kind: &str, id: &str, payload: &Value) {
    let event = json!({ "aggregate_type": kind, "aggregate_id": id, "event_type": "changed", "payload": payload });
    let answer = node.post(&format!("/v1/domains/{domain}/append"), &json!({ "events": [event] }));
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Orders that refer to customers, to each other, and to the domain `shop`.
fn world() -> Node {
    let mut node = Node::start();
    assert_eq!(node.send(Method::PUT, "/v1/domains/shop", "").status, 201);
    let fields = json!({
        "customer": { "type": "reference", "to": "customer" },
        "next": { "type": "reference" },
        "secret": { "type": "reference", "hidden": true },
    });
    put_schema(&mut node, "default", "order", &json!({ "aggregate": "order", "fields": fields, "additional": true }));
    append(&mut node, "default", "customer", "c-1", &json!({ "name": "Ann" }));
    append(&mut node, "shop", "customer", "c-1", &json!({ "name": "Bob" }));
    for (id, payload) in [
        ("o-1", json!({ "customer": "#c-1", "next": "#o-2", "secret": "#o-9" })),
        ("o-2", json!({ "customer": "shop#customer#c-1", "next": "#o-3" })),
        ("o-3", json!({ "customer": "shop#customer#c-9", "next": "#o-1" })),
        ("o-4", json!({ "customer": "nowhere#customer#c-1" })),
    ] {
        append(&mut node, "default", "order", id, &payload);
    }
    node
}

/// `path status`, and those below in brackets.
fn shown(references: &Value) -> String {
    let rows = references.as_array().unwrap().iter().map(|row| {
        let below = row.get("references").map(|below| format!(" [{}]", shown(below))).unwrap_or_default();
        format!("{} {}{below}", row["path"].as_str().unwrap(), row["status"].as_str().unwrap())
    });
    rows.collect::<Vec<_>>().join(", ")
}

#[test]
fn references_are_followed_as_far_as_asked() {
    let mut node = world();
    let mut resolve = |id: &str, query: &str| node.get(&format!("{ORDERS}/{id}?{query}")).body["references"].clone();
    assert_eq!(resolve("o-1", ""), Value::Null);
    assert_eq!(
        shown(&resolve("o-1", "resolve=1")),
        "/customer found, /next found [/customer too-deep, /next too-deep]"
    );
    let all = "/customer found, /next found [/customer found, /next found [/customer missing, /next cycle]]";
    let resolved = resolve("o-1", "resolve=8");
    assert_eq!(shown(&resolved), all);
    assert_eq!(resolved[0]["state"], json!({ "name": "Ann" }));
    assert_eq!(resolved[1]["references"][0]["state"], json!({ "name": "Bob" }));
    assert_eq!(resolved[1]["references"][0]["domain"], "shop");
    assert!(shown(&resolve("o-1", "resolve=1&hidden=true")).contains("/secret missing"));
    assert_eq!(shown(&resolve("o-4", "resolve=1")), "/customer missing");
    for wrong in ["resolve=0", "resolve=9", "resolve=x"] {
        node.get(&format!("{ORDERS}/o-1?{wrong}")).refused(ErrorCode::BadRequest);
    }
}

#[test]
fn referrers_are_found_by_page_and_in_other_domains() {
    let mut node = world();
    let rows = |answer: &Value| -> Vec<String> {
        let rows = answer["rows"].as_array().unwrap().iter();
        rows.map(|row| format!("{} {}", row["aggregate_id"].as_str().unwrap(), row["paths"])).collect()
    };
    let customer = "/v1/domains/default/aggregates/customer/c-1/referrers";
    assert_eq!(rows(&node.get(customer).body), [r#"o-1 ["/customer"]"#]);
    let elsewhere = "/v1/domains/shop/aggregates/customer/c-1/referrers";
    assert_eq!(rows(&node.get(elsewhere).body), Vec::<String>::new());
    assert_eq!(rows(&node.get(&format!("{elsewhere}?in=default")).body), [r#"o-2 ["/customer"]"#]);
    node.get(&format!("{elsewhere}?in=nowhere")).refused(ErrorCode::NotFound);

    // What stands in a hidden field is found by who sees it.
    let hidden = format!("{ORDERS}/o-9/referrers");
    assert_eq!(rows(&node.get(&hidden).body), Vec::<String>::new());
    assert_eq!(rows(&node.get(&format!("{hidden}?hidden=true")).body), [r#"o-1 ["/secret"]"#]);

    for id in ["o-5", "o-6", "o-7"] {
        append(&mut node, "default", "order", id, &json!({ "customer": "#c-1" }));
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = node.get(&format!("{customer}?limit=3{cursor}")).body;
        seen.extend(page["rows"].as_array().unwrap().iter().map(|row| row["aggregate_id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
        node.get(&format!("{elsewhere}?limit=3{cursor}")).refused(ErrorCode::Refused);
    }
    assert_eq!(seen, ["o-1", "o-5", "o-6", "o-7"]);
}

#[test]
fn a_schema_that_asks_for_more_than_is_there_needs_force() {
    let mut node = world();
    let strong = json!({ "type": "reference", "to": "customer", "integrity": "strong" });
    let document = json!({ "aggregate": "order", "fields": { "customer": strong }, "additional": true });
    let path = "/v1/domains/default/schemas/order";
    let error = node.send(Method::PUT, path, document.to_string()).refused(ErrorCode::Conflict);
    assert!(error.reasons.iter().any(|reason| reason.code == "reference"), "{error:?}");
    assert_eq!(node.send(Method::PUT, &format!("{path}?force=true"), document.to_string()).status, 200);
    let customer = "/v1/domains/default/aggregates/customer/c-1/archive";
    let error = node.post(customer, &json!({})).refused(ErrorCode::Refused);
    assert!(error.reasons[0].message.contains("order/o-1 (by /customer)"), "{error:?}");
}

#[test]
fn old_events_are_read_in_todays_shape_by_who_asks() {
    let mut node = Node::start();
    append(&mut node, "default", "order", "o-1", &json!({ "sum": 5, "card": "4111" }));
    let fields = json!({ "total": { "type": "integer" }, "number": { "type": "text", "hidden": true } });
    let upcasts =
        json!([{ "from": 1, "rename": { "/sum": "/total", "/card": "/number" }, "default": { "/currency": "EUR" } }]);
    let empty = json!({ "aggregate": "order", "additional": true });
    put_schema(&mut node, "default", "order", &empty);
    let today = json!({ "aggregate": "order", "fields": fields, "additional": true, "upcasts": upcasts });
    put_schema(&mut node, "default", "order", &today);
    let written = node.get(&format!("{ORDERS}/o-1/events")).body["rows"][0].clone();
    assert_eq!((&written["payload"], written.get("upcast")), (&json!({ "sum": 5 }), None));
    for path in [
        format!("{ORDERS}/o-1/events?upcast=true"),
        "/v1/domains/default/events?upcast=true".to_owned(),
        format!("{ORDERS}/o-1?include_events=true&upcast=true"),
    ] {
        let body = node.get(&path).body;
        let event = body.get("rows").or(body.get("events")).unwrap()[0].clone();
        assert_eq!(event["payload"], json!({ "currency": "EUR", "total": 5 }), "{path}");
        assert_eq!((&event["upcast"], &event["digest"]), (&json!(true), &written["digest"]));
    }
    let one = format!("/v1/domains/default/events/{}?upcast=true&hidden=true", written["event_id"].as_str().unwrap());
    assert_eq!(node.get(&one).body["payload"]["number"], "4111");
}
