//! Schema extensions: column types, rules and upcasters.

use std::{collections::BTreeSet, sync::Arc};

use wasmtime::{
    Store,
    component::{Instance, InstancePre},
};

use super::{
    PureError, PureStart,
    pool::{Face, Pool, PureState, Shared, counted},
    wire::exports::eventdbx::plugin::{column_types, rules, upcast},
};
use crate::{
    Halt, Lie, Limits, Sandbox,
    limits::{DECLARATIONS, LIST_ITEMS, NAME_BYTES},
    text,
};

pub use crate::wire::types::Violation;
pub use column_types::{ColumnType, TypedValue, Verdict};
pub use rules::ProposedEvent;
pub use upcast::{OldEvent, Upcaster};

/// A column type that an extension brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeDeclaration {
    /// Its name in schemas.
    pub name: String,
    /// JSON Schema of its parameters, for people and tools.
    pub params_schema: String,
    /// For people.
    pub description: String,
}

/// A rule that an extension brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleDeclaration {
    /// Its name in schemas.
    pub name: String,
    /// For people.
    pub description: String,
    /// The event types that it is about; none: all.
    pub event_types: Vec<String>,
    /// JSON Pointers: what it sees of a state.
    pub state_fields: Vec<String>,
}

/// An upcaster that an extension brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpcasterDeclaration {
    /// Its name in schemas.
    pub name: String,
    /// JSON Schema of its parameters, for people and tools.
    pub params_schema: String,
    /// For people.
    pub description: String,
}

/// A schema extension that was started. Cheap to clone; calls may come from many threads at once.
#[derive(Clone)]
pub struct Extension {
    pool: Shared<Exports>,
    types: Arc<[TypeDeclaration]>,
    rules: Arc<[RuleDeclaration]>,
    upcasters: Arc<[UpcasterDeclaration]>,
}

struct Exports {
    types: column_types::Guest,
    rules: rules::Guest,
    /// Not every extension has any.
    upcast: Option<upcast::Guest>,
}

/// The interface that an extension with upcasters exports.
const UPCAST: &str = "eventdbx:plugin/upcast@0.1.0";

impl Face for Exports {
    type Indices = (column_types::GuestIndices, rules::GuestIndices, Option<upcast::GuestIndices>);

    fn find(pre: &InstancePre<PureState>) -> wasmtime::Result<Self::Indices> {
        let has_upcast = pre.component().get_export_index(None, UPCAST).is_some();
        let upcast = has_upcast.then(|| upcast::GuestIndices::new(pre)).transpose()?;
        Ok((column_types::GuestIndices::new(pre)?, rules::GuestIndices::new(pre)?, upcast))
    }

    fn load(indices: &Self::Indices, store: &mut Store<PureState>, instance: &Instance) -> wasmtime::Result<Self> {
        let (types, rules, upcast) = indices;
        let upcast = upcast.as_ref().map(|upcast| upcast.load(&mut *store, instance)).transpose()?;
        Ok(Self { types: types.load(&mut *store, instance)?, rules: rules.load(store, instance)?, upcast })
    }
}

impl Sandbox {
    /// Starts a schema extension, of the bytes that [`load`](Self::load) took for one.
    ///
    /// # Errors
    ///
    /// When it is none, refuses its configuration, or declares what cannot be.
    pub fn start_extension(&self, wasm: &[u8], start: PureStart, limits: &Limits) -> Result<Extension, PureError> {
        let pool = Pool::<Exports>::start(self, wasm, start, limits)?;
        let types = pool.call(|store, exports| exports.types.call_declared(store))?;
        let rules = pool.call(|store, exports| exports.rules.call_declared(store))?;
        let upcasters = pool.call(|store, exports| match &exports.upcast {
            Some(upcast) => upcast.call_declared(store),
            None => Ok(Vec::new()),
        })?;
        check_types(&types, limits)?;
        check_rules(&rules, limits)?;
        check_upcasters(&upcasters, limits)?;
        let types = types.into_iter().map(|it| TypeDeclaration {
            name: it.name,
            params_schema: it.params_schema,
            description: it.description,
        });
        let rules = rules.into_iter().map(|it| RuleDeclaration {
            name: it.name,
            description: it.description,
            event_types: it.event_types,
            state_fields: it.state_fields,
        });
        let upcasters = upcasters.into_iter().map(|it| UpcasterDeclaration {
            name: it.name,
            params_schema: it.params_schema,
            description: it.description,
        });
        let (types, rules, upcasters) = (types.collect(), rules.collect(), upcasters.collect());
        Ok(Extension { types, rules, upcasters, pool: Arc::new(pool) })
    }
}

impl Extension {
    /// The column types that it brings.
    #[must_use]
    pub fn types(&self) -> &[TypeDeclaration] {
        &self.types
    }

    /// The rules that it brings.
    #[must_use]
    pub fn rules(&self) -> &[RuleDeclaration] {
        &self.rules
    }

    /// The upcasters that it brings.
    #[must_use]
    pub fn upcasters(&self) -> &[UpcasterDeclaration] {
        &self.upcasters
    }

