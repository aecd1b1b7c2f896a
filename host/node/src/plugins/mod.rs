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

mod ahead;
mod calls;
mod capsule;
mod commit;
mod components;
mod config_schema;
mod configure;
mod cut;
mod documents;
mod drop_in;
mod edit;
mod error;
mod extension_life;
mod extensions;
mod feed;
mod fields;
mod figures;
mod gateway;
mod glob;
mod guest;
mod host;
mod install;
mod installed;
mod jobs;
mod keeper;
mod life;
mod limits;
pub(crate) mod logs;
mod mode;
mod mode_components;
mod modes;
mod offline;
mod pages;
mod parking;
mod priority;
mod query;
mod queue;
mod recent;
mod record;
mod redact;
mod registry;
mod secrets;
mod selection;
mod selector;
mod services;
mod settle;
mod shaping;
mod signature;
mod signing;
mod slice;
pub(crate) mod source;
mod states;
mod status;
#[cfg(test)]
mod tests;
mod track;
mod trouble;
mod uninstall;
mod upgrade;
mod worker;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use eventdbx_sandbox::{GatewayRequest, Limits, Sandbox};
use eventdbx_store::{Domain, DomainName, Position};
use tokio::sync::watch;

pub(crate) use self::calls::CallFigures;
pub use self::{
    capsule::{Capsule, CapsuleError, CapsuleOutcome, Reproduction, reproduce},
    configure::{ConfigRequest, ConfigView},
    drop_in::{DropInFile, DropInState, DropInView},
    error::PluginError,
    fields::FieldList,
    gateway::{DomainGrants, GatewayStatus},
    install::InstallRequest,
    jobs::{Difference, JobState, JobStatus, ReplayRequest, SampledKey, TableDifference, Work},
    limits::PluginLimits,
    mode::{ModeName, PayloadMode, UnknownMode},
    modes::{ModeRequest, ModeView},
    offline::{describe, inspect},
    priority::PluginPriority,
    query::{QueryAnswer, QueryError},
    signature::{PublicKey, SecretKey, Signature, Unreadable},
    signing::SigningRules,
    slice::Part,
    status::{
        ComponentInfo, ExtensionStatus, KeptStatus, LogLine, Parked, ParkedDetail, PluginState, PluginStatus,
        RebuildStatus,
    },
    uninstall::Uninstalled,
    upgrade::{RollbackRequest, UpgradeRequest},
};
use self::{gateway::Reply, query::Question, registry::Registry, source::Source};
pub use crate::outbound::{Circuit, Secret, TargetGrant, TargetStatus};
use crate::{grant::Grant, trace::Tracer};

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
        Self::traced(domain, dir, sandbox, limits, Tracer::default())
    }

    /// The same, with spans of what the plugins are handed.
    pub(crate) fn traced(
        domain: Domain,
        dir: &Path,
        sandbox: Sandbox,
        limits: PluginLimits,
        tracer: Tracer,
    ) -> Result<Self, PluginError> {
        Ok(Self { registry: Arc::new(Registry::open(domain, dir, sandbox, limits, tracer)?) })
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

    /// Stops a plugin, forgets it and deletes its tables; with `force`, even where something depends on it.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], or, without `force`, [`PluginError::InUse`] by whom.
    pub fn uninstall(&self, grant: &Grant, name: &str, force: bool) -> Result<Uninstalled, PluginError> {
        self.registry.uninstall(grant.actor(), name, force)
    }

    /// From now on installs what is put into a folder, and upgrades what is changed in it.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made, or there is no thread to look at it.
    pub(crate) fn watch(&self, folder: PathBuf) -> Result<(), PluginError> {
        self.registry.drop_in.watch(&self.registry, folder)
    }

    /// What stands in the drop-in folder, and what became of it.
    #[must_use]
    pub fn drop_in(&self, _: &Grant) -> DropInView {
        self.registry.drop_in.view()
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

    /// Begins a job that delivers the log anew: the whole of it into a new generation that then replaces the live one, a
    /// stretch of it into the live tables or out of a plugin without any, or either as a dry run.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], [`PluginError::Invalid`] with every reason why the plugin does not bear it,
    /// [`PluginError::JobRuns`], or [`PluginError::Stopped`] when it is disabled.
    pub fn replay(&self, grant: &Grant, name: &str, request: &ReplayRequest) -> Result<JobStatus, PluginError> {
        self.registry.replay(grant.actor(), name, request)
    }

    /// The jobs, the latest first: those that run, or all that are kept.
    #[must_use]
    pub fn jobs(&self, _: &Grant, all: bool) -> Vec<JobStatus> {
        self.registry.jobs(all)
    }

    /// How a job stands.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`].
    pub fn job(&self, _: &Grant, id: u64) -> Result<JobStatus, PluginError> {
        self.registry.job(id)
    }

    /// Calls a job off. What it delivered stays delivered; new tables that it was building are deleted.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], or [`PluginError::JobEnded`].
    pub fn cancel(&self, grant: &Grant, id: u64) -> Result<JobStatus, PluginError> {
        self.registry.cancel(grant.actor(), id)
    }

    /// How a plugin is configured, without what is secret.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`].
    pub fn config(&self, _: &Grant, name: &str) -> Result<ConfigView, PluginError> {
        self.registry.config(name)
    }

    /// Changes a plugin between two batches. A changed selector holds from the cursor on.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], or [`PluginError::Invalid`] with every reason.
    pub fn configure(&self, grant: &Grant, name: &str, request: ConfigRequest) -> Result<ConfigView, PluginError> {
        self.registry.configure(grant.actor(), name, request)
    }

    /// Stops delivery between two batches; queries are answered on.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`].
    pub fn pause(&self, grant: &Grant, name: &str) -> Result<PluginStatus, PluginError> {
        self.registry.pause(grant.actor(), name)
    }

    /// Delivers again, from the cursor on.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], or [`PluginError::Stopped`] when the plugin is disabled.
    pub fn resume(&self, grant: &Grant, name: &str) -> Result<PluginStatus, PluginError> {
        self.registry.resume(grant.actor(), name)
    }

    /// Lets another component take over a plugin: between two batches where it can go on with the tables, else once its own
    /// are built.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], [`PluginError::Invalid`], [`PluginError::NeedsConsent`] or [`PluginError::Untrusted`].
    pub fn upgrade(&self, grant: &Grant, name: &str, request: &UpgradeRequest) -> Result<PluginStatus, PluginError> {
        self.registry.upgrade(grant.actor(), name, request)
    }

    /// Goes back to a component that ran before, with its tables.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], or [`PluginError::Invalid`] when nothing such was kept.
    pub fn rollback(&self, grant: &Grant, name: &str, to: Option<u32>) -> Result<PluginStatus, PluginError> {
        self.registry.rollback(grant.actor(), name, to)
    }

    /// How components must be signed.
    #[must_use]
    pub fn signing(&self, _: &Grant) -> SigningRules {
        self.registry.signing()
    }

    /// Changes how components must be signed. What is installed stays.
    ///
    /// # Errors
    ///
    /// [`PluginError::Invalid`] for what is no key, or when nothing could be installed any more.
    pub fn set_signing(&self, grant: &Grant, rules: &SigningRules) -> Result<SigningRules, PluginError> {
        self.registry.set_signing(grant.actor(), rules)
    }

    /// The names of the secrets.
    #[must_use]
    pub fn secrets(&self, _: &Grant) -> Vec<String> {
        self.registry.secrets()
    }

    /// Sets a secret. Plugins whose configuration names it go on with it from their next batch on.
    ///
    /// # Errors
    ///
    /// [`PluginError::Invalid`].
    pub fn set_secret(&self, grant: &Grant, name: &str, value: &str) -> Result<(), PluginError> {
        self.registry.set_secret(grant.actor(), name, value)
    }

    /// Removes a secret.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], or [`PluginError::InUse`] by whom.
    pub fn remove_secret(&self, grant: &Grant, name: &str) -> Result<(), PluginError> {
        self.registry.remove_secret(grant.actor(), name)
    }

    /// Every payload mode, built in or made for the domain, by name.
    #[must_use]
    pub fn modes(&self, _: &Grant) -> Vec<ModeView> {
        self.registry.modes()
    }

    /// One payload mode.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`].
    pub fn mode(&self, _: &Grant, name: &str) -> Result<ModeView, PluginError> {
        self.registry.mode(name)
    }

    /// Makes a payload mode, or makes one anew: then it holds for those who use it from their next batch on.
    ///
    /// # Errors
    ///
    /// [`PluginError::Invalid`] for a name or a definition that cannot be, a built-in name, or when a plugin that uses it
    /// would see nothing any more.
    pub fn set_mode(&self, grant: &Grant, name: &str, request: &ModeRequest) -> Result<ModeView, PluginError> {
        self.registry.set_mode(grant.actor(), name, request)
    }

    /// Removes a payload mode.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], or [`PluginError::InUse`] by whom.
    pub fn remove_mode(&self, grant: &Grant, name: &str) -> Result<(), PluginError> {
        self.registry.remove_mode(grant.actor(), name)
    }

    /// How every plugin stands, by name.
    #[must_use]
    pub fn list(&self, _: &Grant) -> Vec<PluginStatus> {
        self.registry.list()
    }

    /// Whether a plugin of this name is installed that takes deliveries.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.registry.find_fed(name).is_ok()
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

    /// The lines that a plugin logged behind those that were seen, and a sign of further ones.
    pub(crate) fn logs_behind(
        &self,
        _: &Grant,
        name: &str,
        seen: Option<u64>,
        limit: usize,
    ) -> Result<(logs::Tail, watch::Receiver<()>), PluginError> {
        let logs = &self.registry.find(name)?.logs;
        let mut moves = logs.moves();
        // IMPORTANT: before the lines are read, so that one that comes meanwhile is not slept over.
        moves.borrow_and_update();
        Ok((logs.behind(seen, limit), moves))
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

    /// Has the first event of an entry delivered with another payload, which is JSON text, from now on. The log keeps its
    /// own; a rebuild reads that one.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], [`PluginError::Invalid`] for a payload that does not fit, or [`PluginError::Stopped`] when
    /// the plugin is disabled.
    pub fn queue_edit(&self, grant: &Grant, name: &str, id: &str, payload: &str) -> Result<Parked, PluginError> {
        self.registry.queue_edit(grant.actor(), name, id, payload)
    }

    /// Makes a failure capsule of the first event of a parked entry, or of what the plugin is given next. Nothing of the
    /// plugin changes.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], or [`PluginError::Invalid`] when there is nothing to deliver.
    pub fn capsule(&self, _: &Grant, name: &str, entry: Option<&str>) -> Result<Capsule, PluginError> {
        self.registry.capsule(name, entry)
    }

    /// Gives up what an entry (or `all`) has parked up to now; later events are delivered again. Answers how many entries.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], or [`PluginError::Stopped`] when the plugin is disabled.
    pub fn queue_discard(&self, grant: &Grant, name: &str, id: &str) -> Result<usize, PluginError> {
        self.registry.queue_discard(grant.actor(), name, id)
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
        self.registry.queries.ask(name, Question { query, params, cursor }, wait)
    }

    /// The limits of each instance.
    pub(crate) fn instance_limits(&self) -> &Limits {
        &self.registry.services.limits.instance
    }

    /// Hands a request to a gateway; the answer comes by itself.
    ///
    /// # Errors
    ///
    /// [`PluginError::NotFound`], [`PluginError::Invalid`] when it is no gateway, [`PluginError::Stopped`], or
    /// [`PluginError::Busy`] when too many requests wait.
    pub(crate) fn call(&self, _: &Grant, name: &str, request: GatewayRequest) -> Result<Reply, PluginError> {
        self.registry.call(name, request)
    }

    /// The log, for those who follow it from outside the sandbox.
    pub(crate) fn source(&self) -> Source {
        self.registry.source()
    }

    /// Stops the workers between two batches and waits for them. Afterwards nothing is delivered any more.
    pub fn shutdown(&self) {
        self.registry.shutdown();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
