//! What a plugin could not handle, from the command line: edited, retried, saved as a capsule and tried without a daemon.

use serde_json::{Value, json};

use crate::scratch::Scratch;

/// A plugin that cannot read the payload of one arrival, and the id of the entry that it parked.
fn parked(scratch: &Scratch) -> String {
    let component = eventdbx_plugin_build::example("punctuality").unwrap();
    scratch.dbx(["plugin".as_ref(), "install".as_ref(), component.as_os_str()]).ok();
    for (event, field) in
        [("flight_scheduled", "carrier=AA"), ("flight_arrived", "delay_minutes=many"), ("flight_departed", "gate=4")]
    {
        scratch.dbx(["aggregate", "apply", "flight", "AA1", event, "--field", field]).ok();
    }
    scratch.dbx(["aggregate", "apply", "flight", "UA2", "flight_scheduled", "--field", "carrier=UA"]).ok();
    let last =
        scratch.json(["aggregate", "apply", "flight", "UA2", "flight_departed"])["events"][0]["position"].to_string();
    let answer = carriers(scratch, &last);
    assert_eq!(answer["UA"]["departed"], 1, "{answer}");
    let rows = scratch.json(["plugin", "queue", "list", "punctuality"])["rows"].clone();
    assert_eq!(
        (rows.as_array().unwrap().len(), &rows[0]["aggregate_id"], &rows[0]["edited"]),
        (1, &json!("AA1"), &json!(false))
    );
    rows[0]["id"].as_str().unwrap().to_owned()
}

fn carriers(scratch: &Scratch, wait: &str) -> Value {
    scratch.json(["query", "punctuality", "carriers", "--wait", wait])["body"].clone()
}

#[test]
fn a_parked_event_is_delivered_with_another_payload() {
    let scratch = Scratch::started();
    let entry = parked(&scratch);
    let edit = |payload: &str| scratch.dbx(["plugin", "queue", "edit", "punctuality", &entry, payload]);
    edit("[]").code(3).says("must be a JSON object");
    edit("{\"delay_minutes\":").code(3).says("is not JSON");
    scratch.dbx(["plugin", "queue", "edit", "punctuality", "999", "{}"]).code(4).says("999");
    let retry = || scratch.dbx(["plugin", "queue", "retry", "punctuality", &entry]).ok().stdout;
    let told = retry();
    assert!(told.contains("nothing went through"), "{told}");
    edit(r#"{"delay_minutes": 12}"#).ok();
    let shown = scratch.json(["plugin", "queue", "show", "punctuality", &entry]);
    assert_eq!((&shown["edited"], &shown["deliveries"][0]["payload"]["delay_minutes"]), (&json!(true), &json!(12)));
    let told = retry();
    assert!(told.contains("1 aggregate went through"), "{told}");
    assert_eq!(scratch.json(["plugin", "queue", "list", "punctuality"])["rows"], json!([]));
    let answer = carriers(&scratch, "1");
    assert_eq!(
        (&answer["AA"]["arrived"], &answer["AA"]["arrival_delay_minutes_total"], &answer["AA"]["departed"]),
        (&json!(1), &json!(12), &json!(1))
    );
    let log = scratch.json(["events", "flight", "AA1"])["rows"].clone();
    assert_eq!(log[1]["payload"], json!({ "delay_minutes": "many" }), "the log keeps what was written");
    let told = scratch.json(["events", "$plugin", "punctuality", "--system"])["rows"].clone();
    let edited = told.as_array().unwrap().last().unwrap();
    assert_eq!(edited["event_type"], "$plugin_delivery_edited");
    assert!(!edited["payload"].to_string().contains("delay_minutes"), "{edited}");
}

#[test]
fn a_failure_is_saved_and_reproduced_without_a_daemon() {
    let scratch = Scratch::started();
    let entry = parked(&scratch);
    let file = scratch.dir().join("failure.json");
    let path = file.to_str().unwrap();
    let save = ["plugin", "capsule", "save", "punctuality", &entry, path];
    let saved = scratch.json(save);
    assert_eq!((&saved["outcome"], &saved["redacted"]), (&json!("poison"), &json!([])));
    scratch.dbx(save).code(1).says("failure.json");
    scratch.dbx(["plugin", "capsule", "save", "punctuality", "77", "other.json"]).code(4).says("77");
    scratch.dbx(["plugin", "capsule", "save", "punctuality", "other.json"]).code(3).says("nothing to be given");
    scratch.dbx(["stop"]).ok();

    let component = eventdbx_plugin_build::example("punctuality").unwrap();
    let test = ["plugin", "test", component.to_str().unwrap(), "--capsule", path];
    let tried = scratch.dbx(test.iter().chain(&["--format", "json"])).code(3).says("in the same way");
    let tried: Value = serde_json::from_str(&tried.stdout).unwrap();
    assert_eq!((&tried["same_component"], &tried["reproduced"]), (&json!(true), &json!(true)));
    assert_eq!((&tried["now"], &tried["then"]["outcome"]), (&tried["then"], &json!("poison")));

    // Another component that has nothing to complain about: it counts what comes.
    let counter = eventdbx_plugin_build::example("event-counter").unwrap();
    let tried = scratch.json(["plugin", "test", counter.to_str().unwrap(), "--capsule", path]);
    assert_eq!((&tried["now"]["outcome"], &tried["same_component"]), (&json!("handled"), &json!(false)));

    let mended = std::fs::read_to_string(&file).unwrap().replace("\\\"many\\\"", "5");
    let mended = scratch.file("mended.json", mended);
    scratch.dbx(["plugin", "test", component.to_str().unwrap(), "--capsule", mended.to_str().unwrap()]).ok();
    let broken = scratch.file("broken.json", "{\"capsule\":1}");
    scratch
        .dbx(["plugin", "test", component.to_str().unwrap(), "--capsule", broken.to_str().unwrap()])
        .code(3)
        .says("no failure capsule");
}
