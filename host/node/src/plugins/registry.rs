//! The plugins of a domain by name, and all that is done to them from outside.
//!
//! What changes a plugin is told in the log first, with who asked for it, and then done. Changes happen one at a time.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use eventdbx_sandbox::{Kind, Plugin, Sandbox};
use eventdbx_store::{
    AggregateNumber, AggregateRef, CompactRange, Domain,
    plugindb::{Generation, PluginDb},
    schema::Extensions,
    system_clock,
};
use serde_json::{json, value::RawValue};

use super::{
    ComponentInfo, InstallRequest, Parked, ParkedDetail, PluginError, PluginLimits, PluginStatus,
    components::Components,
    cut::{CutError, Cutter, Extent, Gathered},
    drop_in::DropIn,
    extensions::{Brings, Running},
    feed::Feed,
    install::Checked,
    installed::Installed,
    jobs::Jobs,
    keeper::Keeper,
    lock,
    modes::Modes,
    parking::{self, ParkedRow},
    query::Queries,
    queue::Stretch,
    record::Record,
    secrets::Secrets,
    services::Services,
    signing::Signing,
    source::Source,
    states::States,
    worker::{Command, Handle, Reply},
};
use crate::trace::Tracer;

/// How long a worker is waited for that is in the middle of a batch.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(90);
/// Deliveries that are shown of a parked aggregate.
const SHOWN_DELIVERIES: usize = 100;

/// The plugins of a domain.
pub(super) struct Registry {
    pub(super) services: Arc<Services>,
    /// What was added last: whoever adds a component installs it next, and need not have it loaded again.
    added: Mutex<Option<Plugin>>,
    pub(super) plugins: Arc<Mutex<BTreeMap<String, Arc<Installed>>>>,
    /// Held while something is installed, removed, enabled or disabled.
    pub(super) changing: Mutex<()>,
    pub(super) queries: Arc<Queries>,
    /// The schema extensions.
    pub(super) extensions: Arc<Running>,
    pub(super) drop_in: DropIn,
}

impl Registry {
    pub(super) fn open(
        domain: Domain,
        dir: &Path,
        sandbox: Sandbox,
        limits: PluginLimits,
        tracer: Tracer,
    ) -> Result<Self, PluginError> {
        let db = PluginDb::open(&dir.join("plugins"), domain.plugin_cipher(), limits.block_cache_bytes);
        let db = db.map_err(internal)?;
        let feed = Feed::start(&domain, limits.recent_bytes, limits.page_cache_bytes).map_err(internal)?;
        let services = Arc::new(Services {
            states: States::new(domain.clone(), db.clone(), limits.state_cache_bytes),
            keeper: Keeper::start(db.clone()).map_err(internal)?,
            jobs: Jobs::open(db.clone()).map_err(internal)?,
            components: Components::open(dir.join("components")).map_err(internal)?,
            modes: Modes::open(&db)?,
            secrets: Secrets::open(&db)?,
            signing: Signing::open(&db)?,
            clock: system_clock(),
            domain,
            db,
            feed,
            sandbox,
            limits,
            tracer,
        });
        let plugins = Arc::default();
        let registry = Self {
            queries: Arc::new(Queries::new(&services, &plugins)),
            services,
            added: Mutex::default(),
            plugins,
            changing: Mutex::default(),
            extensions: Arc::default(),
            drop_in: DropIn::default(),
        };
        registry.restore()?;
        registry.services.domain.extend(Arc::clone(&registry.extensions) as Arc<dyn Extensions>);
        Ok(registry)
    }

    /// Brings back what was installed.
    fn restore(&self) -> Result<(), PluginError> {
        let mut all = Vec::new();
        for (name, record) in self.services.db.plugins().map_err(internal)? {
            all.push(self.admit(&name, Record::decode(&record).map_err(internal)?)?);
        }
        // Modes first: others are to find those that they use.
        all.sort_by_key(|installed| !installed.is(Kind::PayloadMode));
        all.iter().try_for_each(|installed| self.run_as_recorded(installed))
    }

