//! The OpenAPI document and the routes are the same.

use eventdbx_node::wire::ErrorCode;
use hyper::Method;
use serde_json::Value;

use crate::support::Node;

/// Every route of this release.
const ROUTES: &[&str] = &[
    "delete /v1/domains/{d}",
    "delete /v1/domains/{d}/payload-modes/{mode}",
    "delete /v1/domains/{d}/plugins/{name}",
    "delete /v1/domains/{d}/remote",
    "delete /v1/domains/{d}/schemas/{type}",
    "delete /v1/domains/{d}/secrets/{secret}",
    "delete /v1/domains/{d}/stage",
    "delete /v1/domains/{d}/stage/{id}",
    "delete /v1/domains/{d}/subscriptions/{name}",
    "delete /v1/domains/{d}/x/{name}",
    "delete /v1/domains/{d}/x/{name}/",
    "delete /v1/domains/{d}/x/{name}/{*path}",
    "get /health/live",
    "get /health/ready",
    "get /metrics",
    "get /openapi.json",
    "get /v1/domains",
    "get /v1/domains/{d}",
    "get /v1/domains/{d}/aggregates",
    "get /v1/domains/{d}/aggregates/{type}/{id}",
    "get /v1/domains/{d}/aggregates/{type}/{id}/events",
    "get /v1/domains/{d}/aggregates/{type}/{id}/referrers",
    "get /v1/domains/{d}/aggregates/{type}/{id}/snapshots",
    "get /v1/domains/{d}/aggregates/{type}/{id}/snapshots/{version}",
    "get /v1/domains/{d}/drop-in",
    "get /v1/domains/{d}/events",
    "get /v1/domains/{d}/events/{event_id}",
    "get /v1/domains/{d}/jobs",
    "get /v1/domains/{d}/jobs/{job}",
    "get /v1/domains/{d}/mode",
    "get /v1/domains/{d}/payload-modes",
    "get /v1/domains/{d}/payload-modes/{mode}",
    "get /v1/domains/{d}/plugins",
    "get /v1/domains/{d}/plugins/{name}",
    "get /v1/domains/{d}/plugins/{name}/capsule",
    "get /v1/domains/{d}/plugins/{name}/config",
    "get /v1/domains/{d}/plugins/{name}/logs",
    "get /v1/domains/{d}/plugins/{name}/queue",
    "get /v1/domains/{d}/plugins/{name}/queue/{entry}",
    "get /v1/domains/{d}/schemas",
    "get /v1/domains/{d}/schemas/{type}",
    "get /v1/domains/{d}/schemas/{type}/diff",
    "get /v1/domains/{d}/schemas/{type}/versions",
    "get /v1/domains/{d}/secrets",
    "get /v1/domains/{d}/signing",
    "get /v1/domains/{d}/stage",
    "get /v1/domains/{d}/subscriptions",
    "get /v1/domains/{d}/subscriptions/{name}",
    "get /v1/domains/{d}/subscriptions/{name}/deliveries",
    "get /v1/domains/{d}/subscriptions/{name}/queue",
    "get /v1/domains/{d}/x/{name}",
    "get /v1/domains/{d}/x/{name}/",
    "get /v1/domains/{d}/x/{name}/{*path}",
    "get /v1/stats",
    "get /v1/status",
    "head /v1/domains/{d}/x/{name}",
    "head /v1/domains/{d}/x/{name}/",
    "head /v1/domains/{d}/x/{name}/{*path}",
    "options /v1/domains/{d}/x/{name}",
    "options /v1/domains/{d}/x/{name}/",
    "options /v1/domains/{d}/x/{name}/{*path}",
    "patch /v1/domains/{d}/plugins/{name}/config",
    "patch /v1/domains/{d}/x/{name}",
    "patch /v1/domains/{d}/x/{name}/",
    "patch /v1/domains/{d}/x/{name}/{*path}",
    "post /v1/domains/{d}/aggregates/{type}/{id}/archive",
    "post /v1/domains/{d}/aggregates/{type}/{id}/restore",
    "post /v1/domains/{d}/aggregates/{type}/{id}/snapshots",
    "post /v1/domains/{d}/aggregates/{type}/{id}/snapshots/{version}/verify",
    "post /v1/domains/{d}/aggregates/{type}/{id}/verify",
    "post /v1/domains/{d}/append",
    "post /v1/domains/{d}/import",
    "post /v1/domains/{d}/jobs/{job}/cancel",
    "post /v1/domains/{d}/plugins",
    "post /v1/domains/{d}/plugins/{name}/disable",
    "post /v1/domains/{d}/plugins/{name}/enable",
    "post /v1/domains/{d}/plugins/{name}/pause",
    "post /v1/domains/{d}/plugins/{name}/queries/{query}",
    "post /v1/domains/{d}/plugins/{name}/queue/{entry}/discard",
    "post /v1/domains/{d}/plugins/{name}/queue/{entry}/edit",
    "post /v1/domains/{d}/plugins/{name}/queue/{entry}/retry",
    "post /v1/domains/{d}/plugins/{name}/replay",
    "post /v1/domains/{d}/plugins/{name}/resume",
    "post /v1/domains/{d}/plugins/{name}/rollback",
    "post /v1/domains/{d}/plugins/{name}/upgrade",
    "post /v1/domains/{d}/schemas/{type}/activate",
    "post /v1/domains/{d}/schemas/{type}/check",
    "post /v1/domains/{d}/schemas/{type}/infer",
    "post /v1/domains/{d}/stage",
    "post /v1/domains/{d}/stage/commit",
    "post /v1/domains/{d}/subscriptions",
    "post /v1/domains/{d}/subscriptions/{name}/ack",
    "post /v1/domains/{d}/subscriptions/{name}/nack",
    "post /v1/domains/{d}/subscriptions/{name}/queue/{entry}/discard",
    "post /v1/domains/{d}/subscriptions/{name}/queue/{entry}/retry",
    "post /v1/domains/{d}/verify",
    "post /v1/domains/{d}/x/{name}",
    "post /v1/domains/{d}/x/{name}/",
    "post /v1/domains/{d}/x/{name}/{*path}",
    "post /v1/schemas/validate",
    "post /v1/shutdown",
    "put /v1/domains/{d}",
    "put /v1/domains/{d}/components",
    "put /v1/domains/{d}/mode",
    "put /v1/domains/{d}/payload-modes/{mode}",
    "put /v1/domains/{d}/remote",
    "put /v1/domains/{d}/schemas/{type}",
    "put /v1/domains/{d}/secrets/{secret}",
    "put /v1/domains/{d}/signing",
    "put /v1/domains/{d}/x/{name}",
    "put /v1/domains/{d}/x/{name}/",
    "put /v1/domains/{d}/x/{name}/{*path}",
];

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

