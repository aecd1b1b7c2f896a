//! Plugins from the command line.

use std::io::{BufRead, BufReader};

use serde_json::{Value, json};

use crate::scratch::{Scratch, repository};

#[test]
fn a_plugin_lives_its_life() {
    let scratch = Scratch::started();
    let counter = eventdbx_plugin_build::example("event-counter").unwrap();
    let packed = repository().join("tests/data/flights-2013-01-01.ndjson.gz");
    scratch.dbx(["import".as_ref(), packed.as_os_str()]).ok();

    let mut install = vec!["plugin".into(), "install".into(), counter.into_os_string()];
    install.extend(
        ["--name", "departures", "--event", "flight_departed", "--payload-mode", "extensions-only"].map(Into::into),
    );
    assert_eq!(scratch.json(&install)["payload_mode"], "extensions-only");
    scratch.dbx(&install).code(3).says("departures");
    let counts = ["query", "departures", "counts", "--wait", "2515"];
    let answer = scratch.json(counts);
    assert_eq!(answer["body"], json!({"flight_departed": 838}));
    assert!(answer["as_of"].as_u64().unwrap() >= 2515, "{answer}");
    assert_eq!(scratch.dbx(counts).ok().stdout, "{\n  \"flight_departed\": 838\n}\n");

    let before = scratch.json(["plugin", "status", "departures"])["generation"].as_u64();
    let replayed = scratch.json(["plugin", "replay", "departures", "--payload-mode", "event-only"]);
    assert_eq!((&replayed["payload_mode"], &replayed["state"]), (&json!("event-only"), &json!("done")));
    assert!(replayed["generation"].as_u64() > before, "{replayed}");
    let after = scratch.json(["plugin", "status", "departures"]);
    assert_eq!((&after["generation"], &after["payload_mode"]), (&replayed["generation"], &json!("extensions-only")));
    assert_eq!(after["rebuild"], Value::Null);
    assert_eq!(scratch.json(counts)["body"], answer["body"]);

    assert_eq!(scratch.json(["plugin", "disable", "departures"])["enabled"], false);
    assert_eq!(scratch.json(["plugin", "enable", "departures"])["enabled"], true);
    assert_eq!(scratch.json(["plugin", "list"])["rows"][0]["name"], "departures");
    assert_eq!(scratch.json(["plugin", "queue", "list", "departures"])["rows"], json!([]));
    scratch.dbx(["plugin", "logs", "departures"]).ok();
    let mut following = scratch.spawn(["plugin", "logs", "departures", "--follow", "--format", "ndjson"]);
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("took the place of"), "what the replay said");
    following.kill().unwrap();
    following.wait().unwrap();
    let metrics = scratch.dbx(["metrics"]).ok().stdout;
    for sample in [
        "eventdbx_plugin_deliveries_total{domain=\"default\",plugin=\"departures\"} 838",
        "eventdbx_plugin_lag_events{domain=\"default\",plugin=\"departures\"} 0",
        "eventdbx_plugin_query_duration_seconds_count{domain=\"default\",plugin=\"departures\"} 3",
        "eventdbx_plugin_parked_aggregates{domain=\"default\",plugin=\"departures\"} 0",
    ] {
        assert!(metrics.lines().any(|line| line == sample), "{sample}: {metrics}");
    }
    let value = |series: &str| -> f64 {
        let line =
            metrics.lines().find(|line| line.starts_with(series)).unwrap_or_else(|| panic!("{series}: {metrics}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    // Its memory begins with a page of 64 KiB; all batches, those of the replay too, were counted.
    assert!(value("eventdbx_plugin_memory_peak_bytes{") >= 65_536.0);
    let batches = value("eventdbx_plugin_batches_total{");
    assert!(value("eventdbx_plugin_batch_duration_seconds_count{") > batches, "{metrics}");
    scratch.dbx(["plugin", "status", "departures"]).ok();
    scratch.dbx(["query", "departures", "no-such"]).code(4).says("counts");
    scratch.dbx(["plugin", "uninstall", "departures"]).ok();
    scratch.dbx(["plugin", "status", "departures"]).code(4);

    let types = scratch.json(["events", "--system", "--from", "2516"])["rows"].clone();
    let types: Vec<_> = types.as_array().unwrap().iter().map(|event| event["event_type"].as_str().unwrap()).collect();
    assert_eq!(types.first(), Some(&"$plugin_installed"));
    assert_eq!(types.last(), Some(&"$plugin_uninstalled"));
}

#[test]
fn a_schema_extension_is_exchanged_in_place() {
    let scratch = Scratch::started();
    let iban = eventdbx_plugin_build::build_packages(repository(), &["iban"]).unwrap().remove(0).component;
    // Another component that does the same: a section that nobody reads makes its hash another one.
    let mut other = std::fs::read(&iban).unwrap();
    other.extend_from_slice(&[0, 2, 1, b'x']);
    let other = scratch.file("other.wasm", other);
    scratch.dbx(["plugin".as_ref(), "install".as_ref(), iban.as_os_str()]).ok();
    let schema = scratch.file("schema.dbx", "[refund.fields]\nto = \"iban\"\n[refund.events]\npaid = [\"to\"]\n");
    scratch.dbx(["schema".as_ref(), "apply".as_ref(), schema.as_os_str()]).ok();
    let pay = ["aggregate", "apply", "refund", "1", "paid", "--field", "to=DE89370400440532013000"];
    scratch.dbx(pay).ok();

    let status = scratch.dbx(["plugin", "status", "iban"]).ok().stdout;
    assert!(
        status.contains("column types") && status.contains("refund") && !status.contains("payload mode"),
        "{status}"
    );
    let paused = scratch.dbx(["plugin", "pause", "iban"]).ok().stdout;
    assert!(paused.contains("paused iban 0.1.0: paused"), "{paused}");
    scratch.dbx(pay).code(3).says("the extension iban").says("it is paused: resume it (`dbx plugin resume iban`)");
    scratch.dbx(["plugin", "resume", "iban"]).ok();
    let before = scratch.json(["plugin", "status", "iban"])["component"].clone();
    scratch.dbx(["plugin".as_ref(), "upgrade".as_ref(), "iban".as_ref(), other.as_os_str()]).ok();
    scratch.dbx(pay).ok();
    assert_ne!(scratch.json(["plugin", "status", "iban"])["component"], before);
    scratch.dbx(["plugin", "rollback", "iban"]).ok();
    assert_eq!(scratch.json(["plugin", "status", "iban"])["component"], before);
    scratch.dbx(["plugin", "config", "iban", "--event", "paid"]).code(3).says("takes no deliveries");
    scratch.dbx(["plugin", "config", "iban", "--config", r#"{"strict":true}"#]).code(3).says("takes no configuration");
    assert_eq!(scratch.dbx(["plugin", "config", "iban"]).ok().stdout.trim(), "config  {}");
    scratch.dbx(["plugin", "uninstall", "iban"]).code(3).says("in use by the schema of refund");
}

#[test]
fn what_is_no_plugin_is_refused() {
    let scratch = Scratch::started();
    let file = scratch.file("text.wasm", "this is text");
    scratch.dbx(["plugin".as_ref(), "install".as_ref(), file.as_os_str()]).code(3).says("WebAssembly");
}

#[test]
fn a_configuration_is_held_against_the_schema_of_the_plugin() {
    let scratch = Scratch::started();
    let component = eventdbx_plugin_build::example("coarse-times").unwrap();
    let path = component.to_str().unwrap();
    scratch.dbx_given("CANARY", ["plugin", "secret", "set", "word", "-"]).ok();
    let bad = r#"{"minutes": 90, "strip": ["", 5], "leave": [], "leave_out": "{{secret:word}}"}"#;
    let refused = scratch.dbx(["plugin", "install", path, "--config", bad]).code(3).stderr;
    for part in ["at /minutes: ", "at /strip/0: ", "at /strip/1: ", "'leave'", "at /leave_out: "] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    assert!(!refused.contains("CANARY") && !refused.contains("90 is"), "{refused}");
    scratch.dbx(["plugin", "install", path, "--config", r#"{"leave_out": ["{{secret:word}}"]}"#]).ok();
    scratch.dbx(["plugin", "config", "coarse-times", "--config", bad]).code(3).says("at /minutes");
    assert_eq!(scratch.json(["plugin", "config", "coarse-times"])["config"], json!({"leave_out": ["{{secret:word}}"]}));
}