    /// Makes a plugin known under its name.
    fn admit(&self, name: &str, record: Record) -> Result<Arc<Installed>, PluginError> {
        let Services { db, clock, limits, .. } = &*self.services;
        let cursor = db.cursor(record.generation).map_err(internal)?.unwrap_or_default();
        let installed = Arc::new(Installed::new(name, record, cursor, Arc::clone(clock), limits.log_lines));
        lock(&self.plugins).insert(name.to_owned(), Arc::clone(&installed));
        Ok(installed)
    }

    pub(super) fn start(&self, installed: &Arc<Installed>) -> Result<(), PluginError> {
        match Kind::named(&installed.record().kind) {
            Some(Kind::SchemaExtension) => return self.extend(installed),
            Some(Kind::Gateway) => return self.open_gateway(installed),
            Some(Kind::PayloadMode) => {
                self.shape(installed);
                return Ok(());
            }
            _ => {}
        }
        *lock(&installed.worker) =
            Some(Handle::start(&self.services, installed, |services, installed| installed.program(services))?);
        Ok(())
    }

    /// What only an installation of a kind must be checked for that takes no deliveries.
    fn check_unfed(&self, checked: &Checked) -> Result<Brings, PluginError> {
        let kind = checked.plugin.descriptor().kind;
        if !kind.takes_deliveries() && !checked.request.takes_all() {
            let message = "takes no deliveries of its own: leave aggregates, events, filter, fields and modes out";
            return Err(PluginError::invalid(format!("{} {message}", kind.article())));
        }
        if kind == Kind::PayloadMode {
            self.check_new_mode(&checked.name, &checked.plugin, checked.config.clone())?;
        }
        self.check_extension(&checked.name, &checked.plugin, &checked.config)
    }

    pub(super) fn add_component(&self, wasm: &[u8]) -> Result<ComponentInfo, PluginError> {
        let plugin = self.services.sandbox.load(wasm).map_err(|error| PluginError::invalid(error.to_string()))?;
        let hash = plugin.hash();
        self.services.components.put(hash, wasm).map_err(internal)?;
        let descriptor = plugin.descriptor();
        let info = ComponentInfo {
            hash: hash.to_string(),
            name: descriptor.name.clone(),
            version: descriptor.version.clone(),
            kind: descriptor.kind.as_str().to_owned(),
            api_version: plugin.api_version().to_string(),
            queries: descriptor.queries.iter().map(|query| query.name.clone()).collect(),
        };
        *lock(&self.added) = Some(plugin);
        Ok(info)
    }

    pub(super) fn install(&self, actor: &str, request: InstallRequest) -> Result<PluginStatus, PluginError> {
        let _changing = lock(&self.changing);
        let signer = self.check_signature(&request.component, request.signature.as_deref())?;
        let checked = Checked::new(&self.services, request)?;
        if lock(&self.plugins).contains_key(&checked.name) {
            return Err(PluginError::NameTaken(checked.name));
        }
        let brings = self.check_unfed(&checked)?;
        let mut record = checked.record(&self.services)?;
        (record.life.signer, record.life.brings) = (signer, brings);
        self.tell(&checked.history, "$plugin_installed", &record.announcement(), actor)?;
        self.services.db.save_plugin(&checked.name, &record.encode(), &[]).map_err(internal)?;
        let installed = self.admit(&checked.name, record)?;
        installed.start_with(checked.plugin);
        lock(&self.added).take();
        self.start(&installed)?;
        Ok(self.status(&installed))
    }

    pub(super) fn enable(&self, actor: &str, name: &str) -> Result<PluginStatus, PluginError> {
        let _changing = lock(&self.changing);
        let installed = self.find(name)?;
        self.tell(&history(name)?, "$plugin_enabled", "{}", actor)?;
        self.exchange(&installed, |record| (record.enabled, record.life.paused) = (true, false), &[])?;
        Ok(self.status(&installed))
    }

    pub(super) fn disable(&self, actor: &str, name: &str) -> Result<PluginStatus, PluginError> {
        let _changing = lock(&self.changing);
        let installed = self.find(name)?;
        self.shapes_for_nobody(&installed)?;
        self.tell(&history(name)?, "$plugin_disabled", "{}", actor)?;
        self.exchange(&installed, |record| record.enabled = false, &[])?;
        Ok(self.status(&installed))
    }

