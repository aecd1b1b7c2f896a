//! `docs/LIMITS.md` says of every limit what it is: held against the tables in the code.

use std::{collections::BTreeMap, fs, path::Path};

use eventdbx_node::config::Config;
use eventdbx_sandbox::{Limit, Limits};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).expect("reads")
}

/// The rows of the tables below each heading: name and default.
fn told() -> BTreeMap<String, BTreeMap<String, String>> {
    let (text, mut all, mut heading) = (read("docs/LIMITS.md"), BTreeMap::<_, BTreeMap<_, _>>::new(), String::new());
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut heading);
        }
        let Some(row) = line.strip_prefix("| `") else { continue };
        let (name, rest) = row.split_once("` | ").expect("a name");
        let (default, what) = rest.split_once(" | ").expect("a default");
        assert!(what.len() > 10, "{name} is explained");
        let before = all.entry(heading.clone()).or_default().insert(name.to_owned(), default.to_owned());
        assert_eq!(before, None, "{name} stands there twice");
    }
    all
}

/// A number as people write it.
fn written(value: u64, is_bytes: bool, is_time: bool) -> String {
    if is_bytes {
        let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        let unit = units.into_iter().find(|(size, _)| value >= *size && value.is_multiple_of(*size));
        return unit
            .map_or_else(|| format!("{} bytes", grouped(value)), |(size, unit)| format!("{} {unit}", value / size));
    }
    match is_time {
        true if value.is_multiple_of(1000) => format!("{} s", value / 1000),
        true => format!("{value} ms"),
        false => grouped(value),
    }
}

fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let places = digits.char_indices().map(|(index, digit)| (digits.len() - index, digit));
    places.fold(String::new(), |text, (left, digit)| match left % 3 == 0 && !text.is_empty() {
        true => format!("{text},{digit}"),
        false => format!("{text}{digit}"),
    })
}

/// The constants of a table in the sources: name and value.
fn constants(path: &str) -> BTreeMap<String, u64> {
    let mut known = BTreeMap::new();
    for line in read(path).lines().filter(|line| line.starts_with("pub")) {
        let Some((_, rest)) = line.split_once(" const ") else { continue };
        let (name, rest) = rest.split_once(": ").expect("a type");
        let (kind, value) = rest.split_once(" = ").expect("a value");
        if ["usize", "u32", "u64"].contains(&kind) {
            known.insert(name.to_owned(), product(value.trim_end_matches(';'), &known));
        }
    }
    assert!(known.len() > 5, "{path} has a table");
    known
}

/// The value of `A * 2 << 3`, as far as tables of limits have such.
fn product(text: &str, known: &BTreeMap<String, u64>) -> u64 {
    let (factors, shift) = text.split_once("<<").unwrap_or((text, "0"));
    let factor = |text: &str| {
        let text =
            text.trim().replace('_', if text.trim().starts_with(|c: char| c.is_ascii_digit()) { "" } else { "_" });
        text.parse().unwrap_or_else(|_| *known.get(&text).unwrap_or_else(|| panic!("{text} is a number or a limit")))
    };
    factors.split('*').map(factor).product::<u64>() << shift.trim().parse::<u32>().expect("a number")
}

#[test]
fn every_limit_is_told_with_its_default() {
    let told = told();
    let (defaults, mut expected) = (Limits::default(), BTreeMap::<&str, BTreeMap<String, String>>::new());
    let instance = Limit::ALL.iter().map(|limit| {
        let value = written(limit.of(&defaults), limit.unit() == "bytes", limit.unit() == "milliseconds");
        (limit.name().to_owned(), value)
    });
    expected.insert("Of each instance of a plugin", instance.collect());
    let config = serde_json::to_value(Config::default()).expect("a configuration");
    let dispatch = config["plugins"].as_object().expect("a section").iter();
    // What is no number there is no limit.
    let dispatch = dispatch
        .filter_map(|(name, value)| Some((name.clone(), written(value.as_u64()?, name.ends_with("_bytes"), false))));
    expected.insert("Of dispatch", dispatch.collect());
    for (heading, path) in [
        ("Of the log", "host/store/src/limits.rs"),
        ("Of what is said of plugins", "host/node/src/limits.rs"),
        ("Of subscriptions", "host/node/src/subscriptions/limits.rs"),
    ] {
        let constants = constants(path).into_iter().map(|(name, value)| {
            let is_bytes = name.ends_with("_BYTES") || name.ends_with("_MEMORY");
            (name, written(value, is_bytes, false))
        });
        expected.insert(heading, constants.collect());
    }
    for (heading, limits) in expected {
        assert_eq!(told.get(heading), Some(&limits), "{heading}");
    }
}
