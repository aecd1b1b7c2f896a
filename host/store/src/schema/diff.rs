//! What changed between two schemas, and whether the new one may refuse what the old one accepted. On the safe side: a
//! change that is not known to be harmless narrows (a property test holds this against checking).

mod field;

use std::{collections::BTreeSet, fmt};

use serde::Serialize;
use serde_json::Value;

use super::{
    document::{EventRules, SchemaDocument},
    place::Place,
    write,
};
use crate::limits;

/// One change between two schemas.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Where: a JSON Pointer (RFC 6901) into the document.
    pub pointer: String,
    /// What happened.
    pub kind: ChangeKind,
    /// What stood there; absent where it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What stands there; absent where it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    /// The new schema may refuse what the old one accepted.
    pub narrows: bool,
}

/// What happened to a part of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
}

/// What changed from one schema to another.
#[must_use]
pub fn diff(old: &SchemaDocument, new: &SchemaDocument) -> Vec<Change> {
    let mut changes = Changes(Vec::new());
    let root = Place::ROOT;
    changes.members(&root, &write::document(old), &write::document(new), |name| match name {
        // Compared one by one below.
        "fields" | "events" | "additional" => None,
        "aggregate" => Some(true),
        "locked" => Some(new.locked),
        // Without a list, every type is allowed anyway.
        "additional_events" => Some(!new.additional_events && !new.events.is_empty()),
        "rules" => Some(!new.rules.is_subset(&old.rules)),
        // `note`, `redactable`, `snapshot_threshold` and `upcasts` say nothing about what is accepted.
        _ => Some(false),
    });
    changes.fields(&root, "fields", &old.members, &new.members);
    changes.events(&root.member("events"), old, new);
    changes.0
}

/// The changes that were found.
struct Changes(Vec<Change>);

impl Changes {
    /// Adds a change, if it is one.
    fn add(&mut self, place: &Place<'_>, from: Option<&Value>, to: Option<&Value>, narrows: bool) {
        let kind = match (from, to) {
            (None, None) => return,
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Removed,
            (Some(from), Some(to)) if from == to => return,
            (Some(_), Some(_)) => ChangeKind::Changed,
        };
        self.0.push(Change { pointer: place.pointer(), kind, from: from.cloned(), to: to.cloned(), narrows });
    }

    /// Adds what changed between the members of two objects. `narrows` says what the change of a member means; none: it is
    /// looked at elsewhere.
    fn members(&mut self, place: &Place<'_>, old: &Value, new: &Value, narrows: impl Fn(&str) -> Option<bool>) {
        let objects = || [old, new].into_iter().filter_map(Value::as_object);
        let names: BTreeSet<&String> = objects().flat_map(|object| object.keys()).collect();
        for name in names {
            if let Some(narrows) = narrows(name) {
                self.add(&place.member(name), old.get(name), new.get(name), narrows);
            }
        }
    }

    fn events(&mut self, place: &Place<'_>, old: &SchemaDocument, new: &SchemaDocument) {
        let takes_any = |document: &SchemaDocument| document.events.is_empty() || document.additional_events;
        let names: BTreeSet<&String> = old.events.keys().chain(new.events.keys()).collect();
        for name in names {
            let place = place.member(name);
            match (old.events.get(name), new.events.get(name)) {
                (Some(before), Some(after)) => self.event(&place, before, after),
                (None, Some(after)) => {
                    // The first list refuses all that is not on it; and what was free to say anything may be so no longer.
                    let narrows = takes_any(old) && (!takes_any(new) || after.restricts());
                    self.add(&place, None, Some(&write::event(after)), narrows);
                }
                (Some(before), None) => self.add(&place, Some(&write::event(before)), None, !takes_any(new)),
                (None, None) => {}
            }
        }
    }

    fn event(&mut self, place: &Place<'_>, old: &EventRules, new: &EventRules) {
        self.members(place, &write::event(old), &write::event(new), |name| {
            Some(match name {
                "fields" => match (&old.fields, &new.fields) {
                    (_, None) => false,
                    (None, Some(_)) => true,
                    (Some(old), Some(new)) => !old.is_subset(new),
                },
                "required" => !new.required.is_subset(&old.required),
                _ => false,
            })
        });
    }
}

impl EventRules {
    fn restricts(&self) -> bool {
        self.fields.is_some() || !self.required.is_empty()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.pointer)?;
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "changed from {} to {}", cut(from), cut(to))?,
            (None, Some(to)) => write!(f, "added, {}", cut(to))?,
            (Some(from), None) => write!(f, "removed, was {}", cut(from))?,
            (None, None) => f.write_str("unchanged")?,
        }
        f.write_str(if self.narrows { " (narrows)" } else { "" })
    }
}

/// A value as JSON, cut to a readable length.
fn cut(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(limits::VIOLATION_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests;
