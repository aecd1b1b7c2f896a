//! A schema document: what a schema says, read and free of contradictions. There is no other way to make one than to read
//! JSON ([`SchemaDocument::parse`]) or to infer it from what is there ([`Inference`](super::Inference)).

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use serde_json::Value;

use super::{
    column::Members,
    extension::Provided,
    fault::{Faults, SchemaFault},
    parse,
    place::Path,
    write,
};
use crate::{AggregateType, Json, Shape, limits};

/// A schema as it is written: the columns of an aggregate type, its events, and how old events become new ones.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaDocument {
    pub(super) aggregate: AggregateType,
    pub(super) note: Option<String>,
    pub(super) locked: bool,
    pub(super) redactable: bool,
    pub(super) snapshot_threshold: Option<NonZeroU32>,
    pub(super) members: Members,
    /// Event types that are not listed may be written although others are.
    pub(super) additional_events: bool,
    pub(super) events: BTreeMap<String, EventRules>,
    /// Ascending by version.
    pub(super) upcasts: Vec<Upcast>,
    /// Rules of extensions that its events must keep.
    pub(super) rules: BTreeSet<String>,
}

/// Which types, rules and upcasters a document may name besides the types that are built in.
#[derive(Debug, Clone, Copy)]
pub enum Known<'a> {
    /// None.
    BuiltIn,
    /// Those that the extensions of a domain bring now.
    Provided(&'a Provided),
    /// Any that could be one: it was written when there was somebody who brought it, or somebody else will look.
    Any,
}

/// What a schema says about a type of event.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct EventRules {
    /// The only members of the aggregate that such an event may carry; none: all that are allowed at all.
    pub(super) fields: Option<BTreeSet<String>>,
    /// Members that each such event must set.
    pub(super) required: BTreeSet<String>,
    pub(super) note: Option<String>,
}

/// How an event that was checked with version `from` becomes one of the version after.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Upcast {
    pub(super) from: NonZeroU32,
    pub(super) rename: BTreeMap<Path, Path>,
    pub(super) default: BTreeMap<Path, Value>,
    /// What an extension makes of it after that.
    pub(super) upcaster: Option<Upcaster>,
}

/// An upcaster that an extension brings.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Upcaster {
    pub(super) name: String,
    /// A JSON object as text.
    pub(super) params: String,
}

impl SchemaDocument {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// Every fault of the document, in its order: what is not JSON, members that are not known, and all that contradicts
    /// itself or could never be met.
    pub fn parse(text: &str) -> Result<Self, Vec<SchemaFault>> {
        Self::parse_knowing(text, Known::BuiltIn)
    }

    /// Reads a document that may use what extensions bring.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_knowing(text: &str, known: Known<'_>) -> Result<Self, Vec<SchemaFault>> {
        let json =
            Json::parse(text, Shape::Object, limits::SCHEMA_BYTES).map_err(|fault| vec![SchemaFault::from(fault)])?;
        let not_json = |error: serde_json::Error| {
            vec![SchemaFault { pointer: String::new(), code: "not-json", message: error.to_string() }]
        };
        let value = json.value().map_err(not_json)?;
        let mut faults = Faults::default();
        match parse::document(&value, known, &mut faults) {
            Some(document) if faults.0.is_empty() => Ok(document),
            _ => Err(faults.0),
        }
    }

    /// The document as JSON on one line, without what is as it would be anyway. Read again it is the same: so it is not quite
    /// the canonical form (RFC 8785), which writes out `1e20` as an integer that is beyond what may be sent.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.to_value().to_string()
    }

    /// The same as a value.
    pub(super) fn to_value(&self) -> Value {
        write::document(self)
    }

    /// The type of the aggregates that it is for.
    #[must_use]
    pub fn aggregate(&self) -> &AggregateType {
        &self.aggregate
    }

    /// A remark for people.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Whether nothing may be written to aggregates of the type any more.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// Whether payloads are to be committed to member by member, so that one can be taken out later.
    #[must_use]
    pub fn is_redactable(&self) -> bool {
        self.redactable
    }

    /// After how many events of an aggregate a snapshot is to be taken.
    #[must_use]
    pub fn snapshot_threshold(&self) -> Option<u32> {
        self.snapshot_threshold.map(NonZeroU32::get)
    }

    /// The fields that it declares at the top level, in order.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.members.fields.keys().map(String::as_str)
    }

    /// The event types that it lists, in order.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.events.keys().map(String::as_str)
    }
}
