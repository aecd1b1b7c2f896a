//! Domains from the command line: chosen, made, deleted, and remembered where no other user and no other test looks.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::scratch::{DBX, Ran, Scratch};

const KEY: &str = "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f";

#[test]
fn a_domain_is_checked_out_for_one_user_and_one_data_directory() {
    let scratch = Scratch::started();
    assert_eq!(scratch.json(["checkout"]), json!({ "domain": "default" }));
    scratch.dbx(["checkout", "orders"]).code(4).says("--create");
    assert!(!scratch.state().exists(), "nothing is remembered of what was refused");

    let made = scratch.json(["checkout", "orders", "--create"]);
    assert_eq!(made, json!({ "domain": "orders", "created": true, "remote": null }));
    scratch.dbx(["checkout", "orders", "--create"]).code(3).says("exists already");
    assert_eq!(scratch.dbx(["checkout"]).ok().stdout, "orders\n");
    scratch.dbx(["aggregate", "apply", "order", "1", "placed", "--field", "in=orders"]).ok();
    scratch.dbx(["--domain", "default", "aggregate", "apply", "order", "1", "placed", "--field", "in=default"]).ok();
    assert_eq!(scratch.json(["aggregate", "get", "order", "1"])["state"], json!({ "in": "orders" }));

    // --domain and DBX_DOMAIN go before it, and change nothing.
    let other = ["--domain", "default", "aggregate", "get", "order", "1"];
    assert_eq!(scratch.json(other)["state"], json!({ "in": "default" }));
    let named = Ran::of(scratch.command(DBX).args(["checkout"]).env("DBX_DOMAIN", "default")).ok();
    assert_eq!(named.stdout, "default\n");
    let named = Ran::of(scratch.command(DBX).args(["checkout", "orders"]).env("DBX_DOMAIN", "default"));
    named.ok().says("DBX_DOMAIN");
    assert_eq!(scratch.json(["checkout"])["domain"], "orders");

    // Another data directory, another choice; and nothing of it lies in the data directory.
    let elsewhere = scratch.dir().join("elsewhere");
    let ran = Ran::of(scratch.command(DBX).args(["checkout"]).env("DBX_DATA_DIR", &elsewhere)).ok();
    assert_eq!(ran.stdout, "default\n");
    let remembered: Vec<_> = fs::read_dir(scratch.state().join("checkout")).unwrap().map(Result::unwrap).collect();
    assert_eq!(remembered.len(), 1);
    assert_eq!(remembered[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);

    assert!(scratch.dbx(["status"]).ok().stdout.contains("domain   orders"));
    let rows = scratch.json(["domain", "list"])["rows"].clone();
    let names: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["default", "orders"]);
    let shown = scratch.json(["domain", "show"]);
    assert_eq!((&shown["name"], &shown["mode"]), (&json!("orders"), &json!("default")));
    assert!(scratch.dbx(["domain", "show"]).ok().stdout.contains("mode        default"));
    assert_eq!(scratch.json(["domain", "show", "default"])["name"], "default");
    scratch.dbx(["domain", "show", "nobody"]).code(4);

    fs::write(remembered[0].path(), "nonsense").unwrap();
    scratch.dbx(["events"]).code(1).says("remove the file");
    scratch.dbx(["--domain", "orders", "events"]).ok();
    scratch.dbx(["stop"]).ok();
}

