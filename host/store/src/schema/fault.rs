//! What is wrong with a schema document.

use std::fmt;

use serde::Serialize;

use super::place::Place;
use crate::JsonFault;

/// One thing that is wrong with a schema document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchemaFault {
    /// Where: a JSON Pointer (RFC 6901) into the document; empty: the whole of it.
    pub pointer: String,
    /// Machine-readable and stable, e.g. `unknown-type`, `empty-range`. Text that is not JSON has the
    /// codes of [`JsonFault`].
    pub code: &'static str,
    /// For people: what is wrong and what to do.
    pub message: String,
}

impl fmt::Display for SchemaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.message),
            pointer => write!(f, "{pointer}: {}", self.message),
        }
    }
}

impl std::error::Error for SchemaFault {}

impl From<JsonFault> for SchemaFault {
    fn from(fault: JsonFault) -> Self {
        Self { pointer: fault.path, code: fault.code, message: fault.message }
    }
}

/// The faults of a document, as they are found.
#[derive(Default)]
pub(super) struct Faults(pub(super) Vec<SchemaFault>);

impl Faults {
    #[cold]
    pub(super) fn add(&mut self, place: &Place<'_>, code: &'static str, message: impl Into<String>) {
        self.0.push(SchemaFault { pointer: place.pointer(), code, message: message.into() });
    }
}
