//! Exports of the day of flights: whole, the same twice, and equal to what is stored.

use std::{collections::BTreeMap, fs, io::Read, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::scratch::{Ran, Scratch, repository};

fn flights() -> Scratch {
    let scratch = Scratch::started();
    let flights = repository().join("tests/data/flights-2013-01-01.ndjson.gz");
    scratch.dbx(["import".as_ref(), flights.as_os_str()]).ok();
    scratch
}

fn export(scratch: &Scratch, arguments: &[&str]) -> Ran {
    scratch.dbx([&["export"], arguments].concat()).ok()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A cell of a table says what a value says.
fn says(cell: &str, value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => cell.is_empty(),
        Some(Value::String(text)) => cell == text,
        Some(value) => serde_json::from_str::<Value>(cell).is_ok_and(|cell| cell == *value),
    }
}

fn records(text: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

#[test]
fn the_states_of_a_day_come_back_from_every_format() {
    let scratch = flights();
    let csv = export(&scratch, &["flight", "--as", "csv"]).says("842 aggregates").says("position 2515").stdout;
    let ndjson = export(&scratch, &["flight", "--as", "ndjson"]).stdout;
    let json: Value = serde_json::from_str(&export(&scratch, &["--all", "--as", "json"]).stdout).unwrap();
    let rows = lines(&ndjson);
    assert_eq!((rows.len(), json["rows"].as_array().unwrap(), &json["as_of"]), (842, &rows, &2515.into()));
    assert_eq!(csv, export(&scratch, &["--all", "--as", "csv"]).stdout);

    let records = records(&csv);
    assert_eq!(records.len(), 842);
    for (record, row) in records.iter().zip(&rows) {
        let mut state = row["state"].as_object().unwrap().clone();
        for (column, cell) in record {
            let value = match column.strip_prefix("state.") {
                Some(name) => state.remove(name),
                None => Some(row[column].clone()),
            };
            assert!(says(cell, value.as_ref()), "{column}: {cell:?} is not {value:?}");
        }
        assert!(state.is_empty(), "{state:?}");
    }
    let id = rows[17]["aggregate_id"].as_str().unwrap();
    assert_eq!(scratch.json(["aggregate", "get", "flight", id])["state"], rows[17]["state"]);
}

#[test]
fn events_come_as_they_are_listed() {
    let scratch = flights();
    let listed = lines(&scratch.dbx(["events", "--limit", "all", "--format", "ndjson"]).ok().stdout);
    let ndjson = lines(&export(&scratch, &["--all", "--events", "--as", "ndjson"]).says("2,515 events").stdout);
    assert_eq!(ndjson, listed);
    let records = records(&export(&scratch, &["flight", "--events", "--as", "csv"]).stdout);
    assert_eq!(records.len(), 2515);
    for (record, event) in records.iter().zip(&listed) {
        // To whom an event goes is told where its writer said so.
        let told = record.iter().filter(|(column, _)| event.get(column).is_some());
        assert_eq!(told.count(), event.as_object().unwrap().len());
        assert!(record.iter().all(|(column, cell)| says(cell, event.get(column))), "{record:?}");
    }
}

#[test]
fn a_file_is_there_only_when_it_is_whole() {
    let scratch = flights();
    let file = scratch.file("flights.csv", "old");
    let path = file.to_str().unwrap();
    let done = scratch.json(["export", "flight", "--as", "csv", "--output", path]);
    assert_eq!((&done["rows"], &done["as_of"], &done["ended_at"]), (&842.into(), &2515.into(), &2515.into()));
    assert_eq!(fs::read_to_string(&file).unwrap(), export(&scratch, &["flight", "--as", "csv"]).stdout);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    scratch.dbx(["export", "flight", "--as", "csv", "--output", "/no/such/dir/x.csv"]).code(1).says("/no/such/dir");
    scratch.dbx(["stop"]).ok();
    scratch.dbx(["export", "flight", "--as", "csv", "--output", path]).code(5);
    assert!(fs::read_to_string(&file).unwrap().starts_with("aggregate_type,"));
    let left: Vec<_> = fs::read_dir(scratch.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("export")), "{left:?}");
}

#[test]
fn nobody_is_told_that_a_reader_of_an_export_went_away() {
    let scratch = flights();
    for format in ["csv", "json"] {
        let mut child = scratch.spawn(["export", "--all", "--events", "--as", format]);
        child.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn archived_aggregates_are_left_out_unless_asked_for() {
    let scratch = Scratch::started();
    for id in ["a", "b"] {
        scratch.dbx(["aggregate", "apply", "thing", id, "made", "--field", "n=1"]).ok();
    }
    scratch.dbx(["aggregate", "archive", "thing", "a"]).ok();
    assert_eq!(lines(&export(&scratch, &["thing", "--as", "ndjson"]).stdout).len(), 1);
    let rows = lines(&export(&scratch, &["thing", "--archived", "--as", "ndjson"]).stdout);
    assert_eq!((&rows[0]["archived"], &rows[0]["last_position"]), (&true.into(), &3.into()));
    scratch.dbx(["export", "--as", "csv"]).code(2);
    scratch.dbx(["export", "thing", "--all", "--as", "csv"]).code(2);
    scratch.dbx(["export", "thing", "--as", "xlsx"]).code(2);
    scratch.dbx(["export", "thing", "--events", "--archived", "--as", "csv"]).code(2);
}

#[test]
fn parquet_is_a_file_or_says_what_is_missing() {
    let scratch = flights();
    let file = scratch.dir().join("flights.parquet");
    let ran = scratch.dbx(["export", "flight", "--as", "parquet", "--output", file.to_str().unwrap()]);
    if cfg!(feature = "parquet") {
        ran.ok();
        let bytes = fs::read(&file).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
        scratch.dbx(["export", "flight", "--as", "parquet", "--output", file.to_str().unwrap()]).ok();
        assert_eq!(fs::read(&file).unwrap(), bytes);
    } else {
        ran.code(1).says("--features parquet");
        assert!(!file.exists());
    }
}
