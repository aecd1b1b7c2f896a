//! A schema extension's life in a running daemon: upgraded, configured, paused, rolled back while schemas use it.

use eventdbx_tests::{Node, guest, marked};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

const PLUGIN: &str = "plugins/hostile-extension";

/// The hostile extension as another version of itself.
fn version(word: &str) -> Vec<u8> {
    marked("eventdbx-guest-hostile-extension", "hostile-version:", word)
}

fn add(node: &mut Node, wasm: Vec<u8>) -> Value {
    node.ask(Method::PUT, "components", wasm)["hash"].clone()
}

/// A request that writes a text into the column that the extension judges.
fn odd(what: &str) -> String {
    let event = json!({
        "aggregate_type": "odd", "aggregate_id": "1", "event_type": "happened", "payload": { "what": what },
    });
    json!({ "events": [event] }).to_string()
}

/// A daemon in which the schema of `odd` uses the extension.
fn extended() -> Node {
    let mut node = Node::start();
    node.install(version("first"));
    let fields = json!({ "what": { "type": "hostile" } });
    node.ask(Method::PUT, "schemas/odd", json!({ "aggregate": "odd", "fields": fields }).to_string());
    node
}

fn upgrade(node: &mut Node, word: &str) -> (StatusCode, Value) {
    let component = add(node, version(word));
    node.try_ask(Method::POST, &format!("{PLUGIN}/upgrade"), json!({ "component": component }).to_string())
}

#[track_caller]
fn message((told, body): (StatusCode, Value), status: StatusCode) -> String {
    assert_eq!(told, status, "{body}");
    body["error"]["message"].as_str().expect("a message").to_owned()
}

#[test]
fn another_version_judges_from_the_next_commit_on_and_history_stands() {
    let mut node = extended();
    node.ask(Method::POST, "append", odd("old"));
    let status = node.get(PLUGIN);
    let told = json!({ "types": ["hostile"], "rules": [], "schemas": ["odd"] });
    assert_eq!(status["extension"], told, "{status}");

    let (accepted, upgraded) = upgrade(&mut node, "newer");
    assert_eq!(
        (accepted, &upgraded["version"], &upgraded["state"]),
        (StatusCode::ACCEPTED, &json!("0.2.0"), &json!("live"))
    );
    assert_eq!(upgraded["extension"]["types"], json!(["hostile", "meek"]));
    assert!(node.refused(Method::POST, "append", odd("old")).contains("version 0.2.0 rejects it"));
    node.ask(Method::POST, "append", odd("new"));
    assert_eq!(node.get("aggregates/odd/1")["state"], json!({ "what": "new" }), "what was judged before stands");
    let checked = node.lines(Method::POST, "schemas/odd/check", "");
    assert!(checked.contains(r#""refused_events":1"#), "only who asks about history is told of it: {checked}");

    let mut node = node.restart();
    assert!(
        node.refused(Method::POST, "append", odd("old")).contains("version 0.2.0 rejects it"),
        "it outlives a restart"
    );
    let back = node.ask(Method::POST, &format!("{PLUGIN}/rollback"), "{}");
    assert_eq!((&back["version"], &back["kept"][0]["version"]), (&json!("0.1.0"), &json!("0.2.0")));
    node.ask(Method::POST, "append", odd("old"));
    let log = node.get("events?system=true").to_string();
    assert!(log.contains("$plugin_upgraded") && log.contains("$plugin_rolled_back"), "{log}");
}

#[test]
fn what_an_active_schema_uses_is_not_taken_away() {
    let mut node = extended();
    node.install(guest("iban"));
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    for (word, said) in [
        ("lacking", vec!["the schema of odd uses the type hostile", "0.3.0"]),
        ("strict", vec!["the schema of odd at /fields/what", "takes other parameters"]),
        ("grasping", vec!["column type iban is brought by iban already"]),
    ] {
        let told = message(upgrade(&mut node, word), refused);
        assert!(said.iter().all(|said| told.contains(said)), "{told}");
    }
    let more = message(upgrade(&mut node, "greedy"), StatusCode::FORBIDDEN);
    assert!(more.contains("--grant everything"), "{more}");
    let component = add(&mut node, guest("eventdbx-guest-hostile"));
    let upgrade_to = json!({ "component": component }).to_string();
    let kind = message(node.try_ask(Method::POST, &format!("{PLUGIN}/upgrade"), upgrade_to), refused);
    assert!(kind.contains("is a schema extension") && kind.contains("is a read model"), "{kind}");
    assert_eq!(node.get(PLUGIN)["version"], "0.1.0");
    node.ask(Method::POST, "append", odd("fine"));

    // A schema that takes to what the new version brings keeps it from being rolled back.
    assert_eq!(upgrade(&mut node, "newer").0, StatusCode::ACCEPTED);
    let fields = json!({ "what": { "type": "meek" } });
    node.ask(Method::PUT, "schemas/odd?force=true", json!({ "aggregate": "odd", "fields": fields }).to_string());
    let told = message(node.try_ask(Method::POST, &format!("{PLUGIN}/rollback"), "{}"), refused);
    assert!(told.contains("the schema of odd uses the type meek, which version 0.1.0 does not bring"), "{told}");
}

#[test]
fn paused_or_disabled_it_lets_nothing_through_and_is_named() {
    let mut node = extended();
    for (stop, go, word) in [("pause", "resume", "paused"), ("disable", "enable", "disabled")] {
        let status = node.ask(Method::POST, &format!("{PLUGIN}/{stop}"), "");
        assert_eq!(status["state"], word, "{status}");
        let refused = node.refused(Method::POST, "append", odd("fine"));
        let how = format!("it is {word}: {go} it (`dbx plugin {go} hostile-extension`)");
        assert!(refused.contains("extension-missing") && refused.contains(&how), "{refused}");
        node = node.restart();
        assert!(node.refused(Method::POST, "append", odd("fine")).contains(&how), "it outlives a restart");
        // What it brings stays its own meanwhile, and can be exchanged.
        let component = add(&mut node, version("first"));
        let second = json!({ "component": component, "name": "second" }).to_string();
        let taken = node.refused(Method::POST, "plugins", second);
        assert!(taken.contains("hostile is brought by hostile-extension already"), "{taken}");
        node.append("1", "placed");
        node.ask(Method::POST, &format!("{PLUGIN}/{go}"), "");
        node.ask(Method::POST, "append", odd("fine"));
    }
}

#[test]
fn its_configuration_is_changed_in_place() {
    let mut node = extended();
    node.ask(Method::POST, "append", odd("this"));
    let path = format!("{PLUGIN}/config");
    let shown = node.ask(Method::PATCH, &path, json!({ "config": { "reject": "this" } }).to_string());
    assert_eq!(
        (&shown["kind"], &shown["config"]),
        (&json!("schema-extension"), &json!({ "reject": "this" })),
        "{shown}"
    );
    assert!(node.refused(Method::POST, "append", odd("this")).contains("the configuration rejects it"));
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    for (change, said) in [
        (json!({ "config": { "check": "refuse" } }), "asked to refuse"),
        (json!({ "events": ["happened"] }), "takes no deliveries"),
    ] {
        let told = message(node.try_ask(Method::PATCH, &path, change.to_string()), unprocessable);
        assert!(told.contains(said), "{told}");
    }
    let mut node = node.restart();
    assert!(node.refused(Method::POST, "append", odd("this")).contains("the configuration rejects it"));
    node.ask(Method::PATCH, &path, json!({ "config": {} }).to_string());
    node.ask(Method::POST, "append", odd("this"));
    assert!(node.get("events?system=true").to_string().contains("$plugin_configured"));
}