    pub(super) fn find(&self, name: &str) -> Result<Arc<Installed>, PluginError> {
        lock(&self.plugins).get(name).cloned().ok_or_else(|| PluginError::no_plugin(name))
    }

    /// A plugin that takes deliveries.
    pub(super) fn find_fed(&self, name: &str) -> Result<Arc<Installed>, PluginError> {
        let installed = self.find(name)?;
        installed.check_fed()?;
        Ok(installed)
    }

    pub(super) fn list(&self) -> Vec<PluginStatus> {
        let plugins: Vec<_> = lock(&self.plugins).values().cloned().collect();
        plugins.iter().map(|installed| self.status(installed)).collect()
    }

    pub(super) fn status(&self, installed: &Installed) -> PluginStatus {
        let domain = &self.services.domain;
        let unseen = |position| Some(domain.scan(position).next()?.ok()?.header.recorded_at);
        let status = installed.status(domain.head().position, unseen, (self.services.clock)());
        let (extension, drop_in) = (self.extension_status(installed), self.drop_in.problem(&installed.name));
        PluginStatus { extension, drop_in, ..status }
    }

    pub(super) fn queue(&self, name: &str) -> Result<Vec<Parked>, PluginError> {
        let (_, parked) = self.parked(&*self.find_fed(name)?)?;
        let mut rows: Vec<_> = parked.iter().map(|(number, row)| row.told(*number)).collect();
        rows.sort_by_key(|row| row.first_position);
        Ok(rows)
    }

    pub(super) fn parked(
        &self,
        installed: &Installed,
    ) -> Result<(Generation, Vec<(AggregateNumber, ParkedRow)>), PluginError> {
        let generation = installed.record().generation;
        let rows = self.services.db.parked(generation).map_err(internal)?;
        let rows = rows.into_iter().map(|(number, row)| Ok((number, ParkedRow::decode(&row).map_err(internal)?)));
        Ok((generation, rows.collect::<Result<_, PluginError>>()?))
    }

    pub(super) fn queue_entry(&self, name: &str, id: &str) -> Result<ParkedDetail, PluginError> {
        let installed = self.find_fed(name)?;
        let (generation, number, row) = self.entry(&installed, id)?;
        let (deliveries, more) = self.deliveries(&installed, generation, &row)?;
        Ok(ParkedDetail { parked: row.told(number), deliveries, more })
    }

    /// A parked entry, by its id.
    pub(super) fn entry(
        &self,
        installed: &Installed,
        id: &str,
    ) -> Result<(Generation, AggregateNumber, ParkedRow), PluginError> {
        let (generation, parked) = self.parked(installed)?;
        let entry = parked.into_iter().find(|(number, _)| number.to_string() == id);
        let (number, row) = entry.ok_or_else(|| no_entry(id))?;
        Ok((generation, number, row))
    }

    /// The first deliveries of a parked stretch, cut as the plugin would get them.
    fn deliveries(
        &self,
        installed: &Installed,
        generation: Generation,
        row: &ParkedRow,
    ) -> Result<(Vec<Box<RawValue>>, bool), PluginError> {
        let Services { domain, db, limits, modes, .. } = &*self.services;
        let (plugin, record) = (installed.plugin().ok_or_else(|| installed.not_running())?, installed.record());
        let selector = record.selector(plugin.descriptor(), &modes.current()).map_err(PluginError::Invalid)?;
        let selector = selector.named(&installed.name);
        let to = db.cursor(generation).map_err(internal)?.unwrap_or_default().position;
        let stretch = Stretch::read(domain, &selector, row, to, SHOWN_DELIVERIES).map_err(internal)?;
        let parked = Default::default();
        let cutter = Cutter::new(&self.services, &selector, &parked, record.payload_mode);
        let extent = Extent { from: row.position, to, items: SHOWN_DELIVERIES, bytes: limits.batch_bytes };
        let (mut gathered, mut more) = (Gathered::at(to, CompactRange::new()), stretch.rest.is_some());
        for event in stretch.events {
            if !parking::take(&cutter, &mut gathered, row, event, extent).map_err(internal)? {
                more = true;
                break;
            }
        }
        let cut = cutter.finish(gathered).map_err(uncut)?;
        let shown = cut.items.iter().map(|item| item.shown()).collect::<Result<_, _>>();
        Ok((shown.map_err(internal)?, more))
    }

