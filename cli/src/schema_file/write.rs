//! From documents to the file: each thing in one way, in the shortest form that says it.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Characters of a line after which a list is broken.
const WIDTH: usize = 100;

/// The members of a type, in the order in which they are written.
const TYPE: [&str; 6] = ["note", "locked", "redactable", "additional", "additional_events", "snapshot_threshold"];

/// The members of a field, in the order in which they are written; the nested ones have tables of their own.
const FIELD: [&str; 16] = [
    "type",
    "to",
    "integrity",
    "on_archive",
    "required",
    "hidden",
    "locked",
    "format",
    "length",
    "range",
    "regex",
    "contains",
    "does_not_contain",
    "enum",
    "additional",
    "note",
];

/// The members of an event, in the order in which they are written.
const EVENT: [&str; 3] = ["fields", "required", "note"];

/// A document as a part of a `schema.dbx`.
pub(crate) fn text(document: &Value) -> String {
    let mut out = String::new();
    let empty = Map::new();
    let members = document.as_object().unwrap_or(&empty);
    let kind = key(members.get("aggregate").and_then(Value::as_str).unwrap_or_default());
    line(&mut out, &format!("[{kind}]"));
    for (name, value) in known(members, &TYPE) {
        line(&mut out, &format!("{} = {}", key(name), inline(value)));
    }
    fields(&mut out, &format!("{kind}.fields"), members.get("fields"));
    if let Some(Value::Object(events)) = members.get("events") {
        line(&mut out, &format!("\n[{kind}.events]"));
        for (name, rules) in events {
            line(&mut out, &format!("{} = {}", key(name), event(rules)));
        }
    }
    for upcast in members.get("upcasts").and_then(Value::as_array).into_iter().flatten() {
        line(&mut out, &format!("\n[[{kind}.upcasts]]"));
        for (name, value) in upcast.as_object().into_iter().flatten() {
            if holds_null(value) {
                line(&mut out, &format!("{name}_json = {}", inline(&Value::from(value.to_string()))));
            } else {
                line(&mut out, &format!("{} = {}", key(name), inline(value)));
            }
        }
    }
    out
}

/// The fields under a heading: plain ones as lines, objects with columns as tables after them.
fn fields(out: &mut String, heading: &str, value: Option<&Value>) {
    let Some(Value::Object(fields)) = value else { return };
    line(out, &format!("\n[{heading}]"));
    let (nested, plain): (Vec<_>, Vec<_>) = fields.iter().partition(|(_, field)| field.get("properties").is_some());
    for (name, field) in plain {
        line(out, &format!("{} = {}", key(name), short_field(field)));
    }
    for (name, field) in nested {
        let heading = format!("{heading}.{}", key(name));
        line(out, &format!("\n[{heading}]"));
        for (name, value) in field.as_object().map(|field| known(field, &FIELD)).into_iter().flatten() {
            line(out, &format!("{} = {}", key(name), inline(value)));
        }
        self::fields(out, &format!("{heading}.properties"), field.get("properties"));
    }
}

fn short_field(field: &Value) -> String {
    match field.as_object() {
        Some(members) if members.len() == 1 && members.contains_key("type") => inline(&members["type"]),
        Some(members) => table(known(members, &FIELD)),
        None => inline(field),
    }
}

fn event(rules: &Value) -> String {
    match rules.as_object() {
        Some(members) if members.len() == 1 && members.contains_key("fields") => inline(&members["fields"]),
        Some(members) => table(known(members, &EVENT)),
        None => inline(rules),
    }
}

/// The members in an order of ours; those that it does not name come last.
fn known<'v>(members: &'v Map<String, Value>, order: &[&str]) -> Vec<(&'v str, &'v Value)> {
    const ELSEWHERE: [&str; 5] = ["aggregate", "properties", "events", "upcasts", "fields"];
    let place = |name: &str| order.iter().position(|known| *known == name);
    let is_here = |name: &str| place(name).is_some() || !ELSEWHERE.contains(&name);
    let mut found: Vec<_> =
        members.iter().map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| is_here(name)).collect();
    found.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    found
}

fn table<'v>(members: impl IntoIterator<Item = (&'v str, &'v Value)>) -> String {
    let members: Vec<String> =
        members.into_iter().map(|(name, value)| format!("{} = {}", key(name), inline(value))).collect();
    if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) }
}

/// A value on one line, but for long lists.
fn inline(value: &Value) -> String {
    match value {
        // No document has one outside of upcasts, and those are written as JSON.
        Value::Null => "\"\"".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Object(members) => table(members.iter().map(|(name, value)| (name.as_str(), value))),
        Value::Array(elements) => list(&elements.iter().map(inline).collect::<Vec<_>>()),
    }
}

fn list(elements: &[String]) -> String {
    let whole = format!("[{}]", elements.join(", "));
    if whole.len() <= WIDTH {
        return whole;
    }
    let mut out = "[\n".to_owned();
    let mut length = 0;
    for element in elements {
        if length > 0 && length + element.len() > WIDTH {
            out.push('\n');
            length = 0;
        }
        out.push_str(if length == 0 { "    " } else { " " });
        out.push_str(element);
        out.push(',');
        length += element.len() + 2;
    }
    out.push_str("\n]");
    out
}

/// A text in the quotes that suit it: a regular expression keeps its backslashes as they are.
fn quoted(text: &str) -> String {
    let literal = text.contains(['\\', '"']) && !text.contains('\'') && !text.chars().any(char::is_control);
    if literal { format!("'{text}'") } else { basic(text) }
}

fn basic(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => drop(write!(out, "\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if bare { name.to_owned() } else { basic(name) }
}

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.iter().any(holds_null),
        Value::Object(members) => members.values().any(holds_null),
        _ => false,
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
