//! A value of a document together with its place: what is not as it should be becomes a fault, and reading goes on.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::{fault::Faults, place::Place, violation::suggestion};
use crate::limits;

#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) place: Place<'a>,
}

/// An object of a document.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) members: &'a Map<String, Value>,
    pub(super) place: Place<'a>,
}

impl<'a> Node<'a> {
    pub(super) fn object(&self, faults: &mut Faults) -> Option<Object<'a>> {
        match self.value {
            Value::Object(members) => Some(Object { members, place: self.place }),
            _ => self.wrong("an object", faults),
        }
    }

    pub(super) fn array(&self, faults: &mut Faults) -> Option<&'a [Value]> {
        match self.value {
            Value::Array(elements) => Some(elements),
            _ => self.wrong("an array", faults),
        }
    }

    pub(super) fn text(&self, faults: &mut Faults) -> Option<&'a str> {
        match self.value {
            Value::String(text) => Some(text),
            _ => self.wrong("a text", faults),
        }
    }

    pub(super) fn count(&self, faults: &mut Faults) -> Option<u64> {
        self.value.as_u64().or_else(|| self.wrong("a whole number, 0 or more", faults))
    }

    fn wrong<T>(&self, expected: &str, faults: &mut Faults) -> Option<T> {
        faults.add(&self.place, "wrong-type", format!("must be {expected}"));
        None
    }
}

impl<'a> Object<'a> {
    /// Reports the members that are not known.
    pub(super) fn only(&'a self, known: &[&str], faults: &mut Faults) {
        for name in self.members.keys().filter(|name| !known.contains(&name.as_str())) {
            let nearest = suggestion(name, known.iter().copied(), faults.0.len());
            let message = format!("is not known here{nearest}: known are {}", known.join(", "));
            faults.add(&self.place.member(name), "unknown-member", message);
        }
    }

    pub(super) fn get(&'a self, name: &'a str) -> Option<Node<'a>> {
        self.members.get(name).map(|value| Node { value, place: self.place.member(name) })
    }

    /// All members, in their order.
    pub(super) fn iter(&'a self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        self.members.iter().map(|(name, value)| (name.as_str(), Node { value, place: self.place.member(name) }))
    }

    /// A flag; false where it is not given.
    pub(super) fn flag(&'a self, name: &'a str, faults: &mut Faults) -> bool {
        self.get(name)
            .is_some_and(|node| node.value.as_bool().or_else(|| node.wrong("true or false", faults)) == Some(true))
    }

    pub(super) fn text(&'a self, name: &'a str, faults: &mut Faults) -> Option<&'a str> {
        self.get(name)?.text(faults)
    }

    pub(super) fn count(&'a self, name: &'a str, faults: &mut Faults) -> Option<u64> {
        self.get(name)?.count(faults)
    }

    /// The note; an empty one says nothing.
    pub(super) fn note(&'a self, faults: &mut Faults) -> Option<String> {
        let note = self.text("note", faults).filter(|note| !note.is_empty())?;
        let chars = note.chars().count();
        if chars > limits::NOTE_CHARS {
            let most = limits::NOTE_CHARS;
            let message = format!("has {chars} characters, more than NOTE_CHARS allows ({most}): shorten it");
            faults.add(&self.place.member("note"), "note-chars", message);
        }
        Some(note.to_owned())
    }

    /// One of a few names; the first where none is given.
    pub(super) fn choice<T: Copy + Default>(&'a self, name: &'a str, names: &[(&str, T)], faults: &mut Faults) -> T {
        let Some(text) = self.text(name, faults) else { return T::default() };
        match names.iter().find(|(known, _)| *known == text) {
            Some((_, value)) => *value,
            None => {
                let known: Vec<&str> = names.iter().map(|(known, _)| *known).collect();
                let message = format!("must be one of {}", known.join(", "));
                faults.add(&self.place.member(name), "unknown-value", message);
                T::default()
            }
        }
    }

    /// A list of names, each once, with the places of its elements.
    pub(super) fn names(
        &'a self,
        name: &'a str,
        faults: &mut Faults,
        mut each: impl FnMut(&str, &Place<'_>, &mut Faults),
    ) -> Option<BTreeSet<String>> {
        let list = self.get(name)?;
        let mut names = BTreeSet::new();
        for (index, value) in list.array(faults)?.iter().enumerate() {
            let node = Node { value, place: list.place.element(index) };
            let Some(text) = node.text(faults) else { continue };
            each(text, &node.place, faults);
            if !names.insert(text.to_owned()) {
                faults.add(&node.place, "repeated", "stands twice in the list: name it once");
            }
        }
        Some(names)
    }
}
