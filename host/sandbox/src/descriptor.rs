//! What a plugin says about itself, checked: names are names, schemas are JSON, and what it declares it also exports.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    contract::Fit,
    kind::Kind,
    limits::{DECLARATIONS, LIST_ITEMS, NAME_BYTES},
    wire::{exports::eventdbx::plugin::meta as wire, types::Parts as WireParts},
};

/// What a plugin says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Descriptor {
    /// Its name, which an installation may override.
    pub name: String,
    /// Its version, as its author writes it.
    pub version: String,
    /// What it is.
    pub kind: Kind,
    /// JSON Schema of its configuration.
    pub config_schema: String,
    /// The widest that it can use.
    pub selector: Selector,
    /// Its tables. Elsewhere a table is named by its index in this list.
    pub tables: Vec<Table>,
    /// What it can be asked.
    pub queries: Vec<Query>,
    /// Raised when older tables cannot be read any more.
    pub state_version: u32,
    /// What it asks for beyond its world.
    pub capabilities: Vec<String>,
}

/// What a plugin can use at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Selector {
    /// Globs over types of aggregates; none: any.
    pub aggregate_types: Vec<String>,
    /// Globs over ids of aggregates; none: any.
    pub aggregate_ids: Vec<String>,
    /// Globs over types of events; none: any.
    pub event_types: Vec<String>,
    /// The parts of a delivery.
    pub parts: Parts,
    /// The fields of payload and state.
    pub fields: Fields,
}

/// Parts of a delivery besides identity, type and time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "a set of five names, each asked for by name")]
pub struct Parts {
    /// The payload.
    pub payload: bool,
    /// The state right after the event.
    pub state: bool,
    /// The schema that it was checked with.
    pub schema: bool,
    /// Actor, note, metadata, digest.
    pub envelope: bool,
    /// The extensions.
    pub extensions: bool,
}

/// Fields of payload and state, as JSON Pointers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fields {
    /// All of them.
    All,
    /// Only these.
    Only(Vec<String>),
    /// All but these.
    Except(Vec<String>),
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// How people may read its keys: `text`, `json`, `u64`, `bytes`, or a name of the author's own.
    pub key_format: String,
    /// How people may read its values.
    pub value_format: String,
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Query {
    /// Its name.
    pub name: String,
    /// JSON Schema of its parameters.
    pub params_schema: String,
    /// JSON Schema of its answer.
    pub result_schema: String,
}

impl Descriptor {
    /// Checks what a component said, against what it looks like from outside. All reasons are reported at once.
    pub(crate) fn checked(wire: wire::Descriptor, fit: &Fit) -> Result<Self, Vec<String>> {
        let mut check = Check::default();
        check.descriptor(&wire, fit);
        if check.reasons.is_empty() { Ok(Self::from_wire(wire)) } else { Err(check.reasons) }
    }

    fn from_wire(wire: wire::Descriptor) -> Self {
        let table = |table: wire::TableDeclaration| Table {
            name: table.name,
            key_format: table.key_format,
            value_format: table.value_format,
        };
        let query = |query: wire::QueryDeclaration| Query {
            name: query.name,
            params_schema: query.params_schema,
            result_schema: query.result_schema,
        };
        Self {
            name: wire.name,
            version: wire.version,
            kind: wire.kind.into(),
            config_schema: wire.config_schema,
            selector: Selector {
                aggregate_types: wire.selector.aggregate_types,
                aggregate_ids: wire.selector.aggregate_ids,
                event_types: wire.selector.event_types,
                parts: wire.selector.parts.into(),
                fields: match wire.selector.fields {
                    wire::FieldFilter::All => Fields::All,
                    wire::FieldFilter::Only(pointers) => Fields::Only(pointers),
                    wire::FieldFilter::Except(pointers) => Fields::Except(pointers),
                },
            },
            tables: wire.tables.into_iter().map(table).collect(),
            queries: wire.queries.into_iter().map(query).collect(),
            state_version: wire.state_version,
            capabilities: wire.capabilities,
        }
    }
}

impl From<wire::Kind> for Kind {
    fn from(kind: wire::Kind) -> Self {
        match kind {
            wire::Kind::ReadModel => Self::ReadModel,
            wire::Kind::Transport => Self::Transport,
            wire::Kind::Gateway => Self::Gateway,
            wire::Kind::SchemaExtension => Self::SchemaExtension,
            wire::Kind::PayloadMode => Self::PayloadMode,
        }
    }
}

impl From<WireParts> for Parts {
    fn from(parts: WireParts) -> Self {
        Self {
            payload: parts.contains(WireParts::PAYLOAD),
            state: parts.contains(WireParts::STATE),
            schema: parts.contains(WireParts::SCHEMA),
            envelope: parts.contains(WireParts::ENVELOPE),
            extensions: parts.contains(WireParts::EXTENSIONS),
        }
    }
}

