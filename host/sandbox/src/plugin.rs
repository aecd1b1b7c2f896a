//! A loaded plugin: what it says about itself, and the ways to start it.

use std::sync::{Arc, Weak};

use wasmtime::component::Component;

use crate::{
    call::{CallState, Phase},
    component::ComponentHash,
    contract::{self, Fit},
    descriptor::{Descriptor, Table},
    gateway::GatewayInstance,
    guest::{Exports, Guest},
    host::Host,
    inspect::ApiVersion,
    instance::Instance,
    limits::{Limit, Limits},
    load_error::LoadError,
    outcome::{Halt, Stop, Trap},
    query::QueryInstance,
    sandbox::Sandbox,
    wire::exports::eventdbx::plugin::meta::{self as wire},
};

/// A component that this host can run. Cheap to clone.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Loaded>,
}

pub(crate) struct Loaded {
    sandbox: Sandbox,
    exports: Exports,
    hash: ComponentHash,
    api: ApiVersion,
    descriptor: Descriptor,
    tables: Arc<[Table]>,
}

/// What an instance is told when it starts.
#[derive(Debug, Clone, Copy)]
pub struct StartContext<'a> {
    /// Name of the domain.
    pub domain: &'a str,
    /// Configuration, a JSON object.
    pub config: &'a str,
    /// Why it starts.
    pub reason: StartReason<'a>,
}

/// Why an instance starts. Queries have a way of their own, [`Plugin::start_query`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartReason<'a> {
    /// It was just installed.
    FirstStart,
    /// It ran before.
    Restart,
    /// The version that ran before.
    UpgradedFrom(&'a str),
    /// Its tables are built anew.
    Rebuild,
}

impl Plugin {
    /// Asks a component to describe itself, on an instance in which every import traps.
    pub(crate) fn describe(
        sandbox: Sandbox,
        component: &Component,
        hash: ComponentHash,
        fit: &Fit,
    ) -> Result<Self, LoadError> {
        let exports = Exports::find(&sandbox.inner, component, fit).map_err(|error| types_differ(&error, fit))?;
        let limits = Limits::default();
        let mut guest = isolated(&sandbox, &exports, &limits).map_err(|halt| instantiate_failed(halt, fit))?;
        let (described, _) = guest.call(Phase::Describe, |store, calls| calls.meta.call_describe(store));
        let described = described.map_err(LoadError::Describe)?;
        check_size(&described, &limits).map_err(LoadError::Describe)?;
        let descriptor = Descriptor::checked(described, fit).map_err(LoadError::Descriptor)?;
        let tables = descriptor.tables.clone().into();
        Ok(Self { inner: Arc::new(Loaded { sandbox, exports, hash, api: fit.api, descriptor, tables }) })
    }

    pub(crate) fn downgrade(&self) -> Weak<Loaded> {
        Arc::downgrade(&self.inner)
    }

    pub(crate) fn upgrade(loaded: &Weak<Loaded>) -> Option<Self> {
        loaded.upgrade().map(|inner| Self { inner })
    }

    /// The hash of the bytes that it was loaded from.
    #[must_use]
    pub fn hash(&self) -> ComponentHash {
        self.inner.hash
    }

    /// The version of the contract that it was built against.
    #[must_use]
    pub fn api_version(&self) -> ApiVersion {
        self.inner.api
    }

