//! What schema extensions bring: column types and rules about which foreign code decides.
//!
//! The store knows neither the code nor what runs it. It says what it wants to know ([`Extensions`]), and whoever owns the
//! domain supplies the answers ([`Domain::extend`](crate::Domain::extend)). An answer that does not come refuses the write:
//! nothing is accepted unchecked.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::place::Path;
use crate::{AggregateRef, EventType};

/// Decides about values and events where a schema says so. It is asked on the thread of the caller of a write, never on
/// that of the committer, and must answer alike for ever: what it decides is recorded, and not decided again.
pub trait Extensions: Send + Sync {
    /// What there is to be asked at the moment: the same object for as long as nothing changes. A request that was judged
    /// by another one is judged again before it is committed.
    fn provided(&self) -> Arc<Provided>;

    /// Judges all that is new in one request: as many answers as there are values and events, in their order.
    ///
    /// # Errors
    ///
    /// When an extension has no answer. Those of the others are not told then.
    fn judge(&self, values: &[TypedValue<'_>], events: &[ProposedEvent<'_>]) -> Result<Judgement, ExtensionFailure>;

    /// Judges the parameters of column types in a schema that is about to be written; the values of `types` are not looked
    /// at. As many answers as types; an empty one means that the parameters can be used.
    ///
    /// # Errors
    ///
    /// When an extension has no answer.
    fn judge_params(&self, types: &[TypedValue<'_>]) -> Result<Vec<Vec<Objection>>, ExtensionFailure>;
}

/// A value in a column whose type an extension brings.
#[derive(Debug, Clone)]
pub struct TypedValue<'s> {
    /// The type.
    pub type_name: &'s str,
    /// Its parameters, a JSON object.
    pub params: &'s str,
    /// The value, as JSON. Never null.
    pub value: String,
}

/// An event that is to be written, before a rule.
#[derive(Debug, Clone)]
pub struct ProposedEvent<'s> {
    /// The rule.
    pub rule: &'s str,
    /// The aggregate.
    pub aggregate: AggregateRef,
    /// The type of the event.
    pub event_type: EventType,
    /// The payload, as JSON: a merge-patch, or the operations of a JSON Patch.
    pub payload: String,
    /// Of the state before the event what the rule selects, a JSON object; none: the aggregate is new.
    pub before: Option<String>,
    /// The same of the state that the event would make.
    pub after: String,
}

/// What was decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// One for each value.
    pub values: Vec<Verdict>,
    /// For each event what the rule says against it; nothing: it may be written.
    pub events: Vec<Vec<Objection>>,
}

/// What a column type says about a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is of the type.
    Accepted,
    /// It is of the type, but should be written like this JSON value. A payload is kept as it was sent, so it is refused.
    OtherForm(String),
    /// It is not of the type.
    Rejected(Vec<Objection>),
}

/// What an extension says against a value or an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Where: a JSON Pointer into the value; for a rule, into the payload, or into the state after a JSON Patch.
    pub path: String,
    /// Machine-readable.
    pub code: String,
    /// For people.
    pub message: String,
}

/// An extension that has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the extension {extension} has no answer: {reason}")]
pub struct ExtensionFailure {
    /// Its name.
    pub extension: String,
    /// Why, for people, with what to do.
    pub reason: String,
}

/// Column types and rules that a schema can use.
#[derive(Debug, Clone, Default)]
pub struct Provided {
    /// Column types, by name.
    pub types: BTreeMap<String, Provider>,
    /// Rules, by name.
    pub rules: BTreeMap<String, ProvidedRule>,
    /// What installed extensions bring that are not asked at the moment.
    pub silent: BTreeMap<(UseKind, String), Silence>,
}

/// An extension that is installed and is not asked at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The extension.
    pub plugin: String,
    /// Why, for people, with what to do.
    pub reason: String,
}

/// Who brings a column type or a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// The extension.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// The hash of its code.
    pub component: String,
}

/// A rule, and what it wants to see.
#[derive(Debug, Clone)]
pub struct ProvidedRule {
    /// Who brings it.
    pub provider: Provider,
    event_types: Vec<String>,
    fields: Vec<Path>,
}

/// A column type or a rule that a schema uses, as it was when the schema was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// Which of both.
    pub kind: UseKind,
    /// Its name.
    pub name: String,
    /// Who brought it.
    #[serde(flatten)]
    pub provider: Provider,
}

/// What of an extension a schema uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UseKind {
    /// A column type.
    Type,
    /// A rule.
    Rule,
}

impl UseKind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Rule => "rule",
        }
    }
}

impl ProvidedRule {
    /// A rule for events of these types (none: of all), which sees these fields of the states before and after an event.
    ///
    /// # Errors
    ///
    /// The first field that is no JSON Pointer to a member.
    pub fn new(provider: Provider, event_types: Vec<String>, fields: &[String]) -> Result<Self, String> {
        let fields = fields.iter().map(|field| field.parse().map_err(|()| field.clone())).collect::<Result<_, _>>()?;
        Ok(Self { provider, event_types, fields })
    }

    /// Whether events of a type are brought before it.
    pub(super) fn is_about(&self, event_type: &str) -> bool {
        self.event_types.is_empty() || self.event_types.iter().any(|known| known == event_type)
    }

    /// What it may see of a state.
    pub(super) fn cut(&self, state: &Map<String, Value>) -> String {
        let mut seen = Map::new();
        for field in &self.fields {
            if let Some(value) = field.get(state) {
                // One that lies in another is there with it.
                let _ = field.put(&mut seen, value.clone());
            }
        }
        Value::Object(seen).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_sees_only_the_fields_that_it_selects() {
        let provider = Provider { plugin: "p".into(), version: "1".into(), component: "c".into() };
        let fields = ["/seats/sold".to_owned(), "/capacity".to_owned(), "/gone".to_owned()];
        let rule = ProvidedRule::new(provider.clone(), vec!["seat_sold".to_owned()], &fields).expect("pointers");
        let state = json!({"seats": {"sold": 3, "names": ["Ada"]}, "capacity": 10, "secret": 1});
        assert_eq!(rule.cut(state.as_object().expect("an object")), r#"{"capacity":10,"seats":{"sold":3}}"#);
        assert!(rule.is_about("seat_sold") && !rule.is_about("seat_freed"));
        assert_eq!(ProvidedRule::new(provider, Vec::new(), &["seats".to_owned()]).unwrap_err(), "seats");
    }
}
