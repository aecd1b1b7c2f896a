//! The drop-in folder, and uninstalling by force.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::scratch::Scratch;

const PATIENCE: Duration = Duration::from_secs(120);

fn example(name: &str) -> PathBuf {
    eventdbx_plugin_build::example(name).unwrap()
}

/// A daemon whose domain `default` has a drop-in folder, and that folder.
fn started() -> (Scratch, PathBuf) {
    let scratch = Scratch::started();
    scratch.dbx(["plugin", "drop-in"]).ok().says("plugins.drop_in");
    scratch.dbx(["config", "set", "plugins.drop_in", "[\"default\"]"]).ok();
    scratch.dbx(["restart"]).ok();
    let folder = scratch.json(["plugin", "drop-in"])["folder"].as_str().unwrap().into();
    (scratch, folder)
}

/// Puts a file there as a careful program does.
fn put(folder: &std::path::Path, name: &str, contents: &[u8]) {
    let part = folder.join(format!("{name}.part"));
    fs::write(&part, contents).unwrap();
    fs::rename(part, folder.join(name)).unwrap();
}

/// Waits until a component of the folder stands so.
fn until(scratch: &Scratch, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let rows = scratch.json(["plugin", "drop-in"])["rows"].clone();
        let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name).cloned().unwrap_or_default();
        if wanted(&row) {
            return row;
        }
        assert!(started.elapsed() < PATIENCE, "{rows}");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_put_into_the_folder_is_installed_and_upgraded() {
    let (scratch, folder) = started();
    let mut counter = fs::read(example("event-counter")).unwrap();
    put(&folder, "counts.toml", b"payload_mode = \"extensions-only\"\nevents = [\"placed\"]\n");
    put(&folder, "counts.wasm", &counter);
    put(&folder, "text.wasm", b"this is text");
    until(&scratch, "counts", |row| row["state"] == "applied");
    let failed = until(&scratch, "text", |row| row["state"] == "failed");
    assert!(failed["reason"].as_str().unwrap().contains("WebAssembly"), "{failed}");
    scratch.dbx(["aggregate", "apply", "order", "1", "placed"]).ok();
    let last = scratch.json(["aggregate", "apply", "order", "1", "paid"])["events"][0]["position"].to_string();
    let counts = scratch.json(["query", "counts", "counts", "--wait", &last])["body"].clone();
    assert_eq!(counts, json!({"placed": 1}));

    // Another component: a section of its own, which nobody reads.
    counter.extend([0, 3, 1, b'x', 0]);
    let first = scratch.json(["plugin", "status", "counts"])["component"].clone();
    put(&folder, "counts.wasm", &counter);
    put(&folder, "counts.toml", b"payload_mode = \"extensions-only\"\nevents = [\"*\"]\n");
    let changed = || {
        let status = scratch.json(["plugin", "status", "counts"]);
        status["component"] != first && status["events"] == json!(["*"])
    };
    until(&scratch, "counts", |row| row["state"] == "applied" && changed());
    let told = scratch.json(["events", "$plugin", "counts", "--system"])["rows"].clone();
    let told: Vec<_> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["event_type"].as_str().unwrap(), row["actor"].as_str().unwrap()))
        .collect();
    let by_folder = |event| (event, "drop-in");
    assert_eq!(told, ["$plugin_installed", "$plugin_upgraded", "$plugin_configured"].map(by_folder));

    // What is done by hand stays.
    scratch.dbx(["plugin", "rollback", "counts"]).ok();
    scratch.dbx(["restart"]).ok();
    until(&scratch, "counts", |row| row["state"] == "applied");
    assert_eq!(scratch.json(["plugin", "status", "counts"])["component"], first);
    fs::remove_file(folder.join("counts.wasm")).unwrap();
    until(&scratch, "counts", Value::is_null);
    assert_eq!(scratch.json(["plugin", "status", "counts"])["state"], "live");
}

#[test]
fn an_upgrade_that_asks_for_more_waits_for_somebody() {
    let (scratch, folder) = started();
    put(&folder, "slim.wasm", &fs::read(example("coarse-times")).unwrap());
    until(&scratch, "slim", |row| row["state"] == "applied");
    let greedy = example("redact-emails");
    put(&folder, "slim.wasm", &fs::read(&greedy).unwrap());
    let row = until(&scratch, "slim", |row| row["state"] == "needs-consent");
    assert!(row["reason"].as_str().unwrap().contains("--grant part=envelope"), "{row}");
    let status = scratch.json(["plugin", "status", "slim"]);
    assert_eq!(status["drop_in"], row["reason"]);
    scratch.dbx(["plugin", "status", "slim"]).ok();
    scratch.dbx(["plugin", "drop-in"]).ok();
    let mut upgrade = vec!["plugin", "upgrade", "slim", greedy.to_str().unwrap()];
    upgrade.extend(["--grant", "part=schema", "--grant", "part=envelope", "--grant", "part=extensions"]);
    scratch.dbx(upgrade).ok();
    until(&scratch, "slim", |row| row["state"] == "applied" && row["reason"].is_null());
    assert_eq!(scratch.json(["plugin", "status", "slim"])["drop_in"], Value::Null);
}

#[test]
fn what_others_depend_on_goes_only_by_force() {
    let scratch = Scratch::started();
    scratch.dbx(["plugin".as_ref(), "install".as_ref(), example("coarse-times").as_os_str()]).ok();
    let mut install = vec!["plugin".into(), "install".into(), example("event-counter").into_os_string()];
    install.extend(["--payload-mode", "coarse-times"].map(Into::into));
    scratch.dbx(install).ok();
    let last = scratch.json(["aggregate", "apply", "order", "1", "placed"])["events"][0]["position"].to_string();
    scratch.json(["query", "event-counter", "counts", "--wait", &last]);
    scratch.dbx(["plugin", "uninstall", "coarse-times"]).code(3).says("in use by event-counter");
    let gone = scratch.json(["plugin", "uninstall", "coarse-times", "--force"]);
    assert!(gone["lost"][0].as_str().unwrap().contains("the payload mode of event-counter"), "{gone}");
    scratch.dbx(["aggregate", "apply", "order", "1", "paid"]).ok();
    let started = Instant::now();
    loop {
        let status = scratch.json(["plugin", "status", "event-counter"]);
        if status["reason"].as_str().is_some_and(|reason| reason.contains("the domain has no such mode")) {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{status}");
    }
    scratch.dbx(["plugin", "config", "event-counter", "--payload-mode", "all"]).ok();
    let counts = scratch.json(["query", "event-counter", "counts", "--wait", &last])["body"].clone();
    assert_eq!(counts["placed"], 1);
    let gone = scratch.dbx(["plugin", "uninstall", "event-counter"]).ok().stdout;
    assert!(gone.contains("gone: its tables"), "{gone}");
}
