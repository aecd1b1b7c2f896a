//! Reads how old events become new ones.

use std::{collections::BTreeMap, num::NonZeroU32};

use super::{
    super::{
        document::{Known, Upcast, Upcaster},
        fault::Faults,
        place::{Path, Place},
        violation::{quoted, suggestion},
    },
    field::{is_foreign_name, params},
    node::{Node, Object},
};
use crate::limits;

pub(super) fn upcasts(root: &Object<'_>, known: Known<'_>, faults: &mut Faults) -> Vec<Upcast> {
    let Some(node) = root.get("upcasts") else { return Vec::new() };
    let Some(values) = node.array(faults) else { return Vec::new() };
    if values.len() > limits::SCHEMA_UPCASTS {
        let most = limits::SCHEMA_UPCASTS;
        faults.add(&node.place, "too-many-upcasts", format!("more than SCHEMA_UPCASTS allows ({most})"));
        return Vec::new();
    }
    let mut upcasts: Vec<Upcast> = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let node = Node { value, place: node.place.element(index) };
        let Some(upcast) = node.object(faults).and_then(|object| upcast(&object, known, faults)) else { continue };
        if upcasts.last().is_some_and(|last| last.from >= upcast.from) {
            let message = "`from` must be greater than in the upcast before: one for each version, in their order";
            faults.add(&node.place, "upcast-order", message);
        }
        upcasts.push(upcast);
    }
    upcasts
}

fn upcast(object: &Object<'_>, known: Known<'_>, faults: &mut Faults) -> Option<Upcast> {
    object.only(&["from", "rename", "default", "upcaster", "params"], faults);
    let (rename, default) = (rename(object, faults), default(object, faults));
    let upcaster = upcaster(object, known, faults);
    let from = match object.get("from") {
        None => {
            faults.add(&object.place, "missing", "`from` is missing: the version of the schema that it starts from");
            return None;
        }
        Some(node) => node.count(faults).map(|count| u32::try_from(count).ok().and_then(NonZeroU32::new)),
    };
    if from == Some(None) {
        faults.add(&object.place.member("from"), "bad-version", format!("versions count from 1 to {}", u32::MAX));
    }
    Some(Upcast { from: from??, rename, default, upcaster })
}

/// The parameters are judged by the extension.
fn upcaster(object: &Object<'_>, known: Known<'_>, faults: &mut Faults) -> Option<Upcaster> {
    let Some(node) = object.get("upcaster") else {
        if let Some(params) = object.get("params") {
            faults.add(&params.place, "missing", "`params` are those of an upcaster: name it in `upcaster`");
        }
        return None;
    };
    let name = node.text(faults)?;
    let provided: Vec<&str> = match known {
        Known::Provided(provided) => provided.upcasters.keys().map(String::as_str).collect(),
        Known::BuiltIn | Known::Any => Vec::new(),
    };
    let is_known = provided.contains(&name) || matches!(known, Known::Any) && is_foreign_name(name);
    if !is_known {
        let nearest = suggestion(name, provided.iter().copied(), faults.0.len());
        let there = match provided.is_empty() {
            true => "no extension of the domain brings any".to_owned(),
            false => format!("there are {}", provided.join(", ")),
        };
        let message = format!(
            "{} is not an upcaster of an extension{nearest}: {there}; install the one that brings it first",
            quoted(name)
        );
        faults.add(&node.place, "unknown-upcaster", message);
        return None;
    }
    Some(Upcaster { name: name.to_owned(), params: params(object, faults) })
}

fn rename(object: &Object<'_>, faults: &mut Faults) -> BTreeMap<Path, Path> {
    let mut renamed: BTreeMap<Path, Path> = BTreeMap::new();
    let Some(node) = object.get("rename") else { return renamed };
    let Some(pairs) = node.object(faults) else { return renamed };
    for (from, to) in pairs.iter() {
        let target = to.text(faults).and_then(|text| path(text, &to.place, faults));
        let (Some(source), Some(target)) = (path(from, &to.place, faults), target) else { continue };
        if renamed.values().any(|other| *other == target) {
            faults.add(&to.place, "repeated", "another member gets the same name: each needs its own");
        }
        renamed.insert(source, target);
    }
    renamed
}

fn default(object: &Object<'_>, faults: &mut Faults) -> BTreeMap<Path, serde_json::Value> {
    let mut defaults = BTreeMap::new();
    let Some(node) = object.get("default") else { return defaults };
    let Some(pairs) = node.object(faults) else { return defaults };
    for (pointer, value) in pairs.iter() {
        if value.value.is_null() {
            faults.add(
                &value.place,
                "wrong-type",
                "a default cannot be null: in an event that would remove the member",
            );
        }
        if let Some(path) = path(pointer, &value.place, faults) {
            defaults.insert(path, value.value.clone());
        }
    }
    defaults
}

fn path(pointer: &str, place: &Place<'_>, faults: &mut Faults) -> Option<Path> {
    let path: Option<Path> = pointer.parse().ok();
    match path {
        Some(path) if path.steps().len() <= limits::SCHEMA_DEPTH + 1 => Some(path),
        Some(_) => {
            let most = limits::SCHEMA_DEPTH;
            faults.add(place, "too-deep", format!("leads through more objects than SCHEMA_DEPTH allows ({most})"));
            None
        }
        None => {
            let message = "is not a JSON Pointer to a member (RFC 6901): e.g. /total or /address/city";
            faults.add(place, "bad-pointer", message);
            None
        }
    }
}
