//! What else a plugin can try in a running daemon, and what its operator sees of it: traps where no guest code is expected,
//! connections without end, sleeping in the host, components that do not fit, and a compiled component that somebody changed.

use std::{fs, io::Read as _, net::TcpListener, thread, time::Duration};

use eventdbx_tests::{Node, guest, marked};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentImportSection, ComponentInstanceSection,
    ComponentTypeRef, ComponentTypeSection, InstanceType,
};

const PATIENCE: Duration = Duration::from_secs(120);

/// Adds a component that is refused; all that the operator is told.
#[track_caller]
fn refused(node: &mut Node, method: Method, path: &str, body: impl Into<bytes::Bytes>) -> String {
    let (status, body) = node.try_ask(method, path, body);
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {body}");
    body["error"]["message"].as_str().expect("a message").to_owned()
}

/// Installs with a configuration that is refused.
fn not_installed(node: &mut Node, wasm: Vec<u8>, config: &Value) -> String {
    let component = node.ask(Method::PUT, "components", wasm)["hash"].clone();
    refused(node, Method::POST, "plugins", json!({ "component": component, "config": config }).to_string())
}

/// A component of nothing but names.
fn hollow(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let mut component = Component::new();
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    component.section(&types);
    let mut section = ComponentImportSection::new();
    for name in imports {
        section.import(*name, ComponentTypeRef::Instance(0));
    }
    component.section(&section);
    let mut instances = ComponentInstanceSection::new();
    instances.export_items::<&str, [(&str, ComponentExportKind, u32); 0]>([]);
    component.section(&instances);
    let mut section = ComponentExportSection::new();
    for name in exports {
        section.export(*name, ComponentExportKind::Instance, u32::try_from(imports.len()).expect("few"), None);
    }
    component.section(&section);
    component.finish()
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason_and_leaves_nothing_behind() {
    let mut node = Node::start();
    let exports = ["eventdbx:plugin/meta@0.1.0", "eventdbx:plugin/handler@0.1.0"];
    for (imports, said) in [
        (&["wasi:filesystem/types@0.2.0"][..], "imports wasi:filesystem/types@0.2.0"),
        (&["eventdbx:plugin/state@0.1.0", "eventdbx:plugin/outbound@0.1.0"], "no such interface"),
        (&["eventdbx:plugin/keys@0.1.0"], "imports eventdbx:plugin/keys@0.1.0"),
        (&["eventdbx:plugin/state@9.0.0"], "newer than 0.1.0"),
    ] {
        let told = refused(&mut node, Method::PUT, "components", hollow(imports, &exports));
        assert!(told.contains(said), "{imports:?}: {told}");
    }
    assert!(refused(&mut node, Method::PUT, "components", "this is text").contains("WebAssembly"));
    for (word, said) in [
        ("garbage", &["Not A Name", "no-pointer"][..]),
        ("trap", &["crashed"]),
        ("read", &["describe"]),
        ("huge", &["output_bytes"]),
    ] {
        let wasm = marked("eventdbx-guest-hostile", "hostile-describe:", word);
        let told = refused(&mut node, Method::PUT, "components", wasm);
        assert!(said.iter().all(|said| told.contains(said)), "{word}: {told}");
    }
    for (config, said) in [
        (json!({ "init": "trap" }), "crashed"),
        (json!({ "check": "trap" }), "crashed"),
        (json!({ "init": "refuse" }), "asked to refuse"),
        (json!({ "init": "write" }), "init"),
    ] {
        let told = not_installed(&mut node, guest("eventdbx-guest-hostile"), &config);
        assert!(told.contains(said), "{config}: {told}");
    }
    assert_eq!(node.get("plugins")["rows"], json!([]));
    node.append("1", "placed");
}

#[test]
fn traps_in_the_hosts_own_calls_cost_an_instance_and_no_event() {
    let mut node = Node::start();
    node.install(guest("eventdbx-guest-hostile"));
    let first = node.append("1", "trap_next_batch").0;
    node.query("hostile", "sum", first);
    // The host cannot even hand this one over; a new instance takes it.
    let second = node.append("2", "placed").0;
    let sum = node.query("hostile", "sum", second);
    assert_eq!(sum["body"], json!({ "sum": first + second, "count": 2 }), "{sum}");
    let status = node.get("plugins/hostile");
    assert_eq!(
        (&status["state"], &status["parked"], &status["traps"]),
        (&json!("live"), &json!(0), &json!(1)),
        "{status}"
    );
    // This one traps each time it is done, when the host has read the answer: it counts as not done.
    node.append("3", "trap_after_return");
    let last = node.append("4", "placed").0;
    let sum = node.query("hostile", "sum", last);
    assert_eq!(sum["body"], json!({ "sum": first + second + last, "count": 3 }), "{sum}");
    let parked = node.get("plugins/hostile/queue")["rows"][0].clone();
    assert_eq!((&parked["aggregate_id"], &parked["code"]), (&json!("3"), &json!("crashed")), "{parked}");
}

#[test]
fn a_compiled_component_that_was_changed_is_not_run() {
    let mut node = Node::start();
    node.install(guest("eventdbx-guest-hostile"));
    let first = node.append("1", "placed").0;
    node.query("hostile", "sum", first);
    let node = node.restart_after(|dir| {
        let compiled = fs::read_dir(dir.join("cache/components")).expect("the cache");
        let compiled: Vec<_> = compiled
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "cwasm"))
            .collect();
        assert!(!compiled.is_empty(), "else the test proves nothing");
        for path in compiled {
            let mut code = fs::read(&path).expect("reads");
            let middle = code.len() / 2;
            code[middle] ^= 1;
            fs::write(&path, code).expect("writes");
        }
    });
    let mut node = node;
    let second = node.append("1", "placed").0;
    let sum = node.query("hostile", "sum", second);
    assert_eq!(sum["body"], json!({ "sum": first + second, "count": 2 }), "it was compiled anew");
}

