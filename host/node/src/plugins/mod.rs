//! Plugins of one domain: installed, fed from the log, asked.
//!
//! [`Plugins`] is the whole face of this room. Every method blocks: async callers go through `spawn_blocking`.
//!
//! ```text
//! log ─▶ feed (recent events, pages) ─▶ cut (selector, payload mode, states) ─▶ guest ─▶ one commit: tables, cursor, queue
//!                                       └────────────────── track, one per generation ──────────────────┘
//!                                       worker: one thread per plugin, which owns its tracks
//! ```
//!
//! The queue of a plugin is a cursor over the log, not a copy of it. Nothing here can delay an append: the committer hands
//! over what it committed through a channel that it never waits for, and workers run at lower priority.

mod components;
mod cut;
mod documents;
mod error;
mod extensions;
mod feed;
mod glob;
mod guest;
mod host;
mod install;
mod installed;
mod keeper;
mod limits;
mod logs;
mod mode;
mod pages;
mod parking;
mod query;
mod queue;
mod recent;
mod record;
mod registry;
mod selector;
mod services;
mod states;
mod status;
#[cfg(test)]
mod tests;
mod track;
mod trouble;
mod worker;

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use eventdbx_sandbox::Sandbox;
use eventdbx_store::{Domain, DomainName, Position};

pub use self::{
    error::PluginError,
    install::InstallRequest,
    limits::PluginLimits,
    mode::{PayloadMode, UnknownMode},
    query::{QueryAnswer, QueryError},
    status::{ComponentInfo, LogLine, Parked, ParkedDetail, PluginState, PluginStatus, RebuildStatus},
};
use self::{query::Question, registry::Registry};
use crate::grant::Grant;

/// The plugins of one domain. Cheap to clone; when the last clone goes, the workers stop.
#[derive(Clone)]
pub struct Plugins {
    registry: Arc<Registry>,
}

impl Plugins {
    /// Opens the plugins' database in `dir/plugins` (`dir` is the domain's directory) and starts the workers of what is
    /// enabled. Returns at once: components are compiled on the workers' threads.
    ///
    /// # Errors
    ///
    /// When the database or the directory of components cannot be opened.
    pub fn open(
        domain: Domain,
        name: &DomainName,
        dir: &Path,
        sandbox: Sandbox,
        limits: PluginLimits,
    ) -> Result<Self, PluginError> {
        debug_assert_eq!(domain.name(), name, "a domain's plugins are opened under its name");
        Ok(Self { registry: Arc::new(Registry::open(domain, dir, sandbox, limits)?) })
    }

    /// Takes a component (or a core module that carries its component type) in, under its hash. Nothing of it runs but
    /// `describe`.
    ///
    /// # Errors
    ///
    /// [`PluginError::Invalid`] with what is wrong with it.
    pub fn add_component(&self, _: &Grant, wasm: &[u8]) -> Result<ComponentInfo, PluginError> {
        self.registry.add_component(wasm)
    }

    /// Installs a component that was added before, after a dry run, and starts it.
    ///
    /// # Errors
    ///
    /// [`PluginError::Invalid`] with every reason, [`PluginError::NameTaken`], or [`PluginError::NotFound`] when the
    /// component was not added.
    pub fn install(&self, grant: &Grant, request: InstallRequest) -> Result<PluginStatus, PluginError> {
        self.registry.install(grant.actor(), request)
    }

    /// Stops a plugin, forgets it and deletes its tables.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`].
    pub fn uninstall(&self, grant: &Grant, name: &str) -> Result<(), PluginError> {
        self.registry.uninstall(grant.actor(), name)
    }

    /// Starts a plugin that is disabled or stopped: it goes on at its cursor.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`].
    pub fn enable(&self, grant: &Grant, name: &str) -> Result<PluginStatus, PluginError> {
        self.registry.enable(grant.actor(), name)
    }

    /// Stops a plugin between two batches; it keeps its cursor and its tables.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`].
    pub fn disable(&self, grant: &Grant, name: &str) -> Result<PluginStatus, PluginError> {
        self.registry.disable(grant.actor(), name)
    }

    /// Delivers the whole log anew, into a new generation beside the live one, which it then replaces. With `mode`, its
    /// deliveries are cut in that mode until it does.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], [`PluginError::Invalid`] for a mode that the plugin cannot use, or
    /// [`PluginError::Stopped`] when it is disabled.
    pub fn replay(&self, grant: &Grant, name: &str, mode: Option<PayloadMode>) -> Result<PluginStatus, PluginError> {
        self.registry.replay(grant.actor(), name, mode)
    }

    /// How every plugin stands, by name.
    #[must_use]
    pub fn list(&self, _: &Grant) -> Vec<PluginStatus> {
        self.registry.list()
    }

    /// How a plugin stands.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`].
    pub fn status(&self, _: &Grant, name: &str) -> Result<PluginStatus, PluginError> {
        Ok(self.registry.status(&*self.registry.find(name)?))
    }

    /// The last lines that a plugin logged, oldest first.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`].
    pub fn logs(&self, _: &Grant, name: &str, limit: usize) -> Result<Vec<LogLine>, PluginError> {
        Ok(self.registry.find(name)?.logs.last(limit))
    }

    /// What a plugin has parked.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`].
    pub fn queue(&self, _: &Grant, name: &str) -> Result<Vec<Parked>, PluginError> {
        self.registry.queue(name)
    }

    /// One parked aggregate, with its first deliveries.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], of the plugin or of the entry.
    pub fn queue_entry(&self, _: &Grant, name: &str, id: &str) -> Result<ParkedDetail, PluginError> {
        self.registry.queue_entry(name, id)
    }

    /// Delivers what an entry (or `all`) has parked, in order; answers how many entries went through.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], or [`PluginError::Stopped`] when the plugin is disabled.
    pub fn queue_retry(&self, _: &Grant, name: &str, id: &str) -> Result<usize, PluginError> {
        self.registry.queue_retry(name, id)
    }

    /// Gives up what an entry (or `all`) has parked up to now; later events are delivered again. Answers how many entries.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], or [`PluginError::Stopped`] when the plugin is disabled.
    pub fn queue_discard(&self, _: &Grant, name: &str, id: &str) -> Result<usize, PluginError> {
        self.registry.queue_discard(name, id)
    }

    /// Asks a plugin. `params` is JSON text; with `wait`, the answer has the log up to that position in it.
    ///
    /// # Errors
    ///
    /// [`PluginError::Query`] when there is no answer, [`PluginError::WaitTimeout`] when it does not come in time,
    /// [`PluginError::Busy`] when too many queries run.
    pub fn query(
        &self,
        _: &Grant,
        name: &str,
        query: &str,
        params: &str,
        cursor: Option<&str>,
        wait: Option<(Position, Duration)>,
    ) -> Result<QueryAnswer, PluginError> {
        self.registry.query(name, Question { query, params, cursor }, wait)
    }

    /// Stops the workers between two batches and waits for them. Afterwards nothing is delivered any more.
    pub fn shutdown(&self) {
        self.registry.shutdown();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
