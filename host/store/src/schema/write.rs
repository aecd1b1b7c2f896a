//! From a document back to JSON: each thing in one way, and nothing that is as it would be anyway.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    column::{Column, Field, Members},
    document::{EventRules, SchemaDocument, Upcast},
    reference::{Integrity, OnArchive},
    rules::Rules,
};

/// An object in the making: what is not there is not written.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn flag(&mut self, name: &str, flag: bool) {
        if flag {
            self.set(name, true);
        }
    }

    fn some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    fn object(&mut self, name: &str, object: Object) {
        if !object.0.is_empty() {
            self.set(name, object.0);
        }
    }

    /// The name of a choice, unless it is the first of its names, which is the one that goes without saying.
    fn choice<T: PartialEq + Copy>(&mut self, name: &str, names: &[(&str, T)], value: T) {
        let found = names.iter().skip(1).find(|(_, named)| *named == value);
        self.some(name, found.map(|(text, _)| *text));
    }
}

pub(super) fn document(document: &SchemaDocument) -> Value {
    let mut out = Object::default();
    out.set("aggregate", document.aggregate.as_str());
    out.some("note", document.note.as_deref());
    out.flag("locked", document.locked);
    out.flag("redactable", document.redactable);
    out.flag("additional", document.members.additional);
    out.flag("additional_events", document.additional_events);
    out.some("snapshot_threshold", document.snapshot_threshold());
    out.object("fields", fields(&document.members));
    let mut events = Object::default();
    for (name, rules) in &document.events {
        events.set(name, event(rules));
    }
    out.object("events", events);
    if !document.upcasts.is_empty() {
        out.set("upcasts", document.upcasts.iter().map(upcast).collect::<Vec<Value>>());
    }
    if !document.rules.is_empty() {
        out.set("rules", names(&document.rules));
    }
    Value::Object(out.0)
}

fn fields(members: &Members) -> Object {
    let mut out = Object::default();
    for (name, member) in &members.fields {
        out.set(name, field(member));
    }
    out
}

pub(super) fn field(field: &Field) -> Value {
    let mut out = Object::default();
    out.set("type", field.column.name().as_ref());
    out.flag("required", field.required);
    out.flag("hidden", field.hidden);
    out.flag("locked", field.locked);
    out.some("note", field.note.as_deref());
    match &field.column {
        Column::Object(Some(members)) => {
            out.flag("additional", members.additional);
            // Without columns it says that none are allowed, which is not the same as saying nothing.
            out.set("properties", fields(members).0);
        }
        Column::Reference(target) => {
            out.some("to", target.to.as_ref().map(|to| to.as_str()));
            out.choice("integrity", &Integrity::NAMES, target.integrity);
            if target.on_archive != OnArchive::usual(target.integrity) {
                let found = OnArchive::NAMES.iter().find(|(_, named)| *named == target.on_archive);
                out.some("on_archive", found.map(|(text, _)| *text));
            }
        }
        Column::Foreign(column) => params(&column.params, &mut out),
        _ => {}
    }
    rules(&field.rules, &mut out);
    Value::Object(out.0)
}

/// The parameters of what an extension brings.
fn params(text: &str, out: &mut Object) {
    out.object("params", Object(serde_json::from_str(text).unwrap_or_default()));
}

fn rules(rules: &Rules, out: &mut Object) {
    out.some("format", rules.format.map(super::format::Format::name));
    let mut length = Object::default();
    length.some("min", rules.length.min);
    length.some("max", rules.length.max);
    out.object("length", length);
    let mut range = Object::default();
    range.some("min", rules.range.min.as_ref().map(|bound| bound.written.clone()));
    range.some("max", rules.range.max.as_ref().map(|bound| bound.written.clone()));
    out.object("range", range);
    out.some("regex", rules.regex.as_ref().map(super::rules::Pattern::as_str));
    out.some("contains", rules.contains.as_deref());
    out.some("does_not_contain", rules.does_not_contain.as_deref());
    let choices = rules.choices.as_ref();
    out.some("enum", choices.map(|all| all.iter().map(|choice| choice.written.clone()).collect::<Vec<Value>>()));
}

pub(super) fn event(rules: &EventRules) -> Value {
    let mut out = Object::default();
    out.some("fields", rules.fields.as_ref().map(names));
    if !rules.required.is_empty() {
        out.set("required", names(&rules.required));
    }
    out.some("note", rules.note.as_deref());
    Value::Object(out.0)
}

fn upcast(upcast: &Upcast) -> Value {
    let mut out = Object::default();
    out.set("from", upcast.from.get());
    let mut rename = Object::default();
    for (from, to) in &upcast.rename {
        rename.set(&from.to_string(), to.to_string());
    }
    out.object("rename", rename);
    let mut default = Object::default();
    for (path, value) in &upcast.default {
        default.set(&path.to_string(), value.clone());
    }
    out.object("default", default);
    if let Some(upcaster) = &upcast.upcaster {
        out.set("upcaster", upcaster.name.as_str());
        params(&upcaster.params, &mut out);
    }
    Value::Object(out.0)
}

fn names(names: &BTreeSet<String>) -> Vec<Value> {
    names.iter().map(|name| name.as_str().into()).collect()
}