/// Collects what is wrong.
#[derive(Default)]
struct Check {
    reasons: Vec<String>,
}

impl Check {
    fn descriptor(&mut self, wire: &wire::Descriptor, fit: &Fit) {
        self.name("the plugin", &wire.name);
        self.short("its version", &wire.version);
        let (said, seen) = (Kind::from(wire.kind), fit.kind);
        if said != seen {
            self.reasons.push(format!(
                "it calls itself {}, but by what it imports and exports it is {}",
                said.article(),
                seen.article()
            ));
        }
        if seen != Kind::ReadModel && !wire.tables.is_empty() {
            self.reasons.push(format!("it declares tables, but {} has none", seen.article()));
        }
        if seen == Kind::PayloadMode {
            self.shapes(&wire.selector);
        }
        self.schema("the schema of its configuration", &wire.config_schema);
        self.names("table", wire.tables.iter().map(|table| table.name.as_str()));
        for table in &wire.tables {
            self.short("a table's key format", &table.key_format);
            self.short("a table's value format", &table.value_format);
        }
        self.names("query", wire.queries.iter().map(|query| query.name.as_str()));
        for query in &wire.queries {
            self.schema(&format!("the schema of the parameters of {:?}", query.name), &query.params_schema);
            self.schema(&format!("the schema of the result of {:?}", query.name), &query.result_schema);
        }
        self.selector(&wire.selector);
        self.list("capabilities", &wire.capabilities);
        match (wire.queries.is_empty(), fit.exports("queryable")) {
            (true, true) => self.reasons.push("it exports `queryable` but declares no query".to_owned()),
            (false, false) => self.reasons.push("it declares queries but does not export `queryable`".to_owned()),
            (true, false) | (false, true) => {}
        }
    }

    fn selector(&mut self, selector: &wire::Selector) {
        self.list("globs over aggregate types", &selector.aggregate_types);
        self.list("globs over aggregate ids", &selector.aggregate_ids);
        self.list("globs over event types", &selector.event_types);
        if let wire::FieldFilter::Only(pointers) | wire::FieldFilter::Except(pointers) = &selector.fields {
            self.list("fields", pointers);
            for pointer in pointers.iter().filter(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
                self.reasons.push(format!("the field {pointer:?} is no JSON Pointer: those begin with /"));
            }
        }
    }

    /// A payload mode says which parts and fields it shapes. Which events come is for the receiver to select.
    fn shapes(&mut self, selector: &wire::Selector) {
        if Parts::from(selector.parts) == Parts::default() {
            let what = "it asks for no part of a delivery, so that there is nothing that it could shape";
            self.reasons.push(what.to_owned());
        }
        let globs = [&selector.aggregate_types, &selector.aggregate_ids, &selector.event_types];
        if globs.iter().any(|globs| !globs.is_empty()) {
            let what =
                "it selects events, which a payload mode does not: it leaves out what its receiver is not to get";
            self.reasons.push(what.to_owned());
        }
    }

    fn names<'a>(&mut self, what: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for name in names {
            self.name(&format!("a {what}"), name);
            if !seen.insert(name) {
                self.reasons.push(format!("it declares the {what} {name:?} twice"));
            }
        }
        if seen.len() > DECLARATIONS {
            self.reasons.push(format!("it declares {} of the kind {what}; at most {DECLARATIONS} can be", seen.len()));
        }
    }

    fn name(&mut self, what: &str, name: &str) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        let valid = name.len() <= NAME_BYTES && name.starts_with(|c: char| c.is_ascii_lowercase());
        if !valid || !name.chars().all(plain) {
            let rule = "lower-case letters, digits, - and _, beginning with a letter, at most 64";
            self.reasons.push(format!("{what} is called {name:?}, which is not a name: {rule}"));
        }
    }

    fn short(&mut self, what: &str, text: &str) {
        if text.is_empty() || text.len() > NAME_BYTES {
            self.reasons.push(format!("{what} has {} bytes instead of 1 to {NAME_BYTES}", text.len()));
        }
    }

    fn list(&mut self, what: &str, items: &[String]) {
        if items.len() > LIST_ITEMS || items.iter().any(|item| item.len() > LIST_ITEMS) {
            self.reasons.push(format!("its {what} are more than {LIST_ITEMS}, or one is longer than that"));
        }
    }

    fn schema(&mut self, what: &str, text: &str) {
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(serde_json::Value::Object(_) | serde_json::Value::Bool(_)) => {}
            Ok(_) => self.reasons.push(format!("{what} is JSON, but neither an object nor a boolean")),
            Err(error) => self.reasons.push(format!("{what} is not JSON: {error}")),
        }
    }
}
