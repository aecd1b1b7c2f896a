//! Schemas from the terminal: start loose, look at what came in, infer, check, harden, go strict, go back.

use std::fs;

use serde_json::{Value, json};

use crate::scratch::{Scratch, repository};

fn with_flights() -> Scratch {
    let scratch = Scratch::started();
    let flights = repository().join("tests/data/flights-2013-01-01.ndjson.gz");
    scratch.dbx(["import".as_ref(), flights.as_os_str()]).ok();
    scratch
}

#[test]
fn fares_of_old_read_as_cents() {
    let scratch = Scratch::started();
    let apply = |text: &str| {
        let file = scratch.file("schema.dbx", text);
        scratch.dbx(["schema".as_ref(), "apply".as_ref(), file.as_os_str(), "--force".as_ref()])
    };
    apply("[flight.fields]\nfare = \"float\"\n").ok();
    scratch.dbx(["aggregate", "apply", "flight", "F1", "booked", "--field", "fare=12.5"]).ok();
    let cents =
        "[flight.fields]\nfare_cents = \"integer\"\n\n[[flight.upcasts]]\nfrom = 1\nupcaster = \"fare-cents\"\n";
    apply(cents).code(3).says("fare-cents");
    let built = eventdbx_plugin_build::build_packages(repository(), &["fare-cents"]).unwrap().remove(0).component;
    scratch.dbx(["plugin".as_ref(), "install".as_ref(), built.as_os_str()]).ok();
    apply(cents).ok();
    assert_eq!(scratch.dbx(["schema", "show", "flight"]).ok().stdout.matches("fare-cents").count(), 1);
    let written = scratch.json(["events", "flight", "F1"])["rows"][0].clone();
    let shown = scratch.json(["events", "flight", "F1", "--upcast"])["rows"][0].clone();
    assert_eq!((&written["payload"], &shown["payload"]), (&json!({ "fare": 12.5 }), &json!({ "fare_cents": 1250 })));
    assert_eq!(written["digest"], shown["digest"]);
    scratch.dbx(["plugin", "pause", "fare-cents"]).ok();
    scratch
        .dbx(["events", "flight", "F1", "--upcast"])
        .code(3)
        .says("it is paused: resume it")
        .says("as they were written");
    scratch.dbx(["events", "flight", "F1"]).ok();
    scratch.dbx(["plugin", "resume", "fare-cents"]).ok();
    scratch.dbx(["aggregate", "verify", "flight", "F1"]).ok();
}

