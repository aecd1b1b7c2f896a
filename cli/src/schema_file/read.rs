//! From the file to documents.

use std::{fs, io::Read};

use anyhow::Context;
use eventdbx_node::{schema_faults, wire::Reason};
use serde_json::{Map, Number, Value, json};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::places::{Places, line_of, step};
use crate::fail::{Failure, Kind};

/// A file that was read.
#[derive(Debug)]
pub(crate) struct File {
    name: String,
    /// One for each type, in the order of the file.
    pub(crate) types: Vec<TypeSchema>,
}

/// The schema of one type in a file.
#[derive(Debug)]
pub(crate) struct TypeSchema {
    /// The type.
    pub(crate) kind: String,
    /// The document, as far as its shape goes.
    pub(crate) document: Value,
    places: Places,
}

impl File {
    /// Reads a file, or standard input for `-`.
    pub(crate) fn read(name: &str) -> anyhow::Result<Self> {
        let text = if name == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            fs::read_to_string(name)
        };
        Ok(Self::parse(name, &text.with_context(|| format!("reading {name}"))?)?)
    }

    /// Reads the text of a file. A schema document in JSON is taken as well.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, Failure> {
        let name = if name == "-" { "standard input".to_owned() } else { name.to_owned() };
        if text.trim_start().starts_with('{') {
            return json_document(name, text);
        }
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut reader = Reader { text, faults: Vec::new(), places: Places::default() };
        for error in errors {
            let span = error.span().unwrap_or_default();
            reader.faults.push((line_of(text, &span), error.message().to_owned()));
        }
        let mut types = Vec::new();
        let mut tables: Vec<_> = table.get_ref().iter().collect();
        tables.sort_by_key(|(kind, _)| kind.span().start);
        for (kind, value) in tables {
            reader.places = Places::default();
            reader.places.add("", line_of(text, &kind.span()));
            if let Some(document) = reader.document(kind.get_ref(), value) {
                let places = std::mem::take(&mut reader.places);
                types.push(TypeSchema { kind: kind.get_ref().to_string(), document, places });
            }
        }
        if !reader.faults.is_empty() {
            let lines = reader.faults.iter().map(|(line, message)| format!("{name}:{line}: {message}"));
            return Err(Failure::new(Kind::Refused, format!("{name} cannot be read as schemas"))
                .details(lines)
                .hint("docs/SCHEMAS.md shows how schemas are written"));
        }
        Ok(Self { name, types })
    }

    /// The schema of a type in it.
    pub(crate) fn of(&self, kind: &str) -> anyhow::Result<&TypeSchema> {
        let found = self.types.iter().find(|schema| schema.kind == kind);
        Ok(found.ok_or_else(|| {
            let kinds: Vec<&str> = self.types.iter().map(|schema| schema.kind.as_str()).collect();
            Failure::new(Kind::NotFound, format!("{} has no schema for {kind}", self.name))
                .hint(format!("it has some for: {}", kinds.join(", ")))
        })?)
    }

    /// Everything that is wrong with its documents, with the lines.
    pub(crate) fn faults(&self) -> Vec<(&TypeSchema, Reason)> {
        let faults = |schema| schema_faults(&TypeSchema::to_json(schema)).into_iter().map(move |fault| (schema, fault));
        let mut faults: Vec<(&TypeSchema, Reason)> = self.types.iter().flat_map(faults).collect();
        faults.sort_by_key(|(schema, fault)| schema.line(&fault.path));
        faults
    }

    /// Fails with everything that is wrong with its documents.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let faults = self.faults();
        if faults.is_empty() {
            return Ok(());
        }
        let count = crate::output::some(faults.len() as u64, "fault");
        let details: Vec<String> = faults.iter().map(|(schema, fault)| self.in_words(schema, fault)).collect();
        Err(Failure::new(Kind::Refused, format!("{} has {count}", self.name)).details(details))
    }

    /// A fault with its place in the file.
    pub(crate) fn in_words(&self, schema: &TypeSchema, fault: &Reason) -> String {
        let line = schema.line(&fault.path).map_or_else(String::new, |line| format!(":{line}"));
        format!("{}{line}: {}{}: {}", self.name, schema.kind, fault.path, fault.message)
    }
}

impl TypeSchema {
    /// The document as it is sent.
    pub(crate) fn to_json(&self) -> String {
        self.document.to_string()
    }

    /// The line of a part of the document.
    pub(crate) fn line(&self, pointer: &str) -> Option<usize> {
        self.places.line(pointer)
    }
}

/// A file that is a document already.
fn json_document(name: String, text: &str) -> Result<File, Failure> {
    let document: Value = serde_json::from_str(text)
        .map_err(|error| Failure::new(Kind::Refused, format!("{name} is not JSON: {error}")))?;
    let kind = document.get("aggregate").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(File { name, types: vec![TypeSchema { kind, document, places: Places::default() }] })
}

