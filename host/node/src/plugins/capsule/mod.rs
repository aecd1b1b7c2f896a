//! Failure capsules: one JSON file with which a failure of a plugin is reproduced where no daemon and no log is.
//!
//! A capsule is made by handing the batch over once more, on an instance that is thrown away, while everything that the
//! plugin reads from its tables is written down. So it holds what the failure depends on and no more: the batch, the
//! configuration without its secrets, the rows that were read, the hash of the component. It holds content in clear:
//! whoever makes one decides who may see it.

mod batch;
mod redact;
mod reproduce;
mod save;
mod tables;

use eventdbx_sandbox::{Handled, Outcome, Stop};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use self::{batch::CapsuleBatch, tables::CapsuleTable};
use super::{queue::why, settle::grounds};

pub use self::reproduce::{CapsuleError, Reproduction, reproduce};

/// The version of the form of capsules.
const CAPSULE_VERSION: u32 = 1;

/// A failure capsule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Capsule {
    /// Version of this form.
    capsule: u32,
    /// Name of the plugin.
    pub(super) plugin: String,
    /// Version of the component.
    version: String,
    /// Hash of the component.
    component: String,
    /// When it was made (RFC 3339).
    saved_at: String,
    /// Configuration of the plugin, without its secrets.
    #[schema(value_type = Object)]
    config: Map<String, Value>,
    /// Where secrets were taken out of the configuration, as JSON Pointers.
    redacted: Vec<String>,
    /// What came of the batch.
    outcome: CapsuleOutcome,
    /// The batch.
    #[schema(value_type = Object)]
    batch: CapsuleBatch,
    /// Rows of the tables that the plugin read.
    #[schema(value_type = Vec<Object>)]
    tables: Vec<CapsuleTable>,
}

/// What came of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CapsuleOutcome {
    /// `handled`, `retry`, `poison`, `fatal`, `halted` (it trapped, broke a limit or answered nonsense) or `not-started`.
    pub outcome: String,
    /// Machine-readable, where it failed.
    pub code: Option<String>,
    /// What went wrong.
    pub reason: Option<String>,
    /// The event that the plugin blames: its index in the batch.
    pub item: Option<u32>,
}

impl CapsuleOutcome {
    fn of(outcome: Outcome<Handled>) -> Self {
        let (name, item) = match &outcome {
            Outcome::Done(_) => ("handled", None),
            Outcome::Retry { .. } => ("retry", None),
            Outcome::Poison(item) => ("poison", Some(item.index)),
            Outcome::Fatal(_) => ("fatal", None),
            Outcome::Halted(_) => ("halted", None),
        };
        let failed = !matches!(outcome, Outcome::Done(_));
        let grounds = why(outcome);
        let (code, reason) = (failed.then_some(grounds.code), failed.then_some(grounds.reason));
        Self { outcome: name.to_owned(), code, reason, item }
    }

    fn not_started(stop: &Stop) -> Self {
        let code = match stop {
            Stop::Refused(failure) => failure.code.clone(),
            Stop::Halted(halt) => grounds(halt).code,
        };
        Self { outcome: "not-started".to_owned(), code: Some(code), reason: Some(stop.to_string()), item: None }
    }

    /// Whether nothing failed.
    #[must_use]
    pub fn is_handled(&self) -> bool {
        self.outcome == "handled"
    }

    /// Whether both failed in the same way: the words may differ.
    fn is_like(&self, other: &Self) -> bool {
        (&self.outcome, &self.code, self.item) == (&other.outcome, &other.code, other.item)
    }
}