    pub(super) fn queue_retry(&self, name: &str, id: &str) -> Result<usize, PluginError> {
        let installed = self.find_fed(name)?;
        let numbers = self.named(&installed, id)?;
        command(&installed, |reply| Command::Retry(numbers, reply))
    }

    pub(super) fn queue_discard(&self, actor: &str, name: &str, id: &str) -> Result<usize, PluginError> {
        let installed = self.find_fed(name)?;
        let numbers = self.named(&installed, id)?;
        if lock(&installed.worker).is_none() {
            return Err(installed.not_running());
        }
        self.tell(&history(name)?, "$plugin_deliveries_discarded", &json!({ "entries": numbers }).to_string(), actor)?;
        command(&installed, |reply| Command::Discard(numbers, reply))
    }

    /// The parked aggregates that an id (or `all`) names.
    fn named(&self, installed: &Installed, id: &str) -> Result<Vec<AggregateNumber>, PluginError> {
        let (_, parked) = self.parked(installed)?;
        let numbers = parked.into_iter().map(|(number, _)| number);
        if id == "all" {
            return Ok(numbers.collect());
        }
        let number = numbers.into_iter().find(|number| number.to_string() == id);
        Ok(vec![number.ok_or_else(|| no_entry(id))?])
    }

    /// Tells the log what becomes of a plugin.
    pub(super) fn tell(
        &self,
        history: &AggregateRef,
        event: &str,
        payload: &str,
        actor: &str,
    ) -> Result<(), PluginError> {
        self.services.tell(history, event, payload, actor)
    }

    pub(super) fn source(&self) -> Source {
        Source::new(&self.services)
    }

    pub(super) fn shutdown(&self) {
        // IMPORTANT: before `changing` is taken, for which it may be waiting.
        self.drop_in.stop();
        let _changing = lock(&self.changing);
        let plugins: Vec<_> = lock(&self.plugins).values().cloned().collect();
        plugins.iter().for_each(|installed| stop(installed));
        self.services.feed.stop();
        self.services.keeper.stop();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.shutdown();
    }
}

pub(super) fn stop(installed: &Installed) {
    let worker = lock(&installed.worker).take();
    if let Some(worker) = worker {
        worker.stop();
    }
    let gateway = lock(&installed.gateway).take();
    if let Some(gateway) = gateway {
        gateway.close();
    }
}

/// Has the worker do something, and waits for what comes of it.
pub(super) fn command<T>(installed: &Installed, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, PluginError> {
    let (reply, answer) = mpsc::sync_channel(1);
    let sent = lock(&installed.worker).as_ref().is_some_and(|worker| worker.send(command(reply)));
    if !sent {
        return Err(installed.not_running());
    }
    match answer.recv_timeout(COMMAND_TIMEOUT) {
        Ok(answer) => answer,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(PluginError::Busy(format!("{} is in the middle of a batch; it will follow", installed.name)))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(installed.not_running()),
    }
}

pub(super) fn history(name: &str) -> Result<AggregateRef, PluginError> {
    AggregateRef::new("$plugin", name).map_err(internal)
}

/// Why something cannot be shown as a plugin would get it.
pub(super) fn uncut(error: CutError) -> PluginError {
    match error {
        CutError::Rows(error) => error.into(),
        CutError::Mode(fault) => PluginError::ModeFailed(fault.to_string()),
    }
}

fn no_entry(id: &str) -> PluginError {
    PluginError::NotFound { what: "parked aggregate", name: id.to_owned() }
}

pub(super) fn internal(error: impl std::fmt::Display) -> PluginError {
    PluginError::Internal(error.to_string())
}