struct Reader<'t> {
    text: &'t str,
    faults: Vec<(usize, String)>,
    places: Places,
}

type Node<'t> = Spanned<DeValue<'t>>;

impl Reader<'_> {
    fn fault(&mut self, node: &Node<'_>, message: impl Into<String>) {
        self.faults.push((line_of(self.text, &node.span()), message.into()));
    }

    /// The members of a table with their pointers, and their places noted.
    fn members<'n>(&mut self, table: &'n DeTable<'n>, pointer: &str) -> Vec<(&'n str, String, &'n Node<'n>)> {
        let mut members = Vec::with_capacity(table.len());
        for (name, node) in table {
            let pointer = step(pointer, name.get_ref());
            self.places.add(&pointer, line_of(self.text, &name.span()));
            members.push((name.get_ref().as_ref(), pointer, node));
        }
        members
    }

    /// The document of a type.
    fn document(&mut self, kind: &str, node: &Node<'_>) -> Option<Value> {
        let Some(table) = node.get_ref().as_table() else {
            self.fault(node, format!("{kind} must be a table: [{kind}], the schema of that type"));
            return None;
        };
        let mut document = Map::from_iter([("aggregate".to_owned(), Value::from(kind))]);
        for (name, pointer, node) in self.members(table, "") {
            let value = match name {
                "aggregate" => {
                    self.fault(node, "the type is the name of the table: leave `aggregate` out");
                    continue;
                }
                "fields" => self.each(node, &pointer, Self::field),
                "events" => self.each(node, &pointer, Self::event),
                "upcasts" => self.upcasts(node, &pointer),
                _ => self.plain(node, &pointer),
            };
            document.insert(name.to_owned(), value);
        }
        Some(Value::Object(document))
    }

    /// A table whose members are read by `read`.
    fn each(&mut self, node: &Node<'_>, pointer: &str, read: fn(&mut Self, &Node<'_>, &str) -> Value) -> Value {
        let Some(table) = node.get_ref().as_table() else { return self.plain(node, pointer) };
        let members = self.members(table, pointer);
        members.into_iter().map(|(name, pointer, node)| (name.to_owned(), read(self, node, &pointer))).collect()
    }

    /// A field: its type alone, or a table.
    fn field(&mut self, node: &Node<'_>, pointer: &str) -> Value {
        match node.get_ref() {
            DeValue::String(kind) => json!({ "type": kind }),
            DeValue::Table(table) => {
                let members = self.members(table, pointer);
                let read = |(name, pointer, node): (&str, String, &Node<'_>)| {
                    let value = match name {
                        "properties" => self.each(node, &pointer, Self::field),
                        _ => self.plain(node, &pointer),
                    };
                    (name.to_owned(), value)
                };
                members.into_iter().map(read).collect()
            }
            _ => self.plain(node, pointer),
        }
    }

    /// An event: its fields alone, or a table.
    fn event(&mut self, node: &Node<'_>, pointer: &str) -> Value {
        match node.get_ref() {
            DeValue::Array(_) => {
                let fields = self.plain(node, &step(pointer, "fields"));
                json!({ "fields": fields })
            }
            _ => self.plain(node, pointer),
        }
    }

    /// Upcasts. TOML has no null: a default that holds one is written as JSON, in `default_json`.
    fn upcasts(&mut self, node: &Node<'_>, pointer: &str) -> Value {
        let mut upcasts = self.plain(node, pointer);
        for upcast in upcasts.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            let Some(text) = upcast.remove("default_json") else { continue };
            match text.as_str().map(serde_json::from_str::<Value>) {
                Some(Ok(value)) => drop(upcast.insert("default".to_owned(), value)),
                _ => self.fault(node, "`default_json` must be a text of JSON"),
            }
        }
        upcasts
    }

    /// A value as it stands. A date or time becomes the text that it is in JSON.
    fn plain(&mut self, node: &Node<'_>, pointer: &str) -> Value {
        self.places.add(pointer, line_of(self.text, &node.span()));
        match node.get_ref() {
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Boolean(truth) => Value::from(*truth),
            DeValue::Datetime(time) => Value::from(time.to_string()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::from(number),
                Err(_) => self.bad_number(node, number.as_str()),
            },
            DeValue::Float(number) => match number.as_str().parse::<f64>().ok().and_then(Number::from_f64) {
                Some(number) => Value::Number(number),
                None => self.bad_number(node, number.as_str()),
            },
            DeValue::Array(elements) => {
                let elements = elements.iter().enumerate();
                elements.map(|(index, node)| self.plain(node, &format!("{pointer}/{index}"))).collect()
            }
            DeValue::Table(table) => {
                let members = self.members(table, pointer);
                members.into_iter().map(|(name, pointer, node)| (name.to_owned(), self.plain(node, &pointer))).collect()
            }
        }
    }

    fn bad_number(&mut self, node: &Node<'_>, text: &str) -> Value {
        self.fault(node, format!("{text} is not a number that JSON can hold"));
        Value::Null
    }
}
