//! Domains come and go while the daemon runs.

use std::{fs, io::Write as _, os::unix::net::UnixStream, path::PathBuf};

use bytes::Bytes;
use eventdbx_node::{
    client::{Client, whole},
    wire::ErrorCode,
};
use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Node, order};

impl Node {
    fn create(&mut self, domain: &str) -> Answer {
        self.send(Method::PUT, &format!("/v1/domains/{domain}"), "")
    }

    fn delete(&mut self, domain: &str, query: &str) -> Answer {
        self.send(Method::DELETE, &format!("/v1/domains/{domain}{query}"), "")
    }

    fn write_in(&mut self, domain: &str, id: &str, payload: Value) -> Value {
        let events = json!({ "events": [order(id, "made", payload)] });
        let answer = self.post(&format!("/v1/domains/{domain}/append"), &events);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["events"][0].clone()
    }

    fn domain_dir(&self, domain: &str) -> PathBuf {
        self.dir.path().join("domains").join(domain)
    }

    /// Event types and actors that the log of `default` tells of a domain.
    fn told(&mut self, domain: &str) -> Vec<String> {
        let path = format!("/v1/domains/default/aggregates/$domain/{domain}/events");
        let rows = self.get(&path).body["rows"].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row["event_type"].as_str().unwrap().to_owned()).collect()
    }

    fn names(&mut self) -> Vec<String> {
        let rows = self.get("/v1/domains").body["rows"].as_array().unwrap().clone();
        rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_domain_is_made_listed_shown_and_still_there_after_a_restart() {
    let mut node = Node::start();
    let made = node.create("orders");
    assert_eq!((made.status.as_u16(), &made.body["state"], &made.body["position"]), (201, &json!("open"), &json!(0)));
    node.write_in("orders", "1", json!({ "a": 1 }));
    assert_eq!(node.names(), ["default", "orders"]);

    let shown = node.get("/v1/domains/orders").body;
    assert_eq!((&shown["events"], &shown["aggregates"], &shown["remote"]), (&json!(1), &json!(1), &Value::Null));
    assert!(shown["disk_bytes"].as_u64().unwrap() > 1000 && shown["created_at"].is_string(), "{shown}");
    assert_eq!((&shown["durability"], &shown["mode"]), (&json!("sync"), &json!("default")));

    let error = node.create("orders").refused(ErrorCode::Conflict);
    assert!(error.hint.unwrap().contains("dbx checkout orders"));
    assert_eq!(node.told("orders"), ["$domain_created"]);

    let mut node = node.restart();
    assert_eq!(node.get("/v1/domains/orders").body["root"], shown["root"]);
    assert_eq!(node.told("orders"), ["$domain_created"]);
    node.write_in("orders", "2", json!({}));
}

#[test]
fn a_name_that_is_none_is_refused_before_a_file_is_touched() {
    let mut node = Node::start();
    let before: Vec<_> = fs::read_dir(node.dir.path().join("domains")).unwrap().map(|e| e.unwrap().path()).collect();
    for bad in [
        "Orders",
        ".orders",
        "-x",
        "2nd",
        "a%2Fb",
        "..%2F..%2Fetc",
        "%2e%2e",
        ".deleting-x",
        "a%00",
        "a%20b",
        "%C3%A9",
        "settings",
        "snapshots",
        "remote",
        &"x".repeat(65),
    ] {
        node.create(bad).refused(ErrorCode::BadRequest);
    }
    node.delete("..%2Fx", "?force=true").refused(ErrorCode::BadRequest);
    node.delete("nobody", "?force=true").refused(ErrorCode::NotFound);
    node.get("/v1/domains/nobody").refused(ErrorCode::NotFound);
    let after: Vec<_> = fs::read_dir(node.dir.path().join("domains")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(after, before);
    assert_eq!(node.head(), 0);
}

#[test]
fn a_domain_with_events_is_deleted_only_with_force_and_then_whole() {
    let mut node = Node::start();
    node.create("orders");
    node.create("empty");
    let receipt = node.write_in("orders", "1", json!({ "secret": "plain" }));
    let error = node.delete("orders", "").refused(ErrorCode::Refused);
    assert!(error.message.contains("1 event") && error.hint.unwrap().contains("force"));
    assert_eq!(node.get("/v1/domains/orders").body["state"], "open");

    let mut keyring = fs::File::open(node.domain_dir("orders").join("keyring")).unwrap();
    assert_eq!(node.delete("orders", "?force=true").status, 204);
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut keyring, &mut bytes).unwrap();
    assert!(!bytes.is_empty() && bytes.iter().all(|byte| *byte == 0), "the keys are written over");
    assert_eq!(node.delete("empty", "").status, 204);

    assert_eq!(node.names(), ["default"]);
    assert_eq!(fs::read_dir(node.dir.path().join("domains")).unwrap().count(), 1);
    node.get("/v1/domains/orders/events").refused(ErrorCode::NotFound);
    assert_eq!(node.told("orders"), ["$domain_created", "$domain_deleted"]);
    let told = node.get("/v1/domains/default/aggregates/$domain/orders/events?from=2").body["rows"][0].clone();
    assert_eq!(told["payload"]["position"], receipt["position"]);
    assert!(!told["actor"].as_str().unwrap().is_empty() && told["payload"]["root"].is_string());

    // A new domain of that name has nothing of the old one.
    node.create("orders");
    assert_eq!(node.get("/v1/domains/orders").body["events"], 0);
    assert_eq!(node.told("orders"), ["$domain_created", "$domain_deleted", "$domain_created"]);
}

#[test]
fn the_default_domain_is_emptied_with_force_and_never_gone() {
    let mut node = Node::start();
    node.write("1", "made", json!({}));
    let before = node.get("/v1/domains/default").body;
    node.delete("default", "").refused(ErrorCode::Refused);
    assert_eq!(node.delete("default", "?force=true").status, 204);
    node.get("/v1/domains/default/aggregates/order/1").refused(ErrorCode::NotFound);
    assert_eq!(node.told("default"), ["$domain_deleted"]);
    assert_ne!(node.get("/v1/domains/default").body["created_at"], before["created_at"]);
    node.write("1", "made", json!({}));
    let mut node = node.restart();
    assert_eq!(node.head(), 2);
}

#[test]
fn what_streams_from_a_deleted_domain_ends_with_an_error_line() {
    let mut node = Node::start();
    node.create("orders");
    node.write_in("orders", "1", json!({}));
    let socket = node.running().socket();
    let (mut one, mut two) = node
        .runtime
        .block_on(async { (Client::connect(&socket).await.unwrap(), Client::connect(&socket).await.unwrap()) });
    let path = "/v1/domains/orders/events?follow=true";
    let mut followed = node.runtime.block_on(one.lines(Method::GET, path, whole(Bytes::new()))).unwrap();
    assert!(node.runtime.block_on(followed.next()).unwrap().is_some());
    let (feed, body) = eventdbx_node::client::pieces(1);
    let line = format!("{}\n", order("2", "made", json!({})));
    node.runtime.block_on(feed.send(Ok(line.into()))).unwrap();
    let mut imported = node.runtime.block_on(two.lines(Method::POST, "/v1/domains/orders/import", body)).unwrap();
    let first = node.runtime.block_on(imported.next()).unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("\"written\":1"));

    assert_eq!(node.delete("orders", "?force=true").status, 204);
    let mut last = Value::Null;
    while let Some(line) = node.runtime.block_on(followed.next()).unwrap() {
        last = serde_json::from_slice(&line).unwrap();
    }
    assert_eq!(last["error"]["code"], "unavailable", "{last}");
    let line = node.runtime.block_on(imported.next()).unwrap().unwrap();
    let last: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!((&last["error"]["code"], &last["error"]["line"]), (&json!("unavailable"), &json!(2)), "{last}");
    drop(feed);
}

