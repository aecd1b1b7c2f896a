//! Checks events that are JSON Patches (RFC 6902): locked fields and field lists by the paths that the operations touch,
//! types and rules on the state that they make.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    check::{LOCKED, absence},
    compiled::Schema,
    document::EventRules,
    place::{Place, steps},
    violation::{Findings, Violation},
};

/// What an operation does to a place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    /// Sets or changes it.
    Set,
    /// Takes it away.
    Removed,
}

/// A place that an operation touches.
pub(super) struct Touched<'p> {
    pub(super) steps: Vec<Cow<'p, str>>,
    pointer: &'p str,
    pub(super) how: Touch,
}

impl Schema {
    /// Checks an event that is a JSON Patch: `operations` is the parsed patch, `state_after` the state that it makes. Adds
    /// all that is wrong to `out`, with pointers into that state.
    ///
    /// An operation touches its `path`, a `move` its `from` as well. A `test` touches nothing, and the `from` of a `copy` is
    /// only read. What must be there is checked by [`check_required`](Self::check_required) with the state as the only
    /// layer.
    pub fn check_patch(
        &self,
        event_type: &str,
        operations: &Value,
        state_after: &Map<String, Value>,
        out: &mut Vec<Violation>,
    ) {
        let mut findings = Findings::new(out);
        let event = self.admit(event_type, &mut findings);
        let touched: Vec<Touched<'_>> = operations.as_array().into_iter().flatten().flat_map(touched_by).collect();
        for touched in &touched {
            if self.locked.iter().any(|locked| locked.meets(&touched.steps)) {
                findings.at(touched.pointer.to_owned(), "locked", LOCKED, touched.in_words().to_owned());
            }
            if let Some(event) = event {
                event.check_touched(event_type, touched, &mut findings);
            }
        }
        for name in event.iter().flat_map(|event| &event.required) {
            let is_set = touched.iter().any(|touched| touched.how == Touch::Set && touched.leads_into(name));
            let value = state_after.get(name);
            if !is_set || value.is_none_or(Value::is_null) {
                let expected = format!("an operation that sets it, since each {event_type} event must");
                findings.add(
                    &Place::ROOT.member(name),
                    "event-required",
                    expected,
                    absence(value.filter(|v| v.is_null())),
                );
            }
        }
        self.check_state(state_after, findings);
    }
}

impl EventRules {
    fn check_touched(&self, event_type: &str, touched: &Touched<'_>, findings: &mut Findings<'_>) {
        let fits = match touched.steps.first() {
            Some(name) => self.carries(name),
            // The whole state: more than any list names.
            None => self.fields.is_none(),
        };
        if !fits {
            let pointer = touched.pointer.to_owned();
            findings.at(pointer, "not-in-event", self.in_words(event_type), touched.in_words().to_owned());
        }
    }
}

impl Touched<'_> {
    /// Whether it is the member or in it, or the whole state.
    fn leads_into(&self, name: &str) -> bool {
        self.steps.first().is_none_or(|first| first == name)
    }

    fn in_words(&self) -> &'static str {
        match self.how {
            Touch::Set => "an operation that sets it",
            Touch::Removed => "an operation that removes it",
        }
    }
}

/// The places that an operation touches. What is not an operation touches nothing: applying it was refused.
pub(super) fn touched_by(operation: &Value) -> impl Iterator<Item = Touched<'_>> {
    let place = |member: &str, how| {
        let pointer = operation.get(member)?.as_str()?;
        Some(Touched { steps: steps(pointer)?, pointer, how })
    };
    let (from, path) = match operation.get("op").and_then(Value::as_str) {
        Some("add" | "replace" | "copy") => (None, place("path", Touch::Set)),
        Some("remove") => (None, place("path", Touch::Removed)),
        Some("move") => (place("from", Touch::Removed), place("path", Touch::Set)),
        _ => (None, None),
    };
    from.into_iter().chain(path)
}

#[cfg(test)]
mod tests;
