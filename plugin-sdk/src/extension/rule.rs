//! Rules over whole events.

use serde::Deserialize;

use super::Violation;
use crate::error::misfit;

/// A rule that a schema may name: it looks at an event before it is written, with what was there before and what would be
/// there after it.
pub trait Rule: 'static {
    /// Its name in schemas: lower-case letters, digits and `-`.
    const NAME: &'static str;
    /// For people.
    const DESCRIPTION: &'static str = "";
    /// Exact types of the events that it is about; none: all.
    const EVENT_TYPES: &'static [&'static str] = &[];
    /// JSON Pointers to members of the state: all that it sees of the state before and after an event.
    const STATE_FIELDS: &'static [&'static str];

    /// Judges an event: adds to `broken` what is wrong.
    ///
    /// # Errors
    ///
    /// One violation more, so that `?` can be used on what does not have the expected shape.
    fn check(event: &ProposedEvent<'_>, broken: &mut Vec<Violation>) -> Result<(), Violation>;
}

/// An event that is to be written. All parts are JSON.
#[derive(Clone, Copy, Debug)]
pub struct ProposedEvent<'a> {
    /// Type of its aggregate.
    pub aggregate_type: &'a str,
    /// Id of its aggregate.
    pub aggregate_id: &'a str,
    /// Its type.
    pub event_type: &'a str,
    /// An object that is to be merged into the state, or the operations of a JSON Patch.
    pub payload: &'a str,
    /// The selected fields of the state before it; none: it is the first event of its aggregate.
    pub before: Option<&'a str>,
    /// The selected fields of the state that it makes.
    pub after: &'a str,
}

impl<'a> ProposedEvent<'a> {
    /// The payload.
    ///
    /// # Errors
    ///
    /// A violation that says how it does not fit.
    pub fn payload<T: Deserialize<'a>>(&self) -> Result<T, Violation> {
        read("payload", self.payload)
    }

    /// The selected fields of the state before it; none: it is the first event of its aggregate.
    ///
    /// # Errors
    ///
    /// A violation that says how they do not fit.
    pub fn before<T: Deserialize<'a>>(&self) -> Result<Option<T>, Violation> {
        self.before.map(|before| read("state-before", before)).transpose()
    }

    /// The selected fields of the state that it makes.
    ///
    /// # Errors
    ///
    /// A violation that says how they do not fit.
    pub fn after<T: Deserialize<'a>>(&self) -> Result<T, Violation> {
        read("state-after", self.after)
    }
}

fn read<'a, T: Deserialize<'a>>(what: &str, text: &'a str) -> Result<T, Violation> {
    serde_json::from_str(text).map_err(|error| Violation::new(format!("bad-{what}"), misfit(&error)))
}

/// A rule without its Rust type.
pub(super) struct DeclaredRule {
    pub(super) name: &'static str,
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "only the contract asks"))]
    pub(super) description: &'static str,
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "only the contract asks"))]
    pub(super) event_types: &'static [&'static str],
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "only the contract asks"))]
    pub(super) state_fields: &'static [&'static str],
    check: fn(&ProposedEvent<'_>, &mut Vec<Violation>) -> Result<(), Violation>,
}

impl DeclaredRule {
    pub(super) fn of<R: Rule>() -> Self {
        Self {
            name: R::NAME,
            description: R::DESCRIPTION,
            event_types: R::EVENT_TYPES,
            state_fields: R::STATE_FIELDS,
            check: R::check,
        }
    }

    pub(super) fn check(&self, event: &ProposedEvent<'_>) -> Vec<Violation> {
        let mut broken = Vec::new();
        if let Err(violation) = (self.check)(event, &mut broken) {
            broken.push(violation);
        }
        broken
    }
}
