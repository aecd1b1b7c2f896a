//! A plugin's life in a running daemon: configured, paused, upgraded, replayed and rolled back, while events are appended. A
//! projection that sums positions shows that none was lost and none came twice.

use std::time::Duration;

use eventdbx_node::plugins::SecretKey;
use eventdbx_tests::{Node, marked};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(120);

/// The hostile guest as another version of itself: the word is what `describe` is told.
fn version(word: &str) -> Vec<u8> {
    marked("eventdbx-guest-hostile", "hostile-describe:", word)
}

fn add(node: &mut Node, word: &str) -> Value {
    node.ask(Method::PUT, "components", version(word))["hash"].clone()
}

/// Does what is answered with nothing.
#[track_caller]
fn done(node: &mut Node, method: Method, path: &str, body: &Value) {
    let (status, body) = node.try_ask(method, path, body.to_string());
    assert_eq!(status, StatusCode::NO_CONTENT, "{path}: {body}");
}

fn refused(node: &mut Node, method: Method, path: &str, body: &Value, status: StatusCode) -> String {
    let (told, body) = node.try_ask(method, path, body.to_string());
    assert_eq!(told, status, "{path}: {body}");
    body["error"]["message"].as_str().expect("a message").to_owned()
}

/// Waits until no generation is being built.
fn settled(node: &mut Node) -> Value {
    node.until("plugins/hostile", PATIENCE, |status| status["rebuild"].is_null() && status["state"] == "live")
}

#[test]
fn swaps_rebuilds_rollbacks_replays_and_appends_at_once_lose_and_repeat_nothing() {
    let mut node = Node::start();
    node.install_as(version("nothing"), &json!({ "events": ["placed"] }));
    let [newer, rebuilt] = ["newer", "rebuilt"].map(|word| add(&mut node, word));
    let writer = node.writer();
    let steps = [
        ("upgrade", json!({ "component": newer })),
        ("replay", json!({})),
        ("rollback", json!({})),
        ("upgrade", json!({ "component": rebuilt })),
        ("rollback", json!({})),
        ("replay", json!({})),
    ];
    for (verb, body) in &steps {
        node.ask(Method::POST, &format!("plugins/hostile/{verb}"), body.to_string());
        // The one that is on its way arrives before the next begins: what is under test is what happens to events.
        let head = settled(&mut node)["head"].as_u64().expect("a position");
        node.until("plugins/hostile", PATIENCE, |status| status["head"].as_u64() >= Some(head + 10));
    }
    let placed = writer.stop();
    let status = node.until("plugins/hostile", PATIENCE, |status| status["lag_events"] == 0);
    assert!(placed.len() > 50, "{} appends beside it all", placed.len());
    let sum = node.query("hostile", "sum", status["head"].as_u64().expect("a position"));
    assert_eq!(sum["body"], json!({ "sum": placed.iter().sum::<u64>(), "count": placed.len() }), "{status}");
}

#[test]
fn an_upgrade_that_changes_the_tables_is_built_beside_and_can_be_taken_back() {
    let mut node = Node::start();
    node.install_as(version("nothing"), &json!({ "events": ["placed"] }));
    let last = (0..20).map(|n| node.append(&n.to_string(), "placed").0).max().expect("one");
    let before = settled(&mut node);
    let first = node.query("hostile", "sum", last)["body"].clone();
    let component = add(&mut node, "rebuilt");
    node.ask(Method::POST, "plugins/hostile/upgrade", json!({ "component": component }).to_string());
    let after = settled(&mut node);
    assert_eq!((&after["version"], &after["kept"][0]["version"]), (&json!("2.0.0"), &json!("1.0.0")));
    assert_eq!(after["kept"][0]["generation"], before["generation"], "the old tables are kept");
    assert_eq!(node.query("hostile", "sum", last)["body"], first);
    let last = node.append("more", "placed").0;
    let to = json!({ "to": before["generation"] }).to_string();
    node.ask(Method::POST, "plugins/hostile/rollback", to);
    let back = settled(&mut node);
    assert_eq!((&back["version"], &back["generation"]), (&json!("1.0.0"), &before["generation"]));
    assert_eq!(node.query("hostile", "sum", last)["body"]["count"], 21, "the kept tables have caught up");
    let none = refused(
        &mut node,
        Method::POST,
        "plugins/hostile/rollback",
        &json!({ "to": 999 }),
        StatusCode::UNPROCESSABLE_ENTITY,
    );
    assert!(none.contains("999") && none.contains("2.0.0"), "{none}");
}

#[test]
fn an_upgrade_that_asks_for_more_waits_for_consent() {
    let mut node = Node::start();
    node.install(version("nothing"));
    let component = add(&mut node, "greedy");
    let message = refused(
        &mut node,
        Method::POST,
        "plugins/hostile/upgrade",
        &json!({ "component": component }),
        StatusCode::FORBIDDEN,
    );
    assert!(message.contains("--grant everything"), "{message}");
    assert_eq!(node.get("plugins/hostile")["version"], "1.0.0");
    let consent = json!({ "component": component, "grants": ["everything"] }).to_string();
    assert_eq!(node.ask(Method::POST, "plugins/hostile/upgrade", consent)["version"], "1.2.0");
}

