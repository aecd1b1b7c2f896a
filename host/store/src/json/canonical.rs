//! The canonical form of a value: RFC 8785 (JCS). Equal values have equal text, on every machine.

use std::fmt::Write;

use serde_json::{Map, Number, Value};

use super::number::{self, MAX_SAFE_INTEGER};

/// The canonical form (RFC 8785) of JSON text that [`Json::parse`](crate::Json::parse) accepts; other text is given back as
/// it is.
#[must_use]
pub fn canonical_json(text: &str) -> String {
    match serde_json::from_str(text) {
        Ok(mut value) => {
            number::settle(&mut value);
            canonical(&value)
        }
        Err(_) => text.to_owned(),
    }
}

/// The canonical form of a value.
pub(crate) fn canonical(value: &Value) -> String {
    let mut out = String::with_capacity(256);
    write_value(value, &mut out);
    out
}

/// The canonical form of an object.
pub(crate) fn canonical_object(members: &Map<String, Value>) -> String {
    let mut out = String::with_capacity(256);
    write_object(members, &mut out);
    out
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(element, out);
            }
            out.push(']');
        }
        Value::Object(members) => write_object(members, out),
    }
}

/// Members in the order of the UTF-16 code units of their names (section 3.2.3).
fn write_object(members: &Map<String, Value>, out: &mut String) {
    let in_order = members.keys().is_sorted_by(|a, b| a.encode_utf16().lt(b.encode_utf16()));
    out.push('{');
    if in_order {
        write_members(members.iter(), out);
    } else {
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
        write_members(sorted.into_iter(), out);
    }
    out.push('}');
}

fn write_members<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>, out: &mut String) {
    for (index, (name, value)) in members.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(name, out);
        out.push(':');
        write_value(value, out);
    }
}

/// Numbers print as ECMAScript prints the double that they are (section 3.2.2.3).
fn write_number(number: &Number, out: &mut String) {
    match number.as_i64() {
        Some(integer) if integer.unsigned_abs() <= MAX_SAFE_INTEGER => {
            // Writing to a string does not fail.
            let _ = write!(out, "{integer}");
        }
        // Every number of serde_json (without arbitrary precision) is a finite double or converts to one.
        _ => out.push_str(ryu_js::Buffer::new().format_finite(number.as_f64().unwrap_or_default())),
    }
}

/// Strings as they are, but for quotes, backslashes and control characters (section 3.2.2.2).
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            0x0C => out.push_str("\\f"),
            b'\r' => out.push_str("\\r"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests;
