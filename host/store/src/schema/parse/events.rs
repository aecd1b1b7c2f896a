//! Reads what a document says about its events.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    super::{column::Members, document::EventRules, fault::Faults, place::Place, violation::suggestion},
    client_name,
    node::Object,
};
use crate::{EventType, limits};

pub(super) fn events(
    root: &Object<'_>,
    members: &Members,
    locked: bool,
    faults: &mut Faults,
) -> BTreeMap<String, EventRules> {
    let Some(node) = root.get("events") else { return BTreeMap::new() };
    let Some(object) = node.object(faults) else { return BTreeMap::new() };
    if object.members.len() > limits::SCHEMA_EVENTS {
        let most = limits::SCHEMA_EVENTS;
        faults.add(&node.place, "too-many-events", format!("more than SCHEMA_EVENTS allows ({most})"));
        return BTreeMap::new();
    }
    // By their names as they are written: a field that could not be read is not missing as well.
    let declared = root.members.get("fields").and_then(Value::as_object);
    let known = Known { declared, locked: if locked { None } else { Some(members) } };
    let mut events = BTreeMap::new();
    for (name, node) in object.iter() {
        client_name(name, &node.place, EventType::is_system, faults);
        if let Some(object) = node.object(faults) {
            events.insert(name.to_owned(), event(&object, &known, faults));
        }
    }
    events
}

/// What is known about the fields that events list.
struct Known<'a> {
    declared: Option<&'a Map<String, Value>>,
    /// Where to look for locked ones; none: it does not matter, since all are.
    locked: Option<&'a Members>,
}

impl Known<'_> {
    fn declares(&self, name: &str, place: &Place<'_>, faults: &mut Faults) -> bool {
        let declared = self.declared.is_some_and(|fields| fields.contains_key(name));
        if !declared {
            let names = self.declared.into_iter().flat_map(|fields| fields.keys().map(String::as_str));
            let nearest = suggestion(name, names, faults.0.len());
            faults.add(
                place,
                "unknown-field",
                format!("is no field of the schema{nearest}: declare it under `fields`"),
            );
        }
        declared
    }

    fn is_locked(&self, name: &str) -> bool {
        self.locked.and_then(|members| members.fields.get(name)).is_some_and(|field| field.locked)
    }
}

fn event(object: &Object<'_>, known: &Known<'_>, faults: &mut Faults) -> EventRules {
    object.only(&["fields", "required", "note"], faults);
    let fields = object.names("fields", faults, |name, place, faults| {
        known.declares(name, place, faults);
    });
    let required = object.names("required", faults, |name, place, faults| {
        if !known.declares(name, place, faults) {
            return;
        }
        if fields.as_ref().is_some_and(|fields| !fields.contains(name)) {
            faults.add(place, "required-not-listed", "is required but not in `fields`: list it there too");
        }
        if known.is_locked(name) {
            faults.add(place, "locked-required", "is locked, so that no event can set it: do not require it");
        }
    });
    EventRules { fields, required: required.unwrap_or_default(), note: object.note(faults) }
}