#[test]
fn a_paused_plugin_answers_and_goes_on_where_it_was() {
    let mut node = Node::start();
    node.install_as(version("nothing"), &json!({ "events": ["placed"] }));
    let first = node.append("1", "placed").0;
    let before = node.query("hostile", "sum", first)["body"].clone();
    node.ask(Method::POST, "plugins/hostile/pause", "");
    let last = node.append("2", "placed").0;
    let mut node = node.restart();
    let paused = node.get("plugins/hostile");
    assert_eq!(paused["state"], "paused", "a pause outlives a restart");
    assert!(paused["lag_events"].as_u64() > Some(0), "{paused}");
    assert_eq!(node.query("hostile", "sum", 0)["body"], before, "queries go on");
    node.ask(Method::POST, "plugins/hostile/resume", "");
    assert_eq!(node.query("hostile", "sum", last)["body"]["count"], 2);
}

#[test]
fn a_configuration_is_changed_live_and_shown_without_its_secrets() {
    let mut node = Node::start();
    done(&mut node, Method::PUT, "secrets/api", &json!({ "value": "CANARY-1" }));
    node.install_as(version("nothing"), &json!({ "config": { "token": "CANARY-2", "auth": "{{secret:api}}" } }));
    let first = node.append("1", "placed").0;
    let count = node.query("hostile", "sum", first)["body"]["count"].as_u64().expect("a count");
    let change = json!({ "events": ["shipped"], "filter": "aggregate_id = '2'", "exclude": ["/card"] });
    let shown = node.ask(Method::PATCH, "plugins/hostile/config", change.to_string());
    assert_eq!((&shown["events"], &shown["fields"]["exclude"]), (&json!(["shipped"]), &json!(["/card"])));
    assert_eq!(shown["config"], json!({ "token": "(redacted)", "auth": "{{secret:api}}" }));
    node.append("2", "placed");
    node.append("1", "shipped");
    let last = node.append("2", "shipped").0;
    assert_eq!(
        node.query("hostile", "sum", last)["body"]["count"],
        count + 1,
        "from the cursor on, and only what passes"
    );
    for (body, said) in [
        (json!({ "config": { "check": "refuse" } }), "refuse"),
        (json!({ "filter": "card.number = '4'" }), "card.number"),
        (json!({ "payload_mode": "nowhere" }), "no payload mode nowhere"),
        (json!({ "config": { "auth": "{{secret:none}}" } }), "secret none"),
    ] {
        let message =
            refused(&mut node, Method::PATCH, "plugins/hostile/config", &body, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(message.contains(said), "{message}");
    }
    let log = node.get("events?system=true").to_string();
    assert!(log.contains("$plugin_configured") && log.contains("$secret_set") && !log.contains("CANARY"), "{log}");
    assert!(!node.get("plugins/hostile").to_string().contains("CANARY"));
    let used = refused(&mut node, Method::DELETE, "secrets/api", &json!({}), StatusCode::CONFLICT);
    assert!(used.contains("hostile"), "{used}");
}

#[test]
fn a_mode_in_use_stays_and_says_by_whom() {
    let mut node = Node::start();
    let definition = json!({ "parts": ["event"], "fields": { "exclude": ["/card"] } });
    node.ask(Method::PUT, "payload-modes/discreet", definition.to_string());
    node.install_as(version("nothing"), &json!({ "payload_mode": "discreet" }));
    let mut node = node.restart();
    let last = node.append("1", "placed").0;
    node.query("hostile", "sum", last);
    let used = refused(&mut node, Method::DELETE, "payload-modes/discreet", &json!({}), StatusCode::CONFLICT);
    assert!(used.contains("hostile"), "{used}");
    let taken = refused(&mut node, Method::PUT, "payload-modes/all", &definition, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(taken.contains("built-in"), "{taken}");
    node.ask(Method::POST, "plugins/hostile/replay", json!({ "payload_mode": "discreet" }).to_string());
    settled(&mut node);
    node.ask(Method::PATCH, "plugins/hostile/config", json!({ "payload_mode": "all" }).to_string());
    done(&mut node, Method::DELETE, "payload-modes/discreet", &json!({}));
    refused(&mut node, Method::GET, "payload-modes/discreet", &json!({}), StatusCode::NOT_FOUND);
}

#[test]
fn where_signatures_are_required_only_what_a_trusted_key_signed_is_installed() {
    let (key, stranger) = (SecretKey::generate(), SecretKey::generate());
    let mut node = Node::start();
    let rules = json!({ "require_signed": true, "trusted_keys": [key.public().to_string()] });
    node.ask(Method::PUT, "signing", rules.to_string());
    let wasm = version("nothing");
    let component = add(&mut node, "nothing");
    for (signature, said) in [
        (None, "not signed".to_owned()),
        (Some(stranger.sign(&wasm)), stranger.public().id()),
        (Some(key.sign(b"another component")), key.public().id()),
    ] {
        let body = json!({ "component": component, "signature": signature.map(|signature| signature.to_string()) });
        let message = refused(&mut node, Method::POST, "plugins", &body, StatusCode::FORBIDDEN);
        assert!(message.contains(&said), "{message}");
    }
    let body = json!({ "component": component, "signature": key.sign(&wasm).to_string() });
    assert_eq!(node.ask(Method::POST, "plugins", body.to_string())["signer"], key.public().id());
    let newer = add(&mut node, "newer");
    refused(&mut node, Method::POST, "plugins/hostile/upgrade", &json!({ "component": newer }), StatusCode::FORBIDDEN);
}
