//! The demo tells the truth.

use std::fs;

use serde_json::Value;

use crate::scratch::{Scratch, repository};

#[test]
fn everything_is_as_expected() {
    let scratch = Scratch::new();
    let told = scratch.json(["demo"]);
    assert_eq!(told["wrong"], serde_json::json!([]));
    let steps: Vec<_> = told["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    let expected = [
        "build", "start", "import", "install", "import", "install", "import", "kill", "restart", "import", "install",
        "install", "import", "query", "query", "query", "query", "replay", "query", "verify", "verify", "stop",
    ];
    assert_eq!(steps, expected);
}

#[test]
fn a_wrong_answer_is_a_failure() {
    let scratch = Scratch::new();
    let data = repository().join("tests/data");
    let events = scratch.dir().join("day.ndjson.gz");
    fs::copy(data.join("flights-2013-01-01.ndjson.gz"), &events).unwrap();
    let mut expected: Value =
        serde_json::from_slice(&fs::read(data.join("flights-2013-01-01.expected.json")).unwrap()).unwrap();
    expected["carriers"]["UA"]["departed"] = 164.into();
    scratch.file("day.expected.json", expected.to_string());
    let ran = scratch.dbx(["demo".as_ref(), "--events".as_ref(), events.as_os_str()]).code(1);
    assert!(ran.stdout.contains("wrong"), "{ran:?}");
    ran.says("not everything was as expected");
}
