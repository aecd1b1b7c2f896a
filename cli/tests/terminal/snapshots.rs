//! Snapshots from the terminal: taken by hand and when due, listed, read, verified.

use serde_json::json;

use crate::scratch::Scratch;

#[test]
fn snapshots_are_taken_listed_read_and_verified() {
    let scratch = Scratch::new();
    scratch.dbx(["config", "set", "log.snapshot_threshold", "2"]).ok();
    scratch.dbx(["config", "set", "log.snapshot_threshold", "4294967296"]).code(3);
    scratch.dbx(["start"]).ok();
    scratch.dbx(["snapshots", "list", "order", "1"]).code(4).says("order/1");
    scratch.dbx(["snapshots", "create", "order", "1"]).code(4);
    scratch.dbx(["aggregate", "apply", "order", "1", "placed", "--field", "n=1"]).ok();
    scratch.dbx(["snapshots", "list", "order", "1"]).ok().says("nothing found");
    scratch.dbx(["snapshots", "verify", "order", "1"]).ok();
    for n in ["n=2", "n=3"] {
        scratch.dbx(["aggregate", "apply", "order", "1", "changed", "--field", n]).ok();
    }

    let taken = scratch.json(["snapshots", "create", "order", "1"]);
    assert_eq!(taken["version"], 3);
    assert_eq!(scratch.json(["snapshots", "create", "order", "1"]), taken);
    let rows = scratch.json(["snapshots", "list", "order", "1"])["rows"].clone();
    assert_eq!((&rows[0]["version"], &rows[1]), (&json!(2), &taken));
    let lines = scratch.dbx(["snapshots", "list", "order", "1", "--format", "ndjson"]).ok().stdout;
    assert_eq!(lines.lines().count(), 2);

    let view = scratch.json(["snapshots", "get", "order", "1", "2"]);
    assert_eq!((&view["state"], &view["hash"]), (&json!({ "n": 2 }), &rows[0]["hash"]));
    let shown = scratch.dbx(["snapshots", "get", "order", "1", "2"]).ok().stdout;
    assert!(shown.contains("order/1") && shown.contains("\"n\": 2"), "{shown}");
    scratch.dbx(["snapshots", "get", "order", "1", "1"]).code(4).says("version 1");
    scratch.dbx(["snapshots", "get", "order", "1"]).code(2);

    let one = json!({ "version": 3, "findings": [] });
    assert_eq!(scratch.json(["snapshots", "verify", "order", "1", "3"]), json!({ "rows": [one] }));
    assert_eq!(scratch.json(["snapshots", "verify", "order", "1"])["rows"].as_array().unwrap().len(), 2);
    let said = scratch.dbx(["snapshots", "verify", "order", "1"]).ok().stdout;
    assert!(said.contains("2 snapshots of order/1"), "{said}");
    scratch.dbx(["snapshots", "verify", "order", "1", "1"]).code(4);
}
