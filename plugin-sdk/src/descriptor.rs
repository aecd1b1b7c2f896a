//! What a plugin says about itself before it runs.

use serde_json::{Value, json};

use crate::{
    Table, TableKey,
    bindings::{exports::eventdbx::plugin::meta, types::Parts},
    table::VALUE_FORMAT,
};

/// What a read model is, wants to see and offers. Constant: it is asked on an instance that can do nothing else.
#[derive(Clone, Debug)]
pub struct Descriptor {
    config_schema: Value,
    parts: Parts,
    aggregate_types: Vec<String>,
    event_types: Vec<String>,
    fields: meta::FieldFilter,
    tables: Vec<meta::TableDeclaration>,
    queries: Vec<QueryDeclaration>,
    capabilities: Vec<String>,
}

impl Default for Descriptor {
    fn default() -> Self {
        Self::new()
    }
}

impl Descriptor {
    /// Every event, but only what each delivery has anyway: identity, type and times. No configuration, tables or queries.
    pub fn new() -> Self {
        Self {
            config_schema: json!({"type": "object", "additionalProperties": false}),
            parts: Parts::empty(),
            aggregate_types: Vec::new(),
            event_types: Vec::new(),
            fields: meta::FieldFilter::All,
            tables: Vec::new(),
            queries: Vec::new(),
            capabilities: Vec::new(),
        }
    }

    /// Only aggregates whose type matches one of these globs.
    #[must_use]
    pub fn aggregate_types<T: Into<String>>(mut self, globs: impl IntoIterator<Item = T>) -> Self {
        self.aggregate_types = globs.into_iter().map(Into::into).collect();
        self
    }

    /// Only events whose type matches one of these globs.
    #[must_use]
    pub fn event_types<T: Into<String>>(mut self, globs: impl IntoIterator<Item = T>) -> Self {
        self.event_types = globs.into_iter().map(Into::into).collect();
        self
    }

    /// Can use the payload.
    #[must_use]
    pub fn payload(self) -> Self {
        self.part(Parts::PAYLOAD)
    }

    /// Can use the state of the aggregate right after the event.
    #[must_use]
    pub fn state(self) -> Self {
        self.part(Parts::STATE)
    }

    /// Can use the schema with which the event was checked.
    #[must_use]
    pub fn schema(self) -> Self {
        self.part(Parts::SCHEMA)
    }

    /// Can use actor, note, metadata and digest.
    #[must_use]
    pub fn envelope(self) -> Self {
        self.part(Parts::ENVELOPE)
    }

    /// Can use the extensions.
    #[must_use]
    pub fn extensions(self) -> Self {
        self.part(Parts::EXTENSIONS)
    }

    /// Can use every part, so that an operator may choose any payload mode.
    #[must_use]
    pub fn every_part(self) -> Self {
        self.part(Parts::all())
    }

    fn part(mut self, part: Parts) -> Self {
        self.parts |= part;
        self
    }

    /// Only these fields of payload and state, as JSON Pointers.
    #[must_use]
    pub fn only_fields<T: Into<String>>(mut self, pointers: impl IntoIterator<Item = T>) -> Self {
        self.fields = meta::FieldFilter::Only(pointers.into_iter().map(Into::into).collect());
        self
    }

    /// All but these fields of payload and state, as JSON Pointers.
    #[must_use]
    pub fn except_fields<T: Into<String>>(mut self, pointers: impl IntoIterator<Item = T>) -> Self {
        self.fields = meta::FieldFilter::Except(pointers.into_iter().map(Into::into).collect());
        self
    }

    /// Uses this table. Others cannot be touched.
    #[must_use]
    pub fn table<K: TableKey, V>(mut self, table: Table<K, V>) -> Self {
        self.tables.push(meta::TableDeclaration {
            name: table.name().into(),
            key_format: K::FORMAT.into(),
            value_format: VALUE_FORMAT.into(),
        });
        self
    }

    /// Answers this query: a name, or a [`QueryDeclaration`].
    #[must_use]
    pub fn query(mut self, query: impl Into<QueryDeclaration>) -> Self {
        self.queries.push(query.into());
        self
    }

    /// Bears an event twice: delivered again, later than others, it leaves the tables as they are. An operator may then
    /// replay a stretch of the log into the live tables.
    #[must_use]
    pub fn idempotent(self) -> Self {
        self.capability("idempotent")
    }

    /// Asks for something beyond its kind. Of a gateway that is what it would do in its domain: `append=TYPE[/ID]`,
    /// `read=TYPE[/ID]` (with `*` and `?`) or `query=PLUGIN`. An upgrade that asks for more waits for the operator.
    #[must_use]
    pub fn capability(mut self, capability: impl Into<String>) -> Self {
        self.capabilities.push(capability.into());
        self
    }

    /// Takes a configuration of this JSON Schema. Without, only an empty object is accepted.
    #[must_use]
    pub fn config_schema(mut self, schema: Value) -> Self {
        self.config_schema = schema;
        self
    }

    /// What the contract calls it.
    pub(crate) fn into_contract(self, name: &str, version: &str, state_version: u32) -> meta::Descriptor {
        meta::Descriptor {
            name: name.into(),
            version: version.into(),
            kind: meta::Kind::ReadModel,
            config_schema: self.config_schema.to_string(),
            selector: meta::Selector {
                aggregate_types: self.aggregate_types,
                aggregate_ids: Vec::new(),
                event_types: self.event_types,
                parts: self.parts,
                fields: self.fields,
            },
            tables: self.tables,
            queries: self.queries.into_iter().map(QueryDeclaration::into_contract).collect(),
            state_version,
            capabilities: self.capabilities,
        }
    }
}

/// A query that a plugin answers.
#[derive(Clone, Debug)]
pub struct QueryDeclaration {
    name: &'static str,
    params: Value,
    result: Value,
}

impl QueryDeclaration {
    /// A query that takes any parameters.
    pub fn new(name: &'static str) -> Self {
        Self { name, params: json!({}), result: json!({}) }
    }

    /// The JSON Schema of its parameters.
    #[must_use]
    pub fn params(mut self, schema: Value) -> Self {
        self.params = schema;
        self
    }

    /// The JSON Schema of its answers.
    #[must_use]
    pub fn result(mut self, schema: Value) -> Self {
        self.result = schema;
        self
    }
}

impl QueryDeclaration {
    fn into_contract(self) -> meta::QueryDeclaration {
        meta::QueryDeclaration {
            name: self.name.into(),
            params_schema: self.params.to_string(),
            result_schema: self.result.to_string(),
        }
    }
}

impl From<&'static str> for QueryDeclaration {
    fn from(name: &'static str) -> Self {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_says_so_is_idempotent() {
        let capabilities = |descriptor: Descriptor| descriptor.into_contract("a", "1", 1).capabilities;
        assert_eq!(capabilities(Descriptor::new()), Vec::<String>::new());
        assert_eq!(capabilities(Descriptor::new().idempotent()), ["idempotent"]);
    }
}
