//! The daemon as a process.

use std::{fs, io::Read, os::unix::fs::PermissionsExt, path::Path};

use crate::scratch::Scratch;

#[test]
fn it_starts_once_restarts_and_stops() {
    let scratch = Scratch::new();
    let first = scratch.json(["start"]);
    assert!(first["notices"][0].as_str().unwrap().contains("master key"), "{first}");
    let again = scratch.json(["start"]);
    assert_eq!(again["pid"], first["pid"]);
    assert_eq!(scratch.json(["status"])["pid"], first["pid"]);

    scratch.dbx(["aggregate", "apply", "order", "1", "placed"]).ok();
    let restarted = scratch.json(["restart"]);
    assert_ne!(restarted["pid"], first["pid"]);
    assert_eq!(restarted["notices"], serde_json::json!([]));
    assert!(has_ended(&first["pid"]));
    assert_eq!(scratch.json(["aggregate", "get", "order", "1"])["version"], 1);

    let pid = scratch.json(["stop"])["pid"].clone();
    assert_eq!(pid, restarted["pid"]);
    assert!(has_ended(&pid));
    scratch.dbx(["stop"]).code(5);
}

/// Gone, or a zombie that whoever inherited it has yet to see off.
fn has_ended(pid: &serde_json::Value) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| stat.rsplit(") ").next().is_some_and(|state| state.starts_with('Z')))
}

#[test]
fn only_the_owner_can_reach_it_and_no_argument_is_secret() {
    let scratch = Scratch::new();
    let key = "5f".repeat(32);
    let mut start = scratch.command(crate::scratch::DBX);
    let ran = crate::scratch::Ran::of(start.args(["start", "--format", "json"]).env("DBX_MASTER_KEY", &key)).ok();
    let ready: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scratch.data()), 0o700);
    assert_eq!(mode(&scratch.data().join("dbx.sock")), 0o600);
    assert!(!scratch.data().join("master.key").exists(), "the key was given");

    let arguments = fs::read(format!("/proc/{}/cmdline", ready["pid"])).unwrap();
    assert!(!String::from_utf8_lossy(&arguments).contains(&key));
    let log = fs::read_to_string(scratch.data().join("logs/dbx.log")).unwrap();
    assert!(!log.contains(&key));
}

#[test]
fn in_the_foreground_it_ends_with_a_signal() {
    let scratch = Scratch::new();
    let mut child = scratch.spawn(["start", "--foreground", "--format", "ndjson"]);
    let mut ready = [0];
    child.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
    scratch.dbx(["status"]).ok();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    scratch.dbx(["status"]).code(5);
}

#[test]
fn the_configuration_is_read_at_the_start() {
    let scratch = Scratch::new();
    scratch.dbx(["config", "set", "log.durability", "os"]).ok().says("dbx restart");
    assert_eq!(scratch.json(["config", "get", "log.durability"])["value"], "os");
    scratch.dbx(["config", "set", "log.durability", "never"]).code(3);
    scratch.dbx(["start"]).ok();
    assert_eq!(scratch.json(["status"])["domains"][0]["durability"], "os");
    assert_eq!(scratch.json(["aggregate", "apply", "order", "1", "placed"])["durability"], "os");
}
