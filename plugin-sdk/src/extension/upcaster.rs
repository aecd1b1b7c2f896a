//! Upcasters: old events in the shape that a schema has today.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Violation;
use crate::error::misfit;

/// Gives old events another shape, where a schema names it in its `upcasts`. The log keeps what was written; readers and plugins
/// are shown what this makes of it.
pub trait Upcaster: 'static {
    /// Its name in schemas: lower-case letters, digits and `-`.
    const NAME: &'static str;
    /// For people.
    const DESCRIPTION: &'static str = "";

    /// What a schema may say beside it, in `params`; [`NoConfig`](crate::NoConfig) if nothing.
    type Params: DeserializeOwned;

    /// The JSON Schema of the parameters, for people and tools.
    fn params_schema() -> Value {
        json!({"type": "object", "additionalProperties": false})
    }

    /// What [`Params`](Self::Params) cannot say about parameters. Asked when a schema is written.
    fn check_params(params: &Self::Params) -> Vec<Violation> {
        let _ = params;
        Vec::new()
    }

    /// Changes the payload of an old event. It was merged into a state: any member may be missing, and a null takes one away.
    ///
    /// # Errors
    ///
    /// Why the event has no such shape. Nobody is shown it then, other than as it was written.
    fn upcast(params: &Self::Params, event: OldEvent<'_>, payload: &mut Map<String, Value>) -> Result<(), Violation>;
}

/// An old event, beside its payload.
#[derive(Clone, Copy, Debug)]
pub struct OldEvent<'a> {
    /// Type of its aggregate.
    pub aggregate_type: &'a str,
    /// Its type.
    pub event_type: &'a str,
}

/// An upcaster without its Rust types.
pub(super) struct DeclaredUpcaster {
    pub(super) name: &'static str,
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "only the contract asks"))]
    pub(super) description: &'static str,
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "only the contract asks"))]
    pub(super) params_schema: fn() -> Value,
    pub(super) check_params: fn(&str) -> Vec<Violation>,
    pub(super) upcast: fn(&str, OldEvent<'_>, &str) -> Result<Value, Violation>,
}

impl DeclaredUpcaster {
    pub(super) fn of<U: Upcaster>() -> Self {
        Self {
            name: U::NAME,
            description: U::DESCRIPTION,
            params_schema: U::params_schema,
            check_params: |params| match serde_json::from_str(params) {
                Ok(params) => U::check_params(&params),
                Err(error) => vec![Violation::new("bad-params", misfit(&error))],
            },
            upcast: |params, event, payload| {
                let params =
                    serde_json::from_str(params).map_err(|error| Violation::new("bad-params", misfit(&error)))?;
                let mut payload =
                    serde_json::from_str(payload).map_err(|error| Violation::new("bad-payload", misfit(&error)))?;
                U::upcast(&params, event, &mut payload)?;
                Ok(Value::Object(payload))
            },
        }
    }
}
