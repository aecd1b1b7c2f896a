//! Starting, stopping, and what a daemon refuses to start on.

use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
};

use eventdbx_node::{
    Daemon, DataDir, KeySource, Running, StartError, StartOptions, client::Client, data_dir::DataDirError,
    wire::ErrorCode,
};
use serde_json::json;

use crate::support::Node;

/// The error of a daemon that must not start.
#[track_caller]
fn refused(started: Result<Running, StartError>) -> StartError {
    started.err().expect("the daemon must not start")
}

/// Everything in a directory, with sizes.
fn contents(dir: &std::path::Path) -> Vec<(std::path::PathBuf, u64)> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
            found.push((entry.path(), entry.metadata().unwrap().len()));
        }
    }
    found.sort();
    found
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let mut node = Node::start();
    node.write("1", "made", json!({ "a": 1 }));
    let root = node.get("/v1/status").body["domains"][0]["root"].clone();
    let mut node = node.restart();
    assert_eq!(node.get("/v1/status").body["domains"][0]["root"], root);
    assert_eq!(node.get("/v1/domains/default/aggregates/order/1").body["state"], json!({ "a": 1 }));
    node.write("1", "changed", json!({ "a": 2 }));
    assert_eq!(node.head(), 2);
}

#[test]
fn only_the_owner_can_open_what_a_daemon_makes() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = DataDir::new(dir.path().join("data"));
    let running = Daemon::start(&StartOptions::new(data_dir.path())).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(data_dir.path()), 0o700);
    assert_eq!(mode(&data_dir.socket()), 0o600);
    assert_eq!(mode(&data_dir.master_key()), 0o600);
    assert_eq!(running.key_source(), &KeySource::Generated(data_dir.master_key()));
    assert_eq!(data_dir.daemon_pid().unwrap(), Some(std::process::id()));
    running.stop();
    assert!(!data_dir.socket().exists());
    assert_eq!(data_dir.daemon_pid().unwrap(), None);
}

#[test]
fn a_second_daemon_is_told_who_was_first_and_writes_nothing() {
    let mut node = Node::start();
    node.write("1", "made", json!({}));
    let before = contents(node.dir.path());
    match refused(node.start_second()) {
        StartError::DataDir(DataDirError::InUse { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{other}"),
    }
    assert_eq!(contents(node.dir.path()), before);
    node.write("1", "changed", json!({}));
}

#[test]
fn a_wrong_master_key_is_refused_before_anything_is_written() {
    let node = Node::start();
    let dir = node.stop();
    let before = contents(dir.path());
    let options = StartOptions { master_key: Some("ab".repeat(32)), ..StartOptions::new(dir.path()) };
    let error = refused(Daemon::start(&options)).to_string();
    assert!(error.contains("master key") && !error.contains("abab"), "{error}");
    let unlocked = |(path, _): &(std::path::PathBuf, u64)| !path.ends_with("daemon.lock");
    let after = contents(dir.path());
    assert_eq!(
        after.iter().filter(|e| unlocked(e)).collect::<Vec<_>>(),
        before.iter().filter(|e| unlocked(e)).collect::<Vec<_>>()
    );
    let mut node = Node::start_in(dir);
    node.write("1", "made", json!({}));
}

#[test]
fn a_missing_master_key_is_not_replaced_by_a_new_one() {
    let dir = Node::start().stop();
    fs::rename(dir.path().join("master.key"), dir.path().join("elsewhere")).unwrap();
    let error = refused(Daemon::start(&StartOptions::new(dir.path()))).to_string();
    assert!(error.contains("master.key") && error.contains("DBX_MASTER_KEY"), "{error}");
    let key = fs::read_to_string(dir.path().join("elsewhere")).unwrap();
    Daemon::start(&StartOptions { master_key: Some(key), ..StartOptions::new(dir.path()) }).unwrap().stop();
}

#[test]
fn a_configuration_that_is_wrong_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("config.toml"), "[log]\ndurabilty = \"os\"\n").unwrap();
    let error = refused(Daemon::start(&StartOptions::new(dir.path()))).to_string();
    assert!(error.contains("config.toml") && error.contains("log.durability"), "{error}");
    fs::write(dir.path().join("config.toml"), "[log]\ndurability = \"os\"\n").unwrap();
    let mut node = Node::start_in(dir);
    assert_eq!(node.append(json!([crate::support::order("1", "made", json!({}))])).body["durability"], "os");
}

#[test]
fn a_socket_that_was_left_behind_is_replaced_and_nothing_else_is() {
    let dir = tempfile::tempdir().unwrap();
    let socket = DataDir::new(dir.path()).socket();
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    let dir = Node::start_in(dir).stop();
    fs::write(&socket, "mine").unwrap();
    let error = refused(Daemon::start(&StartOptions::new(dir.path()))).to_string();
    assert!(error.contains("no socket"), "{error}");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "mine");
}

#[test]
fn a_path_that_is_too_long_for_a_socket_names_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("x".repeat(100));
    let error = refused(Daemon::start(&StartOptions::new(&deep))).to_string();
    assert!(error.contains("SOCKET_PATH_BYTES = 100"), "{error}");
    assert!(!deep.exists());
}

#[test]
fn a_request_to_shut_down_ends_the_daemon() {
    let mut node = Node::start();
    let socket = node.running().socket();
    assert_eq!(node.post("/v1/shutdown", &json!({})).status, 202);
    let data_dir = DataDir::new(node.dir.path());
    drop(node.stop());
    assert!(!socket.exists());
    assert!(Client::connect(&socket).now_or_panic().is_err());
    assert_eq!(data_dir.daemon_pid().unwrap(), None);
}

/// Runs a future here.
trait NowOrPanic: Future + Sized {
    fn now_or_panic(self) -> Self::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(self)
    }
}

impl<F: Future> NowOrPanic for F {}

#[test]
fn an_error_says_its_code_in_the_status_too() {
    for (code, status) in [(ErrorCode::Refused, 422), (ErrorCode::Busy, 503), (ErrorCode::TooLarge, 413)] {
        assert_eq!(code.status(), status);
    }
}