#[test]
fn a_day_of_flights_from_loose_to_strict() {
    let scratch = with_flights();
    assert_eq!(scratch.json(["restrict"])["mode"], "default");
    scratch.dbx(["schema", "check", "flight"]).code(4);

    let inferred = scratch.dbx(["schema", "infer", "flight"]).ok().stdout;
    let file = scratch.file("schema.dbx", &inferred);
    let file = file.to_str().unwrap();
    let valid = scratch.json(["schema", "validate", file]);
    assert_eq!(valid, json!({ "types": ["flight"], "faults": [] }));
    let plan = scratch.json(["schema", "apply", file, "--dry-run"]);
    assert_eq!((&plan["rows"][0]["written"], &plan["rows"][0]["version"]), (&json!(false), &json!(1)));
    let applied = scratch.json(["schema", "apply", file, "--note", "as it came"]);
    assert_eq!((&applied["rows"][0]["written"], &applied["rows"][0]["refused_states"]), (&json!(true), &json!([])));
    let again = scratch.json(["schema", "apply", file]);
    assert_eq!((&again["rows"][0]["written"], &again["rows"][0]["changes"]), (&json!(false), &json!([])));
    scratch.dbx(["schema", "check", "flight"]).ok();
    let report = scratch.json(["schema", "check", "flight"]);
    let numbers = ["events", "aggregates", "refused_events", "refused_states"].map(|name| report[name].clone());
    assert_eq!(numbers, [json!(2515), json!(842), json!(0), json!(0)]);

    // Harden it by hand: a range, a format, and a field that must be there.
    let hard = inferred
        .replace(
            "delay_minutes = \"integer\"",
            "delay_minutes = { type = \"integer\", range = { min = -20, max = 600 } }",
        )
        .replace("reason = \"text\"", "reason = { type = \"text\", format = \"kebab-case\" }")
        .replace("air_time_minutes = \"integer\"", "air_time_minutes = { type = \"integer\", required = true }");
    assert_ne!(hard, inferred);
    fs::write(file, &hard).unwrap();
    let expected = refused_by_hand();
    let ran = scratch.dbx(["schema", "check", "flight", file, "--format", "json"]).code(3).says("would refuse");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let found = |rule: &str, path: &str| {
        let rules = report["rules"].as_array().unwrap();
        let rule = rules.iter().find(|found| found["rule"] == rule && found["path"] == path);
        rule.map_or(0, |rule| rule["events"].as_u64().unwrap())
    };
    assert!(expected.delayed > 0 && expected.without_air_time > 0, "{expected:?}");
    assert_eq!(found("range", "/payload/delay_minutes"), expected.delayed);
    assert_eq!(found("required", "/payload/air_time_minutes"), expected.without_air_time);
    let table = scratch.dbx(["schema", "check", "flight", file]).code(3);
    assert!(table.stdout.contains("delay_minutes") && table.stdout.contains("required"), "{table:?}");

    // Some states break it: it is refused, with examples, and changes nothing; then forced.
    scratch.dbx(["schema", "apply", file]).code(3).says("flight/").says("nothing was changed");
    assert_eq!(scratch.json(["schema", "list"])["rows"][0]["active"], 1);
    scratch.dbx(["schema", "apply", file, "--force"]).ok().says("refuses the state of");
    assert_eq!(scratch.json(["schema", "show", "flight"])["version"], 2);

    let strict = scratch.json(["restrict", "strict"]);
    assert_eq!((&strict["previous"], &strict["mode"]), (&json!("default"), &json!("strict")));
    let bad = ["aggregate", "apply", "flight", "X", "flight_departed", "--payload"];
    let bad = bad.into_iter().chain([r#"{"delay_minutes": 601, "departed_at": "noon", "colour": "red"}"#]);
    let ran = scratch.dbx(bad).code(3);
    assert_eq!(ran.stdout, "");
    ran.says("/payload/delay_minutes: ").says("/payload/departed_at: ").says("/payload/colour: ");
    scratch.dbx(["aggregate", "apply", "ship", "S", "sailed"]).code(3).says("ship has no schema");
    scratch.dbx(["aggregate", "get", "flight", "X"]).code(4);

    // And back.
    scratch.dbx(["schema", "rollback", "flight"]).ok();
    assert_eq!(scratch.json(["schema", "check", "flight"])["version"], 1);
    scratch.dbx(["schema", "rollback", "flight"]).code(3).says("none before it");
    scratch.dbx(["schema", "activate", "flight", "2"]).code(3).says("flight/");
    scratch.dbx(["schema", "activate", "flight", "2", "--force"]).ok();
    let history = scratch.json(["schema", "history", "flight"]);
    assert_eq!((&history["rows"][0]["note"], &history["rows"][1]["active"]), (&json!("as it came"), &json!(true)));
    assert_eq!(history["switches"].as_array().unwrap().len(), 4);
    scratch.dbx(["restrict", "off"]).ok();
    scratch.dbx(["aggregate", "apply", "ship", "S", "sailed"]).ok();
}

#[derive(Debug, Default)]
struct ByHand {
    delayed: u64,
    /// Events after which a flight has no air time yet.
    without_air_time: u64,
}

/// What the hardened schema must refuse, counted without it.
fn refused_by_hand() -> ByHand {
    let packed = fs::read(repository().join("tests/data/flights-2013-01-01.ndjson.gz")).unwrap();
    let events = std::io::read_to_string(flate2::read::GzDecoder::new(packed.as_slice())).unwrap();
    let mut found = ByHand::default();
    for event in events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let payload = &event["payload"];
        found.delayed +=
            u64::from(payload["delay_minutes"].as_i64().is_some_and(|delay| !(-20..=600).contains(&delay)));
        found.without_air_time += u64::from(payload.get("air_time_minutes").is_none());
    }
    found
}

#[test]
fn a_schema_is_written_command_by_command() {
    let scratch = Scratch::started();
    let schema = |arguments: &[&str]| scratch.dbx(std::iter::once(&"schema").chain(arguments));
    schema(&["field", "order", "total", "--type", "integer"]).code(4).says("dbx schema create order");
    schema(&["create", "order", "--event", "placed"]).ok();
    schema(&["create", "order"]).code(3).says("has a schema already");
    schema(&["field", "order", "total", "--type", "decimal(12,2)", "--required", "--min", "0", "--max", "99.50"]).ok();
    schema(&["field", "order", "email", "--type", "text", "--text-format", "emial"]).code(3).says("did you mean");
    schema(&["field", "order", "email", "--type", "text", "--text-format", "email", "--length-max", "99"]).ok();
    schema(&[
        "field",
        "order",
        "address.city",
        "--type",
        "text",
        "--regex",
        "^[A-Z]",
        "--enum",
        "Rome",
        "--enum",
        "Bonn",
    ])
    .ok();
    schema(&["field", "order", "count", "--type", "integer", "--min", "2", "--max", "1"])
        .code(3)
        .says("/fields/count/range");
    schema(&["field", "order", "count", "--min", "2"]).code(2).says("--type");
    schema(&["field", "order", "old", "--type", "json"]).ok();
    schema(&["field", "order", "old", "--remove"]).ok();
    schema(&["field", "order", "old", "--remove"]).code(4);
    schema(&["field", "order", "email", "--unset", "length"]).ok();
    schema(&["add", "order", "--event", "placed", "--field", "total", "--field", "email", "--required", "total"]).ok();
    schema(&["add", "order", "--event", "moved", "--field", "adress"]).code(3).says("declare it");
    schema(&["add", "order", "--event", "moved", "--field", "address"]).ok();
    schema(&["hide", "order", "email"]).ok();
    schema(&["hide", "order", "nothing"]).code(4);
    schema(&["lock", "order", "address.city"]).ok();
    schema(&["annotate", "order", "--note", "What is sold"]).ok();
    schema(&["annotate", "order", "total", "--note", "Net"]).ok();
    schema(&["annotate", "order", "--event", "moved", "--note", "It moved"]).ok();
    schema(&["alter", "order", "--additional", "false", "--snapshot-threshold", "0"])
        .code(3)
        .says("snapshot_threshold");
    schema(&["alter", "order", "--additional", "false", "--snapshot-threshold", "500"]).ok();

    let document = json!({
        "aggregate": "order", "note": "What is sold", "snapshot_threshold": 500,
        "fields": {
            "total": { "type": "decimal(12,2)", "required": true, "range": { "min": "0", "max": "99.50" }, "note": "Net" },
            "email": { "type": "text", "format": "email", "hidden": true },
            "address": {
                "type": "object",
                "properties": { "city": { "type": "text", "regex": "^[A-Z]", "enum": ["Rome", "Bonn"], "locked": true } },
            },
        },
        "events": {
            "placed": { "fields": ["email", "total"], "required": ["total"] },
            "moved": { "fields": ["address"], "note": "It moved" },
        },
    });
    assert_eq!(scratch.json(["schema", "show", "order", "--as", "json"]), document);
    // What is shown as a file is the schema again.
    let text = scratch.dbx(["schema", "show", "order"]).ok().stdout;
    let file = scratch.file("schema.dbx", text);
    let applied = scratch.json(["schema".as_ref(), "apply".as_ref(), file.as_os_str()]);
    assert_eq!(applied["rows"][0]["written"], false);

    scratch
        .dbx(["aggregate", "apply", "order", "1", "placed", "--payload", r#"{"total":"5.00","email":"a@b.org"}"#])
        .ok();
    let state = |flags: &[&str]| {
        scratch.json(["aggregate", "get", "order", "1"].iter().chain(flags).copied().collect::<Vec<_>>())["state"]
            .clone()
    };
    assert_eq!(state(&[]), json!({ "total": "5.00" }));
    assert_eq!(state(&["--hidden"]), json!({ "total": "5.00", "email": "a@b.org" }));
    scratch.dbx(["aggregate", "select", "order", "1", "email"]).code(4);
    assert_eq!(scratch.json(["aggregate", "select", "order", "1", "email", "--hidden"])["email"], "a@b.org");
    assert!(!scratch.dbx(["events", "--format", "ndjson"]).ok().stdout.contains("a@b.org"));
    assert!(scratch.dbx(["events", "--hidden", "--format", "ndjson"]).ok().stdout.contains("a@b.org"));
    scratch.dbx(["aggregate", "apply", "order", "1", "placed", "--field", "total=100"]).code(3).says("99.50");

    let exported = scratch.json(["schema", "export", "order", "--as", "json-schema"]);
    assert_eq!(exported["properties"]["email"]["format"], "email");
    assert_eq!(scratch.json(["schema", "diff", "order"])["changes"].as_array().unwrap().len(), 2);
    assert_eq!(scratch.json(["schema", "diff", "order", "1", "2"])["to"], 2);
    let removed = scratch.json(["schema", "remove", "order"]);
    assert_eq!(removed["version"], Value::Null);
    assert_eq!(removed["warnings"], json!(["what was hidden is shown to everybody: /email"]));
    scratch.dbx(["schema", "show", "order"]).code(4).says("activate one");
    scratch.dbx(["schema", "show", "order", "--version", "1"]).ok();
    scratch.dbx(["schema", "list"]).ok();
    scratch.dbx(["schema", "history", "order"]).ok();
}

#[test]
fn a_file_with_faults_is_refused_with_their_lines_and_nothing_is_applied() {
    let scratch = Scratch::new();
    let text = "[good]\nfields = { n = \"integer\" }\n\n[bad]\n[bad.fields]\nn = \"Int\"\nm = { type = \"text\", regex = \"(\" }\n";
    let file = scratch.file("schema.dbx", text);
    let file = file.to_str().unwrap();
    // No daemon is needed to say so: no extension can bring a type of that name.
    let ran = scratch.dbx(["schema", "validate", file]).code(3);
    ran.says("schema.dbx:6: bad/fields/n/type: ").says("schema.dbx:7: bad/fields/m/regex: ");
    let faults = scratch.dbx(["schema", "validate", file, "--format", "json"]).code(3).stdout;
    let faults: Value = serde_json::from_str(&faults).unwrap();
    assert_eq!((&faults["faults"][0]["line"], &faults["faults"][0]["code"]), (&json!(6), &json!("unknown-type")));
    scratch.dbx(["start"]).ok();
    scratch.dbx(["schema", "apply", file]).code(3).says("schema.dbx:6");
    assert_eq!(scratch.json(["schema", "list"])["rows"], json!([]));
    scratch.dbx(["schema", "apply", file, "--type", "worse"]).code(3);
    let broken = scratch.file("broken.dbx", "[order]\nx = \n");
    scratch.dbx(["schema".as_ref(), "validate".as_ref(), broken.as_os_str()]).code(3).says("broken.dbx:2: ");
    scratch.dbx(["schema", "apply", "no-such-file"]).code(1).says("no-such-file");
    scratch.dbx(["restrict", "Strict"]).code(3).says("off, default or strict");
}
