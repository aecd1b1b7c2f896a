//! From JSON to a document. Reading goes on after a fault, so that all of them are reported at once; what it gives is a
//! document only if there were none.

mod events;
mod field;
mod node;
mod rules;
mod upcasts;

use std::{collections::BTreeSet, num::NonZeroU32};

use serde_json::Value;

pub(super) use self::field::is_field_name;
use self::{
    field::Budget,
    node::{Node, Object},
};
use super::{
    document::{Known, SchemaDocument},
    fault::Faults,
    place::Place,
    violation::{quoted, suggestion},
};
use crate::{AggregateType, limits};

const MEMBERS: [&str; 11] = [
    "aggregate",
    "note",
    "locked",
    "redactable",
    "additional",
    "additional_events",
    "snapshot_threshold",
    "fields",
    "events",
    "upcasts",
    "rules",
];

/// Reads a document whose numbers are settled. None, with at least one fault, where the aggregate type is missing.
pub(super) fn document(value: &Value, known: Known<'_>, faults: &mut Faults) -> Option<SchemaDocument> {
    let root = Node { value, place: Place::ROOT }.object(faults)?;
    root.only(&MEMBERS, faults);
    let aggregate = aggregate(&root, faults);
    let locked = root.flag("locked", faults);
    // In a locked schema nothing is written: what no event could meet then contradicts nothing.
    let members = field::members(&root, "fields", &mut Budget::new(locked, known), faults);
    let events = events::events(&root, &members, locked, faults);
    let document = SchemaDocument {
        aggregate: aggregate?,
        note: root.note(faults),
        locked,
        redactable: root.flag("redactable", faults),
        snapshot_threshold: threshold(&root, faults),
        members,
        additional_events: root.flag("additional_events", faults),
        events,
        upcasts: upcasts::upcasts(&root, known, faults),
        rules: rules(&root, known, faults),
    };
    Some(document)
}

/// The rules of extensions that the schema uses.
fn rules(root: &Object<'_>, known: Known<'_>, faults: &mut Faults) -> BTreeSet<String> {
    let names = root.names("rules", faults, |name, place, faults| {
        let provided: Vec<&str> = match known {
            Known::Any if field::is_foreign_name(name) => return,
            Known::Any | Known::BuiltIn => Vec::new(),
            Known::Provided(provided) if provided.rules.contains_key(name) => return,
            Known::Provided(provided) => provided.rules.keys().map(String::as_str).collect(),
        };
        let nearest = suggestion(name, provided.iter().copied(), faults.0.len());
        let there = match provided.is_empty() {
            true => "no extension of the domain brings any".to_owned(),
            false => format!("there are {}", provided.join(", ")),
        };
        let message = format!(
            "{} is not a rule of an extension{nearest}: {there}; install the one that brings it first",
            quoted(name)
        );
        faults.add(place, "unknown-rule", message);
    });
    let names = names.unwrap_or_default();
    if names.len() > limits::SCHEMA_RULES {
        let message = format!("has more rules than SCHEMA_RULES allows ({})", limits::SCHEMA_RULES);
        faults.add(&root.place.member("rules"), "too-many-rules", message);
    }
    names
}

fn aggregate(root: &Object<'_>, faults: &mut Faults) -> Option<AggregateType> {
    let Some(node) = root.get("aggregate") else {
        faults.add(&root.place, "missing", "`aggregate` is missing: name the aggregate type that the schema is for");
        return None;
    };
    client_name(node.text(faults)?, &node.place, AggregateType::is_system, faults)
}

/// A name that a client may write to.
fn client_name<T: std::str::FromStr<Err = crate::NameError>>(
    text: &str,
    place: &Place<'_>,
    is_system: fn(&T) -> bool,
    faults: &mut Faults,
) -> Option<T> {
    match text.parse::<T>() {
        Ok(name) if is_system(&name) => {
            faults.add(place, "bad-name", "names that begin with $ are EventDBX's own: take another");
            None
        }
        Ok(name) => Some(name),
        Err(error) => {
            faults.add(place, "bad-name", error.to_string());
            None
        }
    }
}

fn threshold(root: &Object<'_>, faults: &mut Faults) -> Option<NonZeroU32> {
    let count = root.count("snapshot_threshold", faults)?;
    let place = root.place.member("snapshot_threshold");
    match u32::try_from(count).map(NonZeroU32::new) {
        Ok(Some(threshold)) => return Some(threshold),
        Ok(None) => {
            faults.add(&place, "zero-threshold", "must be at least 1: leave it out to take no snapshots by count")
        }
        Err(_) => faults.add(&place, "wrong-type", format!("must be at most {}", u32::MAX)),
    }
    None
}

#[cfg(test)]
mod tests;

/// A document of the most that there is to say.
#[cfg(test)]
pub(super) fn whole() -> SchemaDocument {
    SchemaDocument::parse(tests::WHOLE).expect("valid")
}
