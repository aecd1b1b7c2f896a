//! Schema extensions: column types, rules and upcasters for the schemas of a domain.
//!
//! A schema names a column type as it names a built-in one (`"type": "iban"`), a rule in its list `rules`, and an upcaster in its
//! `upcasts`. All are pure functions: no clock, no randomness, no configuration, no memory of what was asked before. The host asks
//! once for all that is new in a request, before it is written, or that is old in a page, before it is shown, and measures the
//! answer in fuel.
//!
//! A type is a [`ColumnType`], a rule a [`Rule`], an upcaster an [`Upcaster`]; a [`SchemaExtension`] is a list of them, and
//! [`export_schema_extension!`](crate::export_schema_extension) makes a component of it. Its methods `judge`, `index_key`,
//! `object` and `upcast` run it in a native test.
//!
//! ```
//! use eventdbx_plugin_sdk::{NoConfig, export_schema_extension, extension::*};
//!
//! struct Even;
//!
//! impl ColumnType for Even {
//!     const NAME: &'static str = "even";
//!     type Params = NoConfig;
//!     type Value = i64;
//!
//!     fn check(_: &NoConfig, value: &i64) -> Verdict {
//!         if value % 2 == 0 { Verdict::Accepted } else { Verdict::rejected("odd", "two does not divide it") }
//!     }
//! }
//!
//! fn extension() -> SchemaExtension {
//!     SchemaExtension::new().column_type::<Even>()
//! }
//!
//! export_schema_extension!(extension);
//!
//! # fn main() {
//! assert_eq!(extension().judge("even", "{}", "4"), Verdict::Accepted);
//! assert_eq!(extension().judge("even", "{}", "5"), Verdict::rejected("odd", "two does not divide it"));
//! # }
//! ```

#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub mod exports;
mod rule;
mod upcaster;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::{rule::DeclaredRule, upcaster::DeclaredUpcaster};
#[doc(hidden)]
pub use eventdbx_plugin_bindings_extension as bindings;

pub use self::{
    rule::{ProposedEvent, Rule},
    upcaster::{OldEvent, Upcaster},
};
use crate::error::misfit;

/// A type that a schema may give a column.
pub trait ColumnType: 'static {
    /// Its name in schemas: lower-case letters, digits and `-`.
    const NAME: &'static str;
    /// For people.
    const DESCRIPTION: &'static str = "";

    /// What a schema may say beside the type, in `params`; [`NoConfig`](crate::NoConfig) if nothing.
    type Params: DeserializeOwned;
    /// What a value is in JSON. One that is not is rejected.
    type Value: DeserializeOwned;

    /// The JSON Schema of the parameters, for people and tools.
    fn params_schema() -> Value {
        json!({"type": "object", "additionalProperties": false})
    }

    /// What [`Params`](Self::Params) cannot say about parameters. Asked when a schema is written.
    fn check_params(params: &Self::Params) -> Vec<Violation> {
        let _ = params;
        Vec::new()
    }

    /// Judges a value.
    fn check(params: &Self::Params, value: &Self::Value) -> Verdict;

    /// Bytes that sort as the values do; none: they have no order.
    fn index_key(params: &Self::Params, value: &Self::Value) -> Option<Vec<u8>> {
        let (_, _) = (params, value);
        None
    }
}

/// What is wrong with a value or an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// A JSON Pointer: into the value; for a rule into the payload, or into the state after a JSON Patch.
    pub path: String,
    /// Machine-readable and of few values.
    pub code: String,
    /// For people.
    pub message: String,
}

impl Violation {
    /// Something that is wrong with the whole of it.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: String::new(), code: code.into(), message: message.into() }
    }

    /// The same at a place.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }
}

/// What a type says about a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is of the type.
    Accepted,
    /// It is of the type, but is to be written like this. The write is refused, and its writer told so.
    Normalized(Value),
    /// It is not of the type.
    Rejected(Vec<Violation>),
}

impl Verdict {
    /// Rejected for one reason.
    pub fn rejected(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Rejected(vec![Violation::new(code, message)])
    }
}

/// Column types, rules and upcasters.
#[derive(Default)]
pub struct SchemaExtension {
    types: Vec<DeclaredType>,
    rules: Vec<DeclaredRule>,
    upcasters: Vec<DeclaredUpcaster>,
}

/// A type without its Rust types.
struct DeclaredType {
    name: &'static str,
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "only the contract asks"))]
    description: &'static str,
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "only the contract asks"))]
    params_schema: fn() -> Value,
    check_params: fn(&str) -> Vec<Violation>,
    check: fn(&str, &str) -> Verdict,
    index_key: fn(&str, &str) -> Option<Vec<u8>>,
}

