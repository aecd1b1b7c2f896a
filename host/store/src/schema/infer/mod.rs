//! Infers a schema from what is there: a proposal that *accepts all that was observed*, for a person to tighten.
//!
//! What is kept while observing is bounded: so many columns, so many names in event lists, so many distinct values. What
//! does not fit makes the proposal wider, never wrong.

mod guess;
mod seen;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use self::seen::SeenMembers;
use super::{
    check::Reading,
    document::{EventRules, SchemaDocument},
    patch::{Touch, touched_by},
};
use crate::{AggregateType, EventType, limits};

/// Watches events and states of an aggregate type and proposes a schema for them.
///
/// Observe every event, and the final state of every aggregate: what is required is learnt from states.
#[derive(Debug)]
pub struct Inference {
    aggregate: AggregateType,
    members: SeenMembers,
    events: BTreeMap<String, SeenEvent>,
    /// More event types were seen than are told apart.
    more_events: bool,
    room: Room,
}

/// What is left of the limits on what is kept.
#[derive(Debug)]
struct Room {
    /// Columns, at all depths.
    fields: usize,
    /// Names in event lists.
    names: usize,
}

#[derive(Debug, Default)]
struct SeenEvent {
    events: u64,
    /// How many of the events set each field; one that some event only removes is there too.
    fields: BTreeMap<String, u64>,
    /// An event touched more than a list could name.
    unlisted: bool,
}

impl Inference {
    /// Has seen nothing yet.
    #[must_use]
    pub fn new(aggregate: AggregateType) -> Self {
        Self {
            aggregate,
            members: SeenMembers::default(),
            events: BTreeMap::new(),
            more_events: false,
            room: Room { fields: limits::SCHEMA_FIELDS, names: limits::INFERRED_NAMES },
        }
    }

    /// Observes an event whose payload is merged. Events of EventDBX's own (`$…`) are not a schema's matter and are ignored.
    pub fn observe(&mut self, event_type: &str, payload: &Map<String, Value>) {
        if is_client_type(event_type) {
            self.members.observe(payload, Reading::Merge, 0, &mut self.room.fields);
            self.observe_event(event_type, payload.iter().map(|(name, value)| (name.as_str(), !value.is_null())), true);
        }
    }

    /// Observes an event that is a JSON Patch: the parsed operations and the state that they made.
    pub fn observe_patch(&mut self, event_type: &str, operations: &Value, state_after: &Map<String, Value>) {
        if !is_client_type(event_type) {
            return;
        }
        self.observe_state(state_after);
        let mut touched: BTreeMap<&str, bool> = BTreeMap::new();
        let places: Vec<_> = operations.as_array().into_iter().flatten().flat_map(touched_by).collect();
        for (name, how) in places.iter().filter_map(|place| Some((place.steps.first()?, place.how))) {
            let is_there = state_after.get(name.as_ref()).is_some_and(|value| !value.is_null());
            *touched.entry(name).or_default() |= how == Touch::Set && is_there;
        }
        let names_all = places.iter().all(|place| !place.steps.is_empty());
        self.observe_event(event_type, touched.into_iter(), names_all);
    }

    /// Observes a state: the final one of an aggregate, or any on the way there.
    pub fn observe_state(&mut self, state: &Map<String, Value>) {
        self.members.observe(state, Reading::State, 0, &mut self.room.fields);
    }

    /// `fields`: those that the event carries, and whether it sets them; `names_all`: there are no others.
    fn observe_event<'f>(&mut self, event_type: &str, fields: impl Iterator<Item = (&'f str, bool)>, names_all: bool) {
        if !self.events.contains_key(event_type) {
            if self.events.len() >= limits::SCHEMA_EVENTS {
                self.more_events = true;
                return;
            }
            self.events.insert(event_type.to_owned(), SeenEvent::default());
        }
        let Some(event) = self.events.get_mut(event_type) else { return };
        event.events += 1;
        event.unlisted |= !names_all;
        for (name, is_set) in fields {
            if let Some(count) = event.fields.get_mut(name) {
                *count += u64::from(is_set);
            } else if self.room.names > 0 {
                self.room.names -= 1;
                event.fields.insert(name.to_owned(), u64::from(is_set));
            } else {
                event.unlisted = true;
            }
        }
    }

    /// The proposal.
    #[must_use]
    pub fn finish(self) -> SchemaDocument {
        let members = self.members.guess();
        // Where members were seen that cannot be declared, no list could name them.
        let can_list = |seen: &SeenEvent| {
            // A patch may touch what is in no state: it takes it away again.
            !members.additional && !seen.unlisted && seen.fields.keys().all(|name| members.fields.contains_key(name))
        };
        let event = |seen: SeenEvent| EventRules {
            fields: can_list(&seen).then(|| seen.fields.keys().cloned().collect()),
            required: {
                let always = seen.fields.into_iter().filter(|(_, count)| *count == seen.events);
                always.map(|(name, _)| name).filter(|name| members.fields.contains_key(name)).collect()
            },
            note: None,
        };
        let events = self.events.into_iter().map(|(name, seen)| (name, event(seen))).collect();
        let document = SchemaDocument {
            aggregate: self.aggregate,
            note: None,
            locked: false,
            redactable: false,
            snapshot_threshold: None,
            members,
            additional_events: self.more_events,
            events,
            upcasts: Vec::new(),
            rules: BTreeSet::new(),
        };
        shortened(document)
    }
}

fn is_client_type(event_type: &str) -> bool {
    event_type.parse().is_ok_and(|event_type: EventType| !event_type.is_system())
}

/// The document, with ever less in it until it is short enough to be one.
fn shortened(mut document: SchemaDocument) -> SchemaDocument {
    let steps: [fn(&mut SchemaDocument); 3] = [
        |document| document.events.values_mut().for_each(|event| *event = EventRules::default()),
        |document| document.events.clear(),
        |document| {
            document.members.fields.clear();
            document.members.additional = true;
        },
    ];
    for step in steps {
        if document.to_json().len() <= limits::SCHEMA_BYTES {
            break;
        }
        step(&mut document);
    }
    document
}

#[cfg(test)]
mod tests;
