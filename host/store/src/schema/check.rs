//! Checks events: what they carry, and what they make of the state. The good path allocates nothing but for references,
//! whose names are parsed.

use serde_json::{Map, Value};

use super::{
    column::{Column, Field, Members},
    compiled::Schema,
    document::EventRules,
    place::Place,
    violation::{Findings, Violation, quoted, shown, suggestion},
};

/// How a value is to be understood.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As a merge-patch: a null removes, and what is given is set.
    Merge,
    /// As a state: a null is a null.
    State,
}

impl Schema {
    /// Checks the payload of an event, a merge-patch (RFC 7396) with its numbers as they were parsed: the members that it
    /// may carry, and the types and rules of what is there. A null removes its member: refused where the member is required
    /// or locked. Adds all that is wrong to `out`, in the order of the payload.
    ///
    /// What the event does *not* carry is a matter of the state after it: see [`check_required`](Self::check_required).
    pub fn check_payload(&self, event_type: &str, payload: &Map<String, Value>, out: &mut Vec<Violation>) {
        let mut findings = Findings::new(out);
        let event = self.admit(event_type, &mut findings);
        let mut check = Check { reading: Reading::Merge, findings };
        for (name, value) in payload {
            let place = Place::ROOT;
            let place = place.member(name);
            if let Some(event) = event
                && !event.carries(name)
            {
                check.findings.add(&place, "not-in-event", event.in_words(event_type), "it is there".to_owned());
            }
            check.member(&self.document.members, name, value, &place, Seen { hidden: false, locked: false });
        }
        for name in event.iter().flat_map(|event| &event.required) {
            if payload.get(name).is_none_or(Value::is_null) {
                let expected = format!("a value, since each {event_type} event must set it");
                check.findings.add(&Place::ROOT.member(name), "event-required", expected, absence(payload.get(name)));
            }
        }
    }

    /// Checks what must be there after an event, at any depth. `layers` are those of
    /// [`Requirements::missing`](super::Requirements::missing). What `out` says already is not said again.
    pub fn check_required(&self, layers: &[&Map<String, Value>], out: &mut Vec<Violation>) {
        let mut findings = Findings::new(out);
        for pointer in self.required.missing(layers) {
            findings.at(pointer, "required", "a value, since the field is required", "nothing".to_owned());
        }
    }

    /// Checks a state as it stands, whatever events led to it: the types and rules of what is there, and what must be. Adds
    /// all that is wrong to `out`.
    pub fn check_standing(&self, state: &Map<String, Value>, out: &mut Vec<Violation>) {
        self.check_state(state, Findings::new(out));
        self.check_required(&[state], out);
    }

    /// Whether an event of the type may be written at all; what is said about it.
    pub(super) fn admit(&self, event_type: &str, findings: &mut Findings<'_>) -> Option<&EventRules> {
        let document = &self.document;
        if document.locked {
            let expected = format!("no more events, since the schema of {} is locked", document.aggregate);
            findings.add(&Place::ROOT, "schema-locked", expected, format!("a {event_type} event"));
        }
        let event = document.events.get(event_type);
        if event.is_none() && !document.events.is_empty() && !document.additional_events {
            let nearest = suggestion(event_type, document.event_types(), findings.count());
            let expected = format!("an event type that the schema lists{nearest}");
            findings.add(&Place::ROOT, "unknown-event", expected, quoted(event_type));
        }
        event
    }

    /// Checks all members of a state against their columns.
    pub(super) fn check_state(&self, state: &Map<String, Value>, findings: Findings<'_>) {
        let mut check = Check { reading: Reading::State, findings };
        check.object(&self.document.members, state, &Place::ROOT, Seen { hidden: false, locked: false });
    }
}

impl EventRules {
    pub(super) fn carries(&self, name: &str) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.contains(name))
    }

    /// What it may carry.
    #[cold]
    pub(super) fn in_words(&self, event_type: &str) -> String {
        let names: Vec<&str> = self.fields.iter().flatten().map(String::as_str).take(8).collect();
        let more = self.fields.as_ref().map_or(0, |fields| fields.len() - names.len());
        match (names.is_empty(), more) {
            (true, _) => format!("an empty payload, since a {event_type} event carries no fields"),
            (false, 0) => format!("a field of {event_type} events ({})", names.join(", ")),
            (false, _) => format!("a field of {event_type} events ({} and {more} more)", names.join(", ")),
        }
    }
}

#[cold]
pub(super) fn absence(value: Option<&Value>) -> String {
    if value.is_some() { "null, which removes it".to_owned() } else { "nothing".to_owned() }
}

/// What was seen on the way down to a value.
#[derive(Clone, Copy)]
struct Seen {
    /// It is hidden, or something that it lies in.
    hidden: bool,
    /// Something that it lies in is locked, and was reported.
    locked: bool,
}

struct Check<'o> {
    reading: Reading,
    findings: Findings<'o>,
}

impl Check<'_> {
    fn object(&mut self, members: &Members, object: &Map<String, Value>, place: &Place<'_>, seen: Seen) {
        for (name, value) in object {
            self.member(members, name, value, &place.member(name), seen);
        }
    }

    fn member(&mut self, members: &Members, name: &str, value: &Value, place: &Place<'_>, seen: Seen) {
        match members.fields.get(name) {
            Some(field) => self.field(field, value, place, seen),
            None if members.additional => {}
            None => {
                let known = members.fields.keys().map(String::as_str);
                let nearest = suggestion(name, known, self.findings.count());
                let expected = format!("a field that the schema declares{nearest}");
                self.findings.add(place, "unknown-field", expected, "another one".to_owned());
            }
        }
    }

    fn field(&mut self, field: &Field, value: &Value, place: &Place<'_>, seen: Seen) {
        let seen = Seen { hidden: seen.hidden || field.hidden, ..seen };
        if self.reading == Reading::Merge {
            if value.is_null() {
                return self.removal(field, place, seen);
            }
            if field.locked && !seen.locked {
                self.findings.add(place, "locked", LOCKED, shown(value, seen.hidden));
            }
        }
        self.value(field, value, place, Seen { locked: seen.locked || field.locked, ..seen });
    }

    /// A null in a merge-patch: the member goes, with all that lies in it.
    fn removal(&mut self, field: &Field, place: &Place<'_>, seen: Seen) {
        if !seen.locked && holds_locked(field) {
            self.findings.add(place, "locked", LOCKED, "null, which removes it".to_owned());
        }
        if field.required {
            let expected = "a value, since the field is required";
            self.findings.add(place, "required", expected, "null, which removes it".to_owned());
        }
    }

    fn value(&mut self, field: &Field, value: &Value, place: &Place<'_>, seen: Seen) {
        let Some(read) = field.column.read(value) else {
            return self.findings.add(place, "type", field.column.description(), shown(value, seen.hidden));
        };
        match (&field.column, value) {
            (Column::Object(Some(members)), Value::Object(object)) => self.object(members, object, place, seen),
            (Column::Reference(target), Value::String(text))
                if text.parse().is_ok_and(|reference| !target.admits(&reference)) =>
            {
                self.findings.add(place, "reference", target.to_string(), shown(value, seen.hidden));
            }
            _ => {}
        }
        let findings = &mut self.findings;
        field.rules.check(&read, |rule, expected| findings.add(place, rule, expected, shown(value, seen.hidden)));
    }
}

pub(super) const LOCKED: &str = "the field as it is, since it is locked";

fn holds_locked(field: &Field) -> bool {
    field.locked || field.column.members().is_some_and(|members| members.fields.values().any(holds_locked))
}

#[cfg(test)]
mod bench;
#[cfg(test)]
mod tests;