    /// Judges the parameters of upcasters: as many answers as upcasters.
    ///
    /// # Errors
    ///
    /// When there is no answer that could be believed.
    pub fn check_upcasters(&self, upcasters: &[Upcaster<'_>]) -> Result<Vec<Vec<Violation>>, Halt> {
        let answers = self.pool.call(|store, exports| match &exports.upcast {
            Some(upcast) => upcast.call_check_params(store, upcasters),
            None => Ok(Vec::new()),
        })?;
        counted(answers, upcasters.len(), |it| size(it), self.pool.limits())
    }

    /// Gives the payloads of old events another shape: as many answers as events, each an object or the reason why there is
    /// none.
    ///
    /// # Errors
    ///
    /// When there is no answer that could be believed.
    pub fn upcast(&self, events: &[OldEvent<'_>]) -> Result<Vec<Result<String, Violation>>, Halt> {
        let answers = self.pool.call(|store, exports| match &exports.upcast {
            Some(upcast) => upcast.call_upcast(store, events),
            None => Ok(Vec::new()),
        })?;
        let weight = |answer: &Result<String, Violation>| match answer {
            Ok(payload) => payload.len(),
            Err(violation) => size(std::slice::from_ref(violation)),
        };
        let answers = counted(answers, events.len(), weight, self.pool.limits())?;
        for payload in answers.iter().flatten() {
            text::check_object("payload", payload)?;
        }
        Ok(answers)
    }

    /// Judges the parameters of columns: as many answers as columns.
    ///
    /// # Errors
    ///
    /// When there is no answer that could be believed.
    pub fn check_params(&self, columns: &[ColumnType<'_>]) -> Result<Vec<Vec<Violation>>, Halt> {
        let answers = self.pool.call(|store, exports| exports.types.call_check_params(store, columns))?;
        counted(answers, columns.len(), |it| size(it), self.pool.limits())
    }

    /// Judges values: as many answers as values.
    ///
    /// # Errors
    ///
    /// When there is no answer that could be believed.
    pub fn check_values(&self, values: &[TypedValue<'_>]) -> Result<Vec<Verdict>, Halt> {
        let answers = self.pool.call(|store, exports| exports.types.call_check_values(store, values))?;
        let weight = |verdict: &Verdict| match verdict {
            Verdict::Accepted => 0,
            Verdict::Normalized(value) => value.len(),
            Verdict::Rejected(violations) => size(violations),
        };
        let answers = counted(answers, values.len(), weight, self.pool.limits())?;
        for answer in &answers {
            if let Verdict::Normalized(value) = answer {
                text::check_json("normalized value", value)?;
            }
        }
        Ok(answers)
    }

    /// Bytes that sort as the values do, where they have an order: as many answers as values.
    ///
    /// # Errors
    ///
    /// When there is no answer that could be believed.
    pub fn index_keys(&self, values: &[TypedValue<'_>]) -> Result<Vec<Option<Vec<u8>>>, Halt> {
        let answers = self.pool.call(|store, exports| exports.types.call_index_keys(store, values))?;
        counted(answers, values.len(), |it| it.as_ref().map_or(0, Vec::len), self.pool.limits())
    }

    /// Judges events: as many answers as events.
    ///
    /// # Errors
    ///
    /// When there is no answer that could be believed.
    pub fn check_append(&self, events: &[ProposedEvent<'_>]) -> Result<Vec<Vec<Violation>>, Halt> {
        let answers = self.pool.call(|store, exports| exports.rules.call_check_append(store, events))?;
        counted(answers, events.len(), |it| size(it), self.pool.limits())
    }
}

fn size(violations: &[Violation]) -> usize {
    // Each costs the host more than its text.
    violations.iter().map(|it| 64 + it.path.len() + it.code.len() + it.message.len()).sum()
}

fn check_types(types: &[column_types::TypeDeclaration], limits: &Limits) -> Result<(), Halt> {
    names("the column type", types.iter().map(|it| it.name.as_str()))?;
    text::check_output(types.iter().map(|it| it.params_schema.len() + it.description.len()).sum(), limits)?;
    types.iter().try_for_each(|it| text::check_json("schema of parameters", &it.params_schema))
}

fn check_upcasters(upcasters: &[upcast::UpcasterDeclaration], limits: &Limits) -> Result<(), Halt> {
    names("the upcaster", upcasters.iter().map(|it| it.name.as_str()))?;
    text::check_output(upcasters.iter().map(|it| it.params_schema.len() + it.description.len()).sum(), limits)?;
    upcasters.iter().try_for_each(|it| text::check_json("schema of parameters", &it.params_schema))
}

fn check_rules(rules: &[rules::RuleDeclaration], limits: &Limits) -> Result<(), Halt> {
    names("the rule", rules.iter().map(|it| it.name.as_str()))?;
    text::check_output(rules.iter().map(|it| it.description.len()).sum(), limits)?;
    for rule in rules {
        for list in [&rule.event_types, &rule.state_fields] {
            if list.len() > LIST_ITEMS || list.iter().any(|item| item.len() > LIST_ITEMS) {
                return Err(Halt::Lied(Lie::BadName {
                    what: "a list of the rule",
                    name: rule.name.clone(),
                    rule: "at most 256 event types and fields, of at most 256 bytes each",
                }));
            }
        }
        if let Some(field) = rule.state_fields.iter().find(|field| !field.starts_with('/')) {
            return Err(Halt::Lied(Lie::BadName {
                what: "the field",
                name: field.clone(),
                rule: "a JSON Pointer to a member of the state, such as /seats/sold",
            }));
        }
    }
    Ok(())
}

fn names<'a>(what: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), Halt> {
    let mut seen = BTreeSet::new();
    for name in names {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let valid = name.len() <= NAME_BYTES && name.starts_with(|c: char| c.is_ascii_lowercase());
        if !valid || !name.chars().all(plain) || !seen.insert(name) || seen.len() > DECLARATIONS {
            return Err(Halt::Lied(Lie::BadName {
                what,
                name: name.chars().take(NAME_BYTES).collect(),
                rule: "lower-case letters, digits and -, beginning with a letter, at most 64, each once, at most 64 of them",
            }));
        }
    }
    Ok(())
}
