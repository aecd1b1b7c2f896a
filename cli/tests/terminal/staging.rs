//! Staging: put aside over several commands, committed in one.

use serde_json::json;

use crate::scratch::Scratch;

#[test]
fn what_is_staged_waits_for_the_commit() {
    let scratch = Scratch::started();
    scratch.dbx(["commit"]).code(4).says("staged event");
    let create = ["aggregate", "create", "order", "1", "--event", "placed", "--field", "total=3", "--stage"];
    let staged = scratch.json(create);
    assert_eq!((&staged["rows"][0]["id"], &staged["rows"][0]["event"]["expect"]), (&json!(1), &json!("none")));
    let patch = r#"[{"op":"add","path":"/paid","value":true}]"#;
    scratch.dbx(["aggregate", "patch", "order", "1", "paid", "--patch", patch, "--expect", "1", "--stage"]).ok();
    scratch.dbx(["aggregate", "apply", "order", "2", "placed", "--stage", "--key", "k"]).code(2);
    scratch.dbx(["aggregate", "apply", "Order", "2", "placed", "--stage"]).code(3).says("/aggregate_type");
    scratch.dbx(["aggregate", "apply", "order", "2", "placed", "--stage"]).ok();

    scratch.dbx(["restart"]).ok();
    let listed = scratch.json(["stage", "list"]);
    assert_eq!((&listed["events"], &listed["in_doubt"]), (&json!(3), &json!(false)));
    assert_eq!(scratch.dbx(["stage", "list", "--format", "ndjson"]).ok().stdout.lines().count(), 3);
    scratch.dbx(["stage", "list"]).ok().says("`dbx commit`");
    assert_eq!(scratch.json(["events"])["rows"], json!([]));
    assert_eq!(scratch.json(["stage", "drop", "3"]), json!({"dropped": 1}));
    scratch.dbx(["stage", "drop", "3"]).code(4);

    let receipt = scratch.json(["commit", "--key", "k", "--note", "together"]);
    assert_eq!(receipt["events"].as_array().unwrap().len(), 2);
    assert_eq!(scratch.json(["commit", "--key", "k"])["duplicate"], true);
    assert_eq!(scratch.json(["aggregate", "get", "order", "1"])["state"], json!({"paid": true, "total": 3}));
    assert_eq!(scratch.json(["events"])["rows"][1]["note"], "together");

    scratch.dbx(create).ok();
    scratch.dbx(["commit"]).code(3).says("staged event 4").says("version 2");
    scratch.dbx(["stage", "drop", "all"]).ok();
    scratch.dbx(["stage", "list"]).ok().says("nothing found");
}
