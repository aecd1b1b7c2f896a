//! One exit code per kind of failure, nothing on standard output with it, and a message that says what to do.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::scratch::Scratch;

#[test]
fn usage_is_2() {
    let scratch = Scratch::new();
    scratch.dbx(["aggregate", "get", "order"]).code(2).says("Usage:");
    scratch.dbx(["--format", "xml", "status"]).code(2);
    let field = ["aggregate", "apply", "order", "1", "placed", "--field", "total"];
    scratch.dbx(field).code(2).says("--field name=value");
}

#[test]
fn no_daemon_is_5() {
    let scratch = Scratch::new();
    for command in [&["status"][..], &["stop"], &["events"], &["aggregate", "get", "order", "1"], &["plugin", "list"]] {
        let ran = scratch.dbx(command).code(5).says("`dbx start`");
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn refusals_are_3_and_missing_things_4() {
    let scratch = Scratch::started();
    scratch.dbx(["aggregate", "create", "order", "1", "--event", "placed", "--key", "k", "--field", "n=1"]).ok();

    scratch.dbx(["aggregate", "create", "order", "1", "--event", "placed"]).code(3).says("order/1 is at version 1");
    scratch.dbx(["aggregate", "apply", "order", "1", "paid", "--expect", "7"]).code(3).says("version 1, not 7");
    scratch.dbx(["aggregate", "apply", "order", "1", "placed", "--key", "k", "--field", "n=2"]).code(3).says("key");
    scratch.dbx(["aggregate", "apply", "Order", "1", "placed"]).code(3).says("aggregate type");
    scratch.dbx(["aggregate", "apply", "order", "1", "paid", "--payload", "{"]).code(3).says("--payload is not JSON");
    scratch.dbx(["aggregate", "apply", "order", "1", "paid", "--payload", "[1]"]).code(3);
    scratch.dbx(["aggregate", "apply", "order", "1", "paid", "--payload", r#"{"a":1,"a":2}"#]).code(3).says("a");

    scratch.dbx(["aggregate", "archive", "order", "1"]).ok();
    scratch.dbx(["aggregate", "apply", "order", "1", "paid"]).code(3).says("archived");

    scratch.dbx(["aggregate", "get", "order", "2"]).code(4);
    scratch.dbx(["aggregate", "select", "order", "1", "no.such"]).code(4).says("no.such");
    scratch.dbx(["plugin", "status", "nobody"]).code(4);
    scratch.dbx(["query", "nobody", "anything"]).code(4);
    scratch.dbx(["--domain", "elsewhere", "events"]).code(4);
}

#[test]
fn a_second_daemon_and_a_wrong_key_are_refused_before_anything_is_written() {
    let scratch = Scratch::started();
    scratch.dbx(["start", "--foreground"]).code(3).says("in use by another daemon");
    scratch.dbx(["stop"]).ok();

    let key = scratch.data().join("master.key");
    fs::write(&key, "ab".repeat(32)).unwrap();
    let log = scratch.data().join("domains");
    let before = listing(&log);
    scratch.dbx(["start"]).code(3).says("master key");
    assert_eq!(listing(&log), before);

    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    scratch.dbx(["start"]).code(3).says("chmod 600");
}

#[test]
fn an_unknown_key_of_the_configuration_names_the_file() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.data()).unwrap();
    fs::write(scratch.data().join("config.toml"), "[log]\ndurabilty = \"os\"\n").unwrap();
    scratch.dbx(["start"]).code(3).says("config.toml").says("log.durability");
    scratch.dbx(["config", "show"]).code(3).says("log.durabilty");
}

/// Every file with its length.
fn listing(dir: &std::path::Path) -> Vec<(String, u64)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(listing(&path));
        } else {
            files.push((path.display().to_string(), fs::metadata(&path).unwrap().len()));
        }
    }
    files.sort();
    files
}