fn documented(document: &Value) -> Vec<(Method, String)> {
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS.into_iter().filter(|method| item.get(method).is_some()) {
            routes.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    routes
}

fn concrete(path: &str) -> String {
    let mut path = path.to_owned();
    for (name, value) in [
        ("{d}", "default"),
        ("{type}", "order"),
        ("{id}", "none"),
        ("{name}", "none"),
        ("{entry}", "none"),
        ("{query}", "none"),
        ("{mode}", "none"),
        ("{secret}", "none"),
        ("{version}", "1"),
        ("{job}", "1"),
        ("{event_id}", "0198c2f0-5a7e-7cc3-98c4-dc0c0c07398f"),
    ] {
        path = path.replace(name, value);
    }
    assert!(!path.contains('{'), "{path}");
    path
}

#[test]
fn the_document_lists_every_route() {
    let document: Value = serde_json::from_str(&eventdbx_node::openapi_document()).unwrap();
    let mut listed: Vec<_> = documented(&document)
        .iter()
        .map(|(method, path)| format!("{} {path}", method.as_str().to_lowercase()))
        .collect();
    listed.sort();
    assert_eq!(listed, ROUTES);
}

#[test]
fn every_documented_route_is_there_and_refuses_parameters_that_it_does_not_know() {
    let mut node = Node::start();
    let document = node.get("/openapi.json").body;
    // What stands behind the name of a gateway is the gateway's.
    for (method, path) in documented(&document).into_iter().filter(|(_, path)| !path.contains("/x/{name}")) {
        let path = concrete(&path);
        let error = node.send(method.clone(), &format!("{path}?nonsense=1"), "").refused(ErrorCode::BadRequest);
        assert!(error.message.contains("nonsense"), "{method} {path}: {}", error.message);
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document: Value = serde_json::from_str(&eventdbx_node::openapi_document()).unwrap();
    let mut open = vec![&document];
    let mut references = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    references += 1;
                    assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
                }
                open.extend(members.values());
            }
            Value::Array(elements) => open.extend(elements),
            _ => {}
        }
    }
    assert!(references > 20, "{references}");
}

#[test]
fn no_handler_makes_up_a_grant() {
    let mut open = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/api"))];
    let mut files = 0;
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            files += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains("Grant::owner"), "{}", path.display());
            for handler in text.split("#[utoipa::path").skip(1) {
                let signature = handler.split(" async fn").nth(1).unwrap().split('{').next().unwrap();
                assert!(signature.contains("Grant"), "{}: a handler without a grant:{signature}", path.display());
            }
        }
    }
    assert!(files > 10);
}