#[test]
fn a_client_that_stops_in_the_middle_of_a_body_does_not_keep_a_domain() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("config.toml"), "[daemon]\nshutdown_seconds = 1\n").unwrap();
    let mut node = Node::start_in(dir);
    node.create("orders");
    let mut stalled = UnixStream::connect(node.running().socket()).unwrap();
    let request = "POST /v1/domains/orders/append HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{\"events\":";
    stalled.write_all(request.as_bytes()).unwrap();
    assert_eq!(node.delete("orders", "").status, 204);
    assert_eq!(node.names(), ["default"]);
}

#[test]
fn a_deletion_that_a_crash_broke_off_is_finished_at_the_next_start() {
    let mut node = Node::start();
    for domain in ["marked", "buried", "half"] {
        node.create(domain);
        node.write_in(domain, "1", json!({}));
    }
    let dir = node.stop();
    let domains = dir.path().join("domains");
    let mark = json!({ "actor": "alice", "position": 1, "root": "ab", "reason": null }).to_string();
    fs::write(domains.join("marked/deleting"), &mark).unwrap();
    fs::write(domains.join("buried/deleting"), &mark).unwrap();
    fs::rename(domains.join("buried"), domains.join(".deleting-buried")).unwrap();
    fs::remove_file(domains.join("half/keyring")).unwrap();
    fs::rename(domains.join("half"), domains.join(".deleting-half")).unwrap();

    let mut node = Node::start_in(dir);
    assert_eq!(node.names(), ["default"]);
    assert_eq!(fs::read_dir(&domains).unwrap().count(), 1);
    for domain in ["marked", "buried"] {
        assert_eq!(node.told(domain), ["$domain_created", "$domain_deleted"], "{domain}");
    }
    let told = node.get("/v1/domains/default/aggregates/$domain/marked/events?from=2").body["rows"][0].clone();
    assert_eq!(told["actor"], "alice");

    let dir = node.stop();
    fs::write(domains.join("default/deleting"), &mark).unwrap();
    let mut node = Node::start_in(dir);
    assert_eq!(node.told("default"), ["$domain_deleted"]);
}