impl SchemaExtension {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Brings a column type.
    #[must_use]
    pub fn column_type<T: ColumnType>(mut self) -> Self {
        self.types.push(DeclaredType {
            name: T::NAME,
            description: T::DESCRIPTION,
            params_schema: T::params_schema,
            check_params: |params| match serde_json::from_str(params) {
                Ok(params) => T::check_params(&params),
                Err(error) => vec![Violation::new("bad-params", misfit(&error))],
            },
            check: |params, value| match read::<T>(params, value) {
                Ok((params, value)) => T::check(&params, &value),
                Err(violation) => Verdict::Rejected(vec![violation]),
            },
            index_key: |params, value| {
                let (params, value) = read::<T>(params, value).ok()?;
                T::index_key(&params, &value)
            },
        });
        self
    }

    /// Brings a rule.
    #[must_use]
    pub fn rule<R: Rule>(mut self) -> Self {
        self.rules.push(DeclaredRule::of::<R>());
        self
    }

    /// Brings an upcaster.
    #[must_use]
    pub fn upcaster<U: Upcaster>(mut self) -> Self {
        self.upcasters.push(DeclaredUpcaster::of::<U>());
        self
    }

    fn named(&self, name: &str) -> Option<&DeclaredType> {
        self.types.iter().find(|it| it.name == name)
    }

    /// What a type says about parameters, both as JSON.
    #[must_use]
    pub fn judge_params(&self, type_name: &str, params: &str) -> Vec<Violation> {
        self.named(type_name).map_or_else(|| vec![unknown("type", type_name)], |it| (it.check_params)(params))
    }

    /// What a type says about a value; parameters and value as JSON.
    #[must_use]
    pub fn judge(&self, type_name: &str, params: &str, value: &str) -> Verdict {
        let unknown = || Verdict::Rejected(vec![unknown("type", type_name)]);
        self.named(type_name).map_or_else(unknown, |it| (it.check)(params, value))
    }

    /// Bytes that sort as the values of a type do.
    #[must_use]
    pub fn index_key(&self, type_name: &str, params: &str, value: &str) -> Option<Vec<u8>> {
        (self.named(type_name)?.index_key)(params, value)
    }

    /// What a rule says against an event.
    #[must_use]
    pub fn object(&self, rule: &str, event: &ProposedEvent<'_>) -> Vec<Violation> {
        match self.rules.iter().find(|it| it.name == rule) {
            Some(declared) => declared.check(event),
            None => vec![unknown("rule", rule)],
        }
    }

    /// What an upcaster says about parameters, as JSON.
    #[must_use]
    pub fn judge_upcaster(&self, upcaster: &str, params: &str) -> Vec<Violation> {
        match self.upcasters.iter().find(|it| it.name == upcaster) {
            Some(declared) => (declared.check_params)(params),
            None => vec![unknown("upcaster", upcaster)],
        }
    }

    /// What an upcaster makes of the payload of an old event; parameters and payload as JSON.
    ///
    /// # Errors
    ///
    /// Why there is nothing that it makes of it.
    pub fn upcast(&self, upcaster: &str, params: &str, event: OldEvent<'_>, payload: &str) -> Result<Value, Violation> {
        match self.upcasters.iter().find(|it| it.name == upcaster) {
            Some(declared) => (declared.upcast)(params, event, payload),
            None => Err(unknown("upcaster", upcaster)),
        }
    }
}

fn read<T: ColumnType>(params: &str, value: &str) -> Result<(T::Params, T::Value), Violation> {
    let params = serde_json::from_str(params).map_err(|error| Violation::new("bad-params", misfit(&error)))?;
    let value = serde_json::from_str(value).map_err(|error| Violation::new("bad-value", misfit(&error)))?;
    Ok((params, value))
}

fn unknown(what: &str, name: &str) -> Violation {
    Violation::new("unknown", format!("this extension brings no {what} {name:?}"))
}

/// What `export_schema_extension!` adds to a crate.
#[doc(hidden)]
pub trait Exported: 'static {
    /// The name of its package.
    const NAME: &'static str;
    /// The version of its package.
    const VERSION: &'static str;
    /// What it brings.
    fn extension() -> SchemaExtension;
}

/// Makes the exports of a component out of a function that returns a
/// [`SchemaExtension`](crate::extension::SchemaExtension). Once per crate, at its top.
///
/// Name and version of the plugin are those of the package.
#[macro_export]
macro_rules! export_schema_extension {
    ($extension:ident) => {
        #[cfg(target_arch = "wasm32")]
        #[expect(unsafe_code, reason = "to name an export or a section is called unsafe; the names are the contract's")]
        const _: () = {
            struct Exported;

            impl $crate::extension::Exported for Exported {
                const NAME: &'static str = env!("CARGO_PKG_NAME");
                const VERSION: &'static str = env!("CARGO_PKG_VERSION");

                fn extension() -> $crate::extension::SchemaExtension {
                    $extension()
                }
            }

            type Guest = $crate::extension::exports::Guest<Exported>;
    $crate::extension::bindings::export_extension!(Guest with_types_in $crate::extension::bindings);

            #[used]
            #[unsafe(link_section = "eventdbx:api")]
            static API: [u8; $crate::guest::API_STAMP.len()] = $crate::guest::API_STAMP;
        };

        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() -> $crate::extension::SchemaExtension = $extension;
    };
}