#[test]
fn a_domain_is_deleted_with_care() {
    let scratch = Scratch::started();
    scratch.dbx(["checkout", "orders", "--create"]).ok();
    scratch.dbx(["checkout", "orders", "--delete"]).code(3).says("checked out");
    scratch.dbx(["checkout", "default"]).ok();
    scratch.dbx(["aggregate", "apply", "order", "1", "placed", "--domain", "orders"]).ok();
    scratch.dbx(["checkout", "orders", "--delete"]).code(3).says("has 1 event").says("force");
    assert_eq!(
        scratch.json(["checkout", "orders", "--delete", "--force"]),
        json!({ "deleted": "orders", "gone": true })
    );
    scratch.dbx(["checkout", "orders"]).code(4);
    scratch.dbx(["checkout", "default", "--delete"]).code(3);

    scratch.dbx(["checkout", "other", "--create"]).ok();
    scratch.dbx(["checkout", "other", "--delete", "--force"]).ok().says("default is checked out now");
    assert_eq!(scratch.json(["checkout"])["domain"], "default");
    scratch.dbx(["aggregate", "apply", "order", "1", "placed"]).ok();
    let emptied = scratch.dbx(["checkout", "default", "--delete", "--force"]).ok();
    assert!(emptied.stdout.contains("emptied"), "{emptied:?}");
    scratch.dbx(["aggregate", "get", "order", "1"]).code(4);

    for bad in ["Orders", "../x", ".x", "a/b"] {
        scratch.dbx(["checkout", bad, "--create"]).code(3).says("is not a name");
    }
    scratch.dbx(["checkout", "", "--create"]).code(2);
    scratch.dbx(["checkout", "--create"]).code(2);
    scratch.dbx(["checkout", "x", "--force"]).code(2);
}

#[test]
fn a_remote_is_told_by_its_fingerprint_and_its_token_is_no_argument() {
    let scratch = Scratch::started();
    let set = ["checkout", "--remote", "replica:6363", "--key", KEY];
    scratch.dbx(set).code(2).says("DBX_TOKEN");
    scratch.dbx(set.iter().chain(&["--token", "canary-literal"])).code(2).says("@FILE");
    let file = format!("@{}", scratch.file("token", "canary-file\n").display());
    let told = scratch.dbx(set.iter().chain(&["--token", &file])).ok().says("contacted by nothing");
    assert!(told.stdout.contains("replica:6363") && !told.stdout.contains("canary"), "{told:?}");
    let shown = scratch.json(["domain", "show"])["remote"].clone();
    assert_eq!(shown["address"], "replica:6363");

    // The active domain's remote is rotated, from standard input and from the environment.
    let rotated = ["checkout", "default", "--remote", "other:1", "--key", &KEY.replace('5', "6"), "--token", "-"];
    scratch.dbx_given("canary-pipe\n", rotated).ok();
    let after = scratch.json(["domain", "show"])["remote"].clone();
    assert_eq!(after["address"], "other:1");
    assert_ne!(after["key_fingerprint"], shown["key_fingerprint"]);
    Ran::of(scratch.command(DBX).args(set).env("DBX_TOKEN", "canary-env")).ok();
    scratch.dbx(["checkout", "--remote", "nowhere", "--key", KEY, "--token", &file]).code(3).says("HOST:PORT");
    scratch.dbx(["checkout", "--remote", "a:1"]).code(2);

    let log = fs::read_to_string(scratch.data().join("logs/dbx.log")).unwrap();
    let table = scratch.dbx(["domain", "show"]).ok().stdout;
    let events = scratch.dbx(["events", "--system", "--format", "ndjson"]).ok().stdout;
    for text in [&log, &table, &events] {
        assert!(!text.contains("canary"), "{text}");
    }
    assert_eq!(events.lines().filter(|line| line.contains("$remote_set")).count(), 3);
    scratch.dbx(["checkout", "--forget-remote"]).ok();
    assert_eq!(scratch.json(["domain", "show"])["remote"], Value::Null);
}

#[test]
fn a_domain_that_does_not_open_is_told_at_the_start() {
    let scratch = Scratch::started();
    scratch.dbx(["checkout", "broken", "--create"]).ok();
    scratch.dbx(["stop"]).ok();
    fs::write(scratch.data().join("domains/broken/keyring"), "nonsense").unwrap();
    let ready = scratch.json(["start"]);
    assert!(ready["notices"][0].as_str().unwrap().contains("domain broken"), "{ready}");
    scratch.dbx(["events"]).code(9).says("keyring");
    let status = scratch.dbx(["status"]).ok();
    assert!(status.stdout.contains("failed") && status.stdout.contains("keyring"), "{status:?}");
    scratch.dbx(["checkout", "default"]).ok();
    scratch.dbx(["aggregate", "apply", "order", "1", "placed"]).ok();
}