#[test]
fn a_domain_that_does_not_open_takes_nothing_else_down() {
    let mut node = Node::start();
    node.create("broken");
    node.write_in("broken", "1", json!({}));
    node.create("whole");
    let dir = node.stop();
    let keyring = dir.path().join("domains/broken/keyring");
    let kept = fs::read(&keyring).unwrap();
    fs::write(&keyring, "nonsense").unwrap();
    fs::create_dir(dir.path().join("domains/nothing")).unwrap();

    let mut node = Node::start_in(dir);
    let failed = node.running().failed_domains();
    assert_eq!(failed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["broken"]);
    assert_eq!(node.names(), ["broken", "default", "whole"]);
    let row = node.get("/v1/domains").body["rows"][0].clone();
    assert_eq!((&row["state"], &row["position"]), (&json!("failed"), &Value::Null));
    assert!(row["reason"].as_str().unwrap().contains("keyring"), "{row}");
    assert_eq!(node.get("/v1/domains/broken").body["reason"], row["reason"]);
    let error = node.get("/v1/domains/broken/events").refused(ErrorCode::Integrity);
    assert!(error.message.contains("keyring"), "{}", error.message);
    let ready = node.get("/health/ready");
    assert_eq!((ready.status.as_u16(), &ready.body["status"]), (200, &json!("degraded")));
    assert!(ready.body["problems"][0].as_str().unwrap().contains("broken"));
    node.write_in("whole", "1", json!({}));
    node.create("broken").refused(ErrorCode::Conflict);
    node.delete("broken", "").refused(ErrorCode::Refused);

    let dir = node.stop();
    fs::write(&keyring, kept).unwrap();
    let mut node = Node::start_in(dir);
    node.write_in("broken", "2", json!({}));
    let dir = node.stop();
    fs::write(&keyring, "nonsense").unwrap();
    let mut node = Node::start_in(dir);
    assert_eq!(node.delete("broken", "?force=true").status, 204);
    assert_eq!(node.told("broken"), ["$domain_created", "$domain_deleted"]);
    assert!(!node.domain_dir("broken").exists());
    assert_eq!(node.names(), ["default", "whole"]);
    assert_eq!(node.create("broken").status, 201);
}

