//! What is wrong with an event, in the eyes of its schema. A hidden value is never repeated.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::place::Place;
use crate::{Reason, limits};

/// One rule that an event breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Where: a JSON Pointer (RFC 6901) into the payload, or into the state after a JSON Patch; empty: the whole event.
    pub pointer: String,
    /// The rule, stable: `type`, `required`, `locked`, `schema-locked`, `unknown-field`, `unknown-event`, `not-in-event`,
    /// `event-required`, `format`, `length`, `range`, `regex`, `contains`, `does-not-contain`, `enum`, `reference`; of
    /// extensions `rule`, `extension-missing`, `extension-failed`, `extension-bytes`.
    pub rule: &'static str,
    /// What the rule asks for, in words.
    pub expected: String,
    /// What is there, in words or cut to [`VIOLATION_CHARS`](limits::VIOLATION_CHARS); never the value of a hidden field.
    pub actual: String,
}

impl Violation {
    /// The violation as a reason to refuse a request. `event`: index of the event in the request; `below`: what the pointer
    /// points into, e.g. `/payload`.
    #[must_use]
    pub fn into_reason(self, event: usize, below: &str) -> Reason {
        let message = format!("expected {}, found {}", self.expected, self.actual);
        Reason { event, path: format!("{below}{}", self.pointer), code: self.rule, message }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => write!(f, "expected {}, found {}", self.expected, self.actual),
            pointer => write!(f, "{pointer}: expected {}, found {}", self.expected, self.actual),
        }
    }
}

/// Where the violations of a check go: at most [`VIOLATIONS`](limits::VIOLATIONS) of them.
pub(super) struct Findings<'o>(&'o mut Vec<Violation>);

impl<'o> Findings<'o> {
    pub(super) fn new(out: &'o mut Vec<Violation>) -> Self {
        Self(out)
    }

    /// Adds one, unless the same is there: several operations of a patch may touch one field.
    #[cold]
    pub(super) fn add(&mut self, place: &Place<'_>, rule: &'static str, expected: impl Into<String>, actual: String) {
        if self.has_room() {
            self.at(place.pointer(), rule, expected, actual);
        }
    }

    #[cold]
    pub(super) fn at(&mut self, pointer: String, rule: &'static str, expected: impl Into<String>, actual: String) {
        let is_same = |known: &Violation| known.rule == rule && known.pointer == pointer;
        if self.has_room() && !self.0.iter().any(is_same) {
            self.0.push(Violation { pointer, rule, expected: expected.into(), actual });
        }
    }

    fn has_room(&self) -> bool {
        self.0.len() < limits::VIOLATIONS
    }

    /// How many are listed so far.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

/// A value in few words.
#[cold]
pub(super) fn shown(value: &Value, hidden: bool) -> String {
    match value {
        Value::Null => "nothing (null)".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        _ if hidden => "a value that is hidden".to_owned(),
        Value::String(text) => quoted(text),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A text in quotes, control characters escaped, cut.
pub(super) fn quoted(text: &str) -> String {
    // Escaping lengthens: cut what comes in, so that a long text is not copied, then what goes out.
    let head: String = text.chars().take(limits::VIOLATION_CHARS).collect();
    let whole = head.len() == text.len();
    let mut shown: String = format!("{head:?}");
    if !whole || shown.chars().count() > limits::VIOLATION_CHARS {
        shown = shown.trim_end_matches('"').chars().take(limits::VIOLATION_CHARS - 2).collect();
        shown.push_str("…\"");
    }
    shown
}

/// Up to this many violations, an unknown name is compared with the known ones: mistakes come in few.
const SUGGESTIONS: usize = 16;

/// The known name that a mistaken one is nearest to, as a question: ` (did you mean "total"?)`. Empty where none is near.
pub(super) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, found: usize) -> String {
    if found >= SUGGESTIONS || name.len() > 64 {
        return String::new();
    }
    let near = known.into_iter().filter(|known| known.len().abs_diff(name.len()) <= 3);
    let nearest = near.map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    match nearest {
        Some((distance, known)) if distance <= 1 + name.chars().count() / 4 => format!(" (did you mean {known:?}?)"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_cut_and_never_when_hidden() {
        assert_eq!(shown(&json!("a\n"), false), r#""a\n""#);
        assert_eq!(shown(&json!(1.5), false), "1.5");
        for long in ["x".repeat(61), "\u{1}".repeat(40), "\"".repeat(60), "é".repeat(5000)] {
            let shown = shown(&json!(long), false);
            assert!(shown.chars().count() <= limits::VIOLATION_CHARS && shown.ends_with("…\""), "{shown}");
        }
        for value in [json!("s3cr3t"), json!(42), json!(true), json!({"a": "s3cr3t"}), json!(["s3cr3t"])] {
            let shown = shown(&value, true);
            assert!(!shown.contains("s3cr3t") && !shown.contains("42") && !shown.contains("true"), "{shown}");
        }
    }

    #[test]
    fn near_names_are_suggested() {
        let suggest = |name: &str| suggestion(name, ["total", "email"], 0);
        assert_eq!(suggest("totl"), " (did you mean \"total\"?)");
        assert_eq!(suggest("eamil"), " (did you mean \"email\"?)");
        assert_eq!(suggest("currency"), "");
    }

    #[test]
    fn a_violation_becomes_a_reason() {
        let violation =
            Violation { pointer: "/total".into(), rule: "type", expected: "an integer".into(), actual: "true".into() };
        assert_eq!(violation.to_string(), "/total: expected an integer, found true");
        let reason = violation.into_reason(2, "/payload");
        assert_eq!((reason.event, reason.path.as_str(), reason.code), (2, "/payload/total", "type"));
    }
}