    /// What it says about itself.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.inner.descriptor
    }

    /// Asks the plugin whether it can work with a configuration.
    ///
    /// # Errors
    ///
    /// [`Stop::Refused`] with the plugin's reason, or why it did not answer.
    pub fn check_config(&self, config: &str) -> Result<(), Stop> {
        let limits = Limits::default();
        let mut guest = isolated(&self.inner.sandbox, &self.inner.exports, &limits)?;
        let config = config.to_owned();
        let (answer, _) = guest.call(Phase::Describe, |store, calls| calls.meta.call_check_config(store, &config));
        refused(answer, &limits)
    }

    /// Starts an instance that handles batches. It reads through `host`, whose tables are those of the descriptor.
    ///
    /// # Errors
    ///
    /// When `init` refuses, or does not answer.
    pub fn start(&self, host: Box<dyn Host>, context: StartContext<'_>, limits: &Limits) -> Result<Instance, Stop> {
        let reason = match context.reason {
            StartReason::FirstStart => wire::StartReason::FirstStart,
            StartReason::Restart => wire::StartReason::Restart,
            StartReason::UpgradedFrom(version) => wire::StartReason::UpgradedFrom(version),
            StartReason::Rebuild => wire::StartReason::Rebuild,
        };
        self.init(host, context.domain, context.config, reason, limits).map(Instance::new)
    }

    /// Starts an instance that answers one query. It can read, and cannot write.
    ///
    /// # Errors
    ///
    /// When `init` refuses, or does not answer.
    pub fn start_query(
        &self,
        host: Box<dyn Host>,
        domain: &str,
        config: &str,
        limits: &Limits,
    ) -> Result<QueryInstance, Stop> {
        self.init(host, domain, config, wire::StartReason::Query, limits).map(QueryInstance::new)
    }

    /// Starts an instance that answers one HTTP request.
    ///
    /// # Errors
    ///
    /// When `init` refuses, or does not answer.
    pub fn start_gateway(
        &self,
        host: Box<dyn Host>,
        domain: &str,
        config: &str,
        limits: &Limits,
    ) -> Result<GatewayInstance, Stop> {
        self.init(host, domain, config, wire::StartReason::Restart, limits).map(GatewayInstance::new)
    }

    fn init(
        &self,
        host: Box<dyn Host>,
        domain: &str,
        config: &str,
        reason: wire::StartReason<'_>,
        limits: &Limits,
    ) -> Result<Guest, Stop> {
        let Loaded { sandbox, exports, tables, .. } = &*self.inner;
        let state = CallState::new(Some(host), Arc::clone(tables), limits.clone());
        let mut guest = Guest::new(sandbox.clone(), exports, state, Phase::Start)?;
        let config = config.to_owned();
        let context = wire::StartContext { domain, config: &config, reason };
        let (answer, _) = guest.call(Phase::Start, |store, calls| calls.meta.call_init(store, context));
        refused(answer, limits)?;
        Ok(guest)
    }
}

/// An instance in which every import traps.
fn isolated(sandbox: &Sandbox, exports: &Exports, limits: &Limits) -> Result<Guest, Halt> {
    let state = CallState::new(None, Arc::from([]), limits.clone());
    Guest::new(sandbox.clone(), exports, state, Phase::Describe)
}

fn refused(answer: Result<Result<(), crate::Failure>, Halt>, limits: &Limits) -> Result<(), Stop> {
    match answer? {
        Ok(()) => Ok(()),
        Err(failure) => Err(Stop::Refused(failure.checked(limits)?)),
    }
}

/// A descriptor is the only answer that holds lists of text.
fn check_size(descriptor: &wire::Descriptor, limits: &Limits) -> Result<(), Halt> {
    let schemas = descriptor.queries.iter().map(|query| query.params_schema.len() + query.result_schema.len());
    let bytes = (descriptor.config_schema.len() + schemas.sum::<usize>()) as u64;
    if bytes <= limits.output_bytes {
        return Ok(());
    }
    let what = format!("the plugin describes itself in {bytes} bytes of JSON Schema");
    Err(Halt::Trapped(Trap::broke(Limit::OutputBytes, limits, what)))
}

fn types_differ(error: &wasmtime::Error, fit: &Fit) -> LoadError {
    LoadError::Mismatch(contract::types_differ(fit, &format!("{error:#}")))
}

/// wasmtime compares the types of exports when the first instance is made, and says so in words only.
fn instantiate_failed(halt: Halt, fit: &Fit) -> LoadError {
    match halt {
        Halt::Lied(crate::Lie::Malformed(text)) => LoadError::Mismatch(contract::types_differ(fit, &text)),
        other => LoadError::Describe(other),
    }
}