#[test]
fn a_remote_is_kept_sealed_and_its_token_never_told() {
    const TOKEN: &str = "canary-7f3a9c";
    let mut node = Node::start();
    node.create("orders");
    let request = |key: &str| json!({ "address": "replica:6363", "key": key.repeat(32), "token": TOKEN }).to_string();
    let set = node.send(Method::PUT, "/v1/domains/orders/remote", request("ab"));
    assert_eq!((set.status.as_u16(), &set.body["address"]), (200, &json!("replica:6363")));
    let rotated = node.send(Method::PUT, "/v1/domains/orders/remote", request("CD")).body;
    assert_ne!(rotated["key_fingerprint"], set.body["key_fingerprint"]);
    assert_eq!(node.get("/v1/domains/orders").body["remote"], rotated);
    let bad = json!({ "address": "x", "key": "y", "token": "" }).to_string();
    let error = node.send(Method::PUT, "/v1/domains/orders/remote", bad).refused(ErrorCode::Refused);
    assert!(error.message.contains("HOST:PORT") && error.message.contains("hex"), "{}", error.message);

    let mut node = node.restart();
    assert_eq!(node.get("/v1/domains/orders").body["remote"], rotated);
    let events = node.get("/v1/domains/orders/events?system=true").body;
    assert_eq!(events["rows"].as_array().unwrap().len(), 2);
    assert!(!events.to_string().contains(TOKEN));
    for entry in fs::read_dir(node.domain_dir("orders")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }

    node.create("other");
    fs::copy(node.domain_dir("orders").join("remote"), node.domain_dir("other").join("remote")).unwrap();
    node.get("/v1/domains/other").refused(ErrorCode::Integrity);
    assert_eq!(node.send(Method::DELETE, "/v1/domains/orders/remote", "").status, 204);
    node.send(Method::DELETE, "/v1/domains/orders/remote", "").refused(ErrorCode::NotFound);
    assert_eq!(node.get("/v1/domains/orders").body["remote"], Value::Null);
}

#[test]
fn twenty_idle_domains_cost_little() {
    let mut node = Node::start();
    let memory = |node: &mut Node| node.get("/v1/stats").body["memory_bytes"].as_u64().unwrap();
    let before = memory(&mut node);
    for number in 0..20 {
        assert_eq!(node.create(&format!("d{number}")).status, 201);
    }
    let each = memory(&mut node).saturating_sub(before) / 20;
    let disk = node.get("/v1/domains/d0").body["disk_bytes"].as_u64().unwrap();
    println!("an idle domain costs {} KiB of memory and {} KiB on disk", each >> 10, disk >> 10);
    assert!(each < 16 << 20, "{each} bytes");
}

#[test]
fn of_many_who_make_or_delete_one_domain_one_succeeds_and_no_writer_hangs() {
    let mut node = Node::start();
    let socket = node.running().socket();
    let many = |method: Method, path: &'static str, body: String| {
        let clients = (0..8).map(|_| {
            let (socket, method, body) = (socket.clone(), method.clone(), body.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut client = Client::connect(&socket).await.unwrap();
                    client.request(method, path, body).await.unwrap().0.as_u16()
                })
            })
        });
        clients.collect::<Vec<_>>()
    };
    let joined = |clients: Vec<std::thread::JoinHandle<u16>>| {
        let mut statuses: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        statuses.sort_unstable();
        statuses
    };
    for _ in 0..3 {
        let made = joined(many(Method::PUT, "/v1/domains/orders", String::new()));
        assert_eq!(made[0], 201, "{made:?}");
        assert!(made[1..].iter().all(|status| [409, 503].contains(status)), "{made:?}");

        let event = json!({ "events": [order("1", "made", json!({}))] }).to_string();
        let writers = many(Method::POST, "/v1/domains/orders/append", event);
        let deleted = joined(many(Method::DELETE, "/v1/domains/orders?force=true", String::new()));
        assert_eq!(deleted[0], 204, "{deleted:?}");
        assert!(deleted[1..].iter().all(|status| [404, 503].contains(status)), "{deleted:?}");
        let written = joined(writers);
        assert!(written.iter().all(|status| [200, 404].contains(status)), "{written:?}");
    }
    assert_eq!(node.names(), ["default"]);
    assert_eq!(node.told("orders").len(), 6);
}