/// A peer that takes every connection and says nothing; its address.
fn silent_peer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || stream.read_to_end(&mut Vec::new()));
        }
    });
    address
}

#[test]
fn a_transport_that_hoards_floods_or_sleeps_is_told_off_and_others_go_on() {
    let mut node = Node::start_with("[limits]\noutbound_call_ms = 100\noutbound_batch_ms = 300\n");
    let url = format!("tcp://{}", silent_peer());
    let targets = json!({ "lines": { "url": url, "private": true } });
    let wasm = guest("eventdbx-guest-hostile-transport");
    assert!(not_installed(&mut node, wasm.clone(), &json!({})).contains("reaches only what is granted"));
    node.install_as(wasm.clone(), &json!({ "targets": targets }));
    node.install(guest("event-counter"));
    for (id, event_type) in [("1", "hoard"), ("2", "flood"), ("3", "placed")] {
        node.append(id, event_type);
    }
    let status = node.until("plugins/eventdbx-guest-hostile-transport", PATIENCE, |status| {
        status["parked"] == 2 && status["state"] == "live"
    });
    let queue = node.get("plugins/eventdbx-guest-hostile-transport/queue")["rows"].to_string();
    assert!(queue.contains("limit-outbound_connections"), "{status}: {queue}");
    assert!(queue.contains("outbound_send_bytes"), "{queue}");

    // It asks the host to wait for an hour: it gets the time of one batch, again and again, and is not convicted for it.
    let (last, took) = node.append("4", "sleep");
    assert!(took < Duration::from_secs(2), "an append took {took:?}");
    let counts = node.query("event-counter", "counts", last);
    assert_eq!(counts["body"]["sleep"], 1, "another plugin does not wait for it: {counts}");
    let waits =
        node.until("plugins/eventdbx-guest-hostile-transport", PATIENCE, |status| status["attempt"].as_u64() > Some(2));
    assert_eq!(waits["parked"], 2, "{waits}");

    node.install_as(wasm, &json!({ "targets": targets, "name": "nosy", "events": ["elsewhere"] }));
    node.append("5", "elsewhere");
    let stopped = node.until("plugins/nosy", PATIENCE, |status| status["state"] == "stopped");
    assert!(stopped["reason"].as_str().expect("a reason").contains("somewhere-else"), "{stopped}");
}

#[test]
fn a_limit_that_the_operator_sets_is_the_one_that_holds() {
    let mut node = Node::start_with("[limits]\ntable_elements = 1\n");
    let told = not_installed(&mut node, guest("event-counter"), &json!({}));
    assert!(told.contains("table_elements"), "{told}");
}
