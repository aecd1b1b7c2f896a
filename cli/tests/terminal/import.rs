//! Importing: plain, packed, from a pipe; again; and with a bad line in the middle.

use std::{fs, io::Read};

use flate2::read::GzDecoder;

use crate::scratch::{Scratch, repository};

fn flights() -> String {
    let packed = fs::read(repository().join("tests/data/flights-2013-01-01.ndjson.gz")).unwrap();
    let mut text = String::new();
    GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_same_file_twice_writes_nothing_twice() {
    let scratch = Scratch::started();
    let packed = repository().join("tests/data/flights-2013-01-01.ndjson.gz");
    let done = scratch.json(["import".as_ref(), packed.as_os_str()]);
    assert_eq!(
        done,
        serde_json::json!({"done": true, "lines": 2515, "written": 2515, "duplicates": 0, "position": 2515})
    );

    let plain = scratch.file("flights.ndjson", flights());
    let again = scratch.json(["import".as_ref(), plain.as_os_str()]);
    assert_eq!((&again["written"], &again["duplicates"]), (&0.into(), &2515.into()));
    let piped = scratch.dbx_given(&flights(), ["import", "-", "--format", "ndjson"]).ok();
    assert!(piped.stdout.contains(r#""written":0"#), "{piped:?}");
    assert_eq!(scratch.json(["status"])["domains"][0]["aggregates"], 842);
}

#[test]
fn a_bad_line_is_named_what_came_before_is_kept_and_the_rest_follows() {
    let scratch = Scratch::started();
    let mut lines: Vec<String> = flights().lines().take(100).map(str::to_owned).collect();
    let good = std::mem::replace(&mut lines[59], r#"{"aggregate_type":"flight","#.to_owned());
    let file = scratch.file("flights.ndjson", lines.join("\n"));
    let ran =
        scratch.dbx(["import".as_ref(), file.as_os_str()]).code(3).says("line 60").says("nothing is written twice");
    assert_eq!(ran.stdout, "");
    assert_eq!(scratch.json(["status"])["domains"][0]["position"], 59);

    lines[59] = good;
    fs::write(&file, lines.join("\n")).unwrap();
    let done = scratch.json(["import".as_ref(), file.as_os_str()]);
    assert_eq!((&done["written"], &done["duplicates"]), (&41.into(), &59.into()));
}

#[test]
fn an_unknown_member_is_refused_and_a_missing_file_is_said() {
    let scratch = Scratch::started();
    let line = r#"{"aggregate_type":"a","aggregate_id":"b","event_type":"c","payload":{},"colour":"red"}"#;
    scratch.dbx_given(line, ["import", "-"]).code(3).says("line 1").says("colour");
    scratch.dbx(["import", "no-such-file"]).code(1).says("no-such-file");
}
