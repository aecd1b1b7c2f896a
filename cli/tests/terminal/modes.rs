//! Payload modes from the command line: those that are named, and those that are components.

use serde_json::{Value, json};

use crate::scratch::{Scratch, repository};

fn example(name: &str) -> String {
    eventdbx_plugin_build::example(name).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_component_shapes_what_others_are_delivered() {
    let scratch = Scratch::started();
    let flights = repository().join("tests/data/flights-2013-01-01.ndjson.gz");
    scratch.dbx(["import".as_ref(), flights.as_os_str()]).ok();
    let config = r#"{"minutes": 30, "strip": ["tail_number"], "leave_out": ["flight_cancelled"]}"#;
    let install = ["plugin", "install", &example("coarse-times"), "--config", config];
    let said = scratch.dbx(install).ok().stdout;
    assert!(said.contains("installed coarse-times 0.1.0: live"), "{said}");
    scratch.dbx(["plugin", "install", &example("event-counter"), "--payload-mode", "coarse-times"]).ok();
    let counts = scratch.json(["query", "event-counter", "counts", "--wait", "2515"])["body"].clone();
    assert_eq!(counts, json!({"flight_scheduled": 842, "flight_departed": 838, "flight_arrived": 831}));

    let modes = scratch.dbx(["plugin", "mode", "list"]).ok().stdout;
    assert!(modes.contains("component 0.1.0") && modes.contains("event-counter"), "{modes}");
    let shown = scratch.json(["plugin", "mode", "show", "coarse-times"]);
    assert_eq!((&shown["used_by"], &shown["parts"]), (&json!(["event-counter"]), &json!(["payload", "state"])));
    scratch.dbx(["plugin", "mode", "show", "coarse-times"]).ok();
    scratch.dbx(["plugin", "uninstall", "coarse-times"]).code(3).says("in use by event-counter");
    scratch.dbx(["plugin", "mode", "remove", "coarse-times"]).code(3).says("dbx plugin uninstall");

    scratch.dbx(["subscription", "create", "board", "--type", "flight", "--payload-mode", "coarse-times"]).ok();
    let first = scratch.dbx(["subscribe", "board", "--max", "1"]).ok().stdout;
    let first: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    let payload = &first["event"]["payload"];
    assert_eq!(payload["scheduled_departure"], "2013-01-01T05:00:00-05:00", "{first}");
    assert_eq!((&payload["tail_number"], &payload["flight"]), (&Value::Null, &json!(1545)), "{first}");
    assert_eq!(first["event"]["actor"], Value::Null, "it does not ask for the envelope");

    // A replay in another mode, and back.
    let replayed = scratch.json(["plugin", "replay", "event-counter", "--payload-mode", "all"]);
    assert_eq!(replayed["state"], "done");
    let counts = scratch.json(["query", "event-counter", "counts", "--wait", "2515"])["body"].clone();
    assert_eq!(counts["flight_cancelled"], 4, "{counts}");
    scratch.json(["plugin", "replay", "event-counter"]);
    let counts = scratch.json(["query", "event-counter", "counts", "--wait", "2515"])["body"].clone();
    assert_eq!(counts["flight_cancelled"], Value::Null, "{counts}");
}

#[test]
fn what_is_parked_is_shown_edited_and_saved_as_the_plugin_gets_it() {
    let scratch = Scratch::started();
    scratch.dbx(["plugin", "install", &example("redact-emails")]).ok();
    scratch.dbx(["plugin", "install", &example("punctuality"), "--payload-mode", "redact-emails"]).ok();
    let write = |event: &str, payload: &str| {
        let receipt = scratch.json(["aggregate", "apply", "flight", "AA1", event, "--payload", payload]);
        receipt["events"][0]["position"].to_string()
    };
    write("flight_scheduled", r#"{"carrier": "AA"}"#);
    let last = write("flight_arrived", r#"{"delay_minutes": "ask ada@example.org"}"#);
    scratch.json(["query", "punctuality", "carriers", "--wait", &last]);
    let entry = scratch.json(["plugin", "queue", "list", "punctuality"])["rows"][0]["id"].as_str().unwrap().to_owned();
    let shown = || scratch.json(["plugin", "queue", "show", "punctuality", &entry])["deliveries"][0]["payload"].clone();
    assert_eq!(shown(), json!({"delay_minutes": "ask [e-mail]"}));
    let file = scratch.dir().join("capsule.json");
    scratch.json(["plugin", "capsule", "save", "punctuality", &entry, file.to_str().unwrap()]);
    let capsule = std::fs::read_to_string(file).unwrap();
    assert!(capsule.contains("ask [e-mail]") && !capsule.contains("ada@"), "{capsule}");
    let edited = r#"{"delay_minutes": "ask bob@example.org"}"#;
    scratch.dbx(["plugin", "queue", "edit", "punctuality", &entry, edited]).ok();
    assert_eq!(shown(), json!({"delay_minutes": "ask [e-mail]"}), "an edited payload is shaped as any other");
}
