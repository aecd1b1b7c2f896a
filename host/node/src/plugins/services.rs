//! What all plugins of a domain share.

use std::sync::Arc;

use eventdbx_sandbox::{Extension, Plugin, PureStart, Sandbox, Shaper};
use eventdbx_store::{AggregateRef, AppendError, Clock, Domain, plugindb::PluginDb};

use super::{
    PluginError, PluginLimits, components::Components, feed::Feed, jobs::Jobs, keeper::Keeper, modes::Modes,
    secrets::Secrets, signing::Signing, states::States,
};
use crate::trace::Tracer;

/// What all plugins of a domain share.
pub(super) struct Services {
    pub(super) domain: Domain,
    pub(super) db: PluginDb,
    pub(super) feed: Arc<Feed>,
    pub(super) states: States,
    pub(super) sandbox: Sandbox,
    pub(super) components: Components,
    pub(super) modes: Modes,
    pub(super) secrets: Secrets,
    pub(super) signing: Signing,
    pub(super) limits: PluginLimits,
    pub(super) clock: Clock,
    pub(super) keeper: Keeper,
    pub(super) jobs: Jobs,
    pub(super) tracer: Tracer,
}

impl Services {
    /// Loads a component that was added before.
    pub(super) fn load(&self, hash: &str) -> Result<Plugin, PluginError> {
        // What the domain was never given it does not have, whoever else uses it.
        let known = hash.parse().ok().filter(|hash| self.components.has(*hash));
        if let Some(plugin) = known.and_then(|hash| self.sandbox.loaded(hash)) {
            return Ok(plugin);
        }
        let plugin = self.sandbox.load(&self.wasm(hash)?);
        plugin.map_err(|error| PluginError::invalid(error.to_string()))
    }

    /// Starts a schema extension that was added before.
    pub(super) fn extension(&self, hash: &str, config: String) -> Result<Extension, PluginError> {
        let start = PureStart { domain: self.domain.name().to_string(), config };
        let started = self.sandbox.start_extension(&self.wasm(hash)?, start, &self.limits.instance);
        started.map_err(|error| PluginError::invalid(error.to_string()))
    }

    /// Starts a payload mode that was added before.
    pub(super) fn shaper(&self, hash: &str, config: String) -> Result<Shaper, PluginError> {
        let start = PureStart { domain: self.domain.name().to_string(), config };
        let started = self.sandbox.start_shaper(&self.wasm(hash)?, start, &self.limits.instance);
        started.map_err(|error| PluginError::invalid(error.to_string()))
    }

    /// Tells the log what becomes of a plugin, or of what plugins use.
    pub(super) fn tell(
        &self,
        history: &AggregateRef,
        event: &str,
        payload: &str,
        actor: &str,
    ) -> Result<(), PluginError> {
        let told = self.domain.record(history, event, payload, actor);
        told.map(drop).map_err(|error| match error {
            AppendError::Busy(reason) => PluginError::Busy(reason.to_owned()),
            other => PluginError::Internal(format!("the log does not take it: {other}")),
        })
    }

    /// The bytes of a component that was added before.
    fn wasm(&self, hash: &str) -> Result<Vec<u8>, PluginError> {
        let unknown = || PluginError::NotFound { what: "component", name: hash.to_owned() };
        let bytes = self.components.get(hash.parse().map_err(|_| unknown())?);
        let bytes = bytes.map_err(|error| PluginError::Internal(format!("component {hash}: {error}")))?;
        bytes.ok_or_else(unknown)
    }
}
