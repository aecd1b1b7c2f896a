//! What must be there after an event, decided without folding the state.
//!
//! A required member counts where the object that holds it is there after the merge: a required `city` in an `address`
//! that is not required says nothing about aggregates without an address. A null is not there.

use serde_json::{Map, Value};

use super::{column::Members, place::Path};

/// The members that a schema requires, at any depth.
#[derive(Debug, Clone, Default)]
pub struct Requirements(Vec<Path>);

/// What a layer says about a member.
enum Said<'v> {
    /// Nothing: older layers decide.
    Nothing,
    /// It is removed.
    Removed,
    /// It is this object, merged over that of older layers.
    Object(&'v Map<String, Value>),
    /// It is a value that is no object; older layers do not matter.
    Value,
}

/// What a member is after the merge.
enum Merged {
    Missing,
    Value,
    /// An object, made by the layers before this index.
    Object(usize),
}

impl Requirements {
    pub(super) fn of(members: &Members) -> Self {
        fn walk<'d>(members: &'d Members, steps: &mut Vec<&'d str>, found: &mut Vec<Path>) {
            for (name, field) in &members.fields {
                steps.push(name);
                if field.required {
                    found.push(Path::new(steps));
                }
                if let Some(members) = field.column.members() {
                    walk(members, steps, found);
                }
                steps.pop();
            }
        }
        let mut found = Vec::new();
        walk(members, &mut Vec::new(), &mut found);
        Self(found)
    }

    /// Whether nothing is required.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether nothing can be missing after merging a payload, whatever it is merged into. Where this is false, the state
    /// decides.
    #[must_use]
    pub fn are_settled_by(&self, payload: &Map<String, Value>) -> bool {
        self.0.iter().all(|path| {
            let steps = path.steps();
            match said(steps, payload) {
                Said::Object(_) | Said::Value => true,
                Said::Removed => false,
                // It may lie in what the payload replaces or removes.
                Said::Nothing => {
                    (1..steps.len()).any(|depth| matches!(said(&steps[..depth], payload), Said::Removed | Said::Value))
                }
            }
        })
    }

    /// What would be missing after merging (RFC 7396) `layers`, as JSON Pointers in the order of the schema. The first layer
    /// is the newest payload, the last one the state before all of them. A new aggregate has an empty state; after a JSON
    /// Patch the state that it made is the only layer.
    ///
    /// Costs a look-up per layer for each required member, until a layer says something about it.
    #[must_use]
    pub fn missing(&self, layers: &[&Map<String, Value>]) -> Vec<String> {
        self.0.iter().filter(|path| is_missing(path.steps(), layers)).map(Path::to_string).collect()
    }
}

fn is_missing(steps: &[String], layers: &[&Map<String, Value>]) -> bool {
    let Some((_, above)) = steps.split_last() else { return false };
    let mut end = layers.len();
    for depth in 1..=above.len() {
        match merged(&steps[..depth], &layers[..end]) {
            Merged::Object(until) => end = until,
            Merged::Missing | Merged::Value => return false,
        }
    }
    matches!(merged(steps, &layers[..end]), Merged::Missing)
}

/// What the member at `steps` is after the merge of layers of which none has anything but objects on the way to it.
fn merged(steps: &[String], layers: &[&Map<String, Value>]) -> Merged {
    let mut is_object = false;
    for (index, layer) in layers.iter().enumerate() {
        match said(steps, layer) {
            Said::Nothing => {}
            Said::Object(_) => is_object = true,
            // An object that is merged over anything but an object starts from an empty one.
            Said::Removed | Said::Value if is_object => return Merged::Object(index),
            Said::Removed => return Merged::Missing,
            Said::Value => return Merged::Value,
        }
    }
    if is_object { Merged::Object(layers.len()) } else { Merged::Missing }
}

fn said<'v>(steps: &[String], layer: &'v Map<String, Value>) -> Said<'v> {
    let mut here = Said::Object(layer);
    for step in steps {
        let Said::Object(members) = here else { return Said::Nothing };
        here = match members.get(step) {
            None => Said::Nothing,
            Some(Value::Null) => Said::Removed,
            Some(Value::Object(members)) => Said::Object(members),
            Some(_) => Said::Value,
        };
    }
    here
}

#[cfg(test)]
mod tests;
