//! Changing an installed plugin while it runs: mode, selector, fields, configuration; pausing it; and exchanging its worker.

use std::sync::Arc;

use eventdbx_sandbox::{Kind, Plugin};
use eventdbx_store::plugindb::Generation;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    DomainGrants, FieldList, PayloadMode, PluginError, PluginPriority, PluginStatus,
    extensions::Brings,
    install,
    installed::Installed,
    lock,
    record::Record,
    redact,
    registry::{self, Registry, internal},
};

/// What is to change; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigRequest {
    /// What deliveries carry.
    pub payload_mode: Option<PayloadMode>,
    /// How much of the processor it gets beside others.
    pub priority: Option<PluginPriority>,
    /// Globs that an aggregate must match (`type` or `type/id`); an empty list: any.
    pub aggregates: Option<Vec<String>>,
    /// Globs that an event type must match; an empty list: any but EventDBX's own.
    pub events: Option<Vec<String>>,
    /// Only events that pass this filter expression; an empty text: any.
    pub filter: Option<String>,
    /// Only these fields of payload and state; an empty list: all.
    pub include: Option<Vec<String>>,
    /// Not these fields; an empty list: none is left out.
    pub exclude: Option<Vec<String>>,
    /// Whether it is fed with what it selects, or only with those events of it whose writer names it.
    pub emit: Option<bool>,
    /// Configuration object for the component.
    #[schema(value_type = Option<Object>)]
    pub config: Option<Map<String, Value>>,
    /// What a gateway may do from now on: `append=TYPE[/ID]`, `read=TYPE[/ID]` or `query=PLUGIN`.
    pub grant: Vec<String>,
    /// What it may not do any more, as it was granted.
    pub revoke: Vec<String>,
}

/// How a plugin is configured.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConfigView {
    /// Name of the plugin.
    pub name: String,
    /// Kind of the component, e.g. `read-model`.
    pub kind: String,
    /// What deliveries carry.
    pub payload_mode: PayloadMode,
    /// How much of the processor it gets beside others.
    pub priority: PluginPriority,
    /// The most that was granted; none: all that it can use.
    pub max_mode: Option<PayloadMode>,
    /// Globs over aggregates; none: any.
    pub aggregates: Vec<String>,
    /// Globs over event types; none: any but EventDBX's own.
    pub events: Vec<String>,
    /// Filter expression.
    pub filter: Option<String>,
    /// Fields of payload and state.
    pub fields: FieldList,
    /// Whether it is fed with what it selects, or only with those events of it whose writer names it.
    pub emit: bool,
    /// Configuration of the component, without what is secret.
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
    /// What a gateway may do in its domain.
    pub grants: DomainGrants,
    /// Position from which on all this holds for what is delivered: the cursor; of a schema extension, for what is written.
    pub holds_after: u64,
}

impl ConfigRequest {
    /// Whether what is delivered is to change.
    fn is_about_deliveries(&self) -> bool {
        let Self {
            payload_mode,
            priority,
            aggregates,
            events,
            filter,
            include,
            exclude,
            emit,
            config: _,
            grant: _,
            revoke: _,
        } = self;
        let lists = [aggregates, events, include, exclude];
        payload_mode.is_some()
            || priority.is_some()
            || filter.is_some()
            || emit.is_some()
            || lists.iter().any(|list| list.is_some())
    }

    /// What of it makes no sense for a plugin of this kind.
    fn check(&self, name: &str, kind: &str) -> Result<(), PluginError> {
        let Some(kind) = Kind::named(kind) else { return Ok(()) };
        let article = kind.article();
        if self.is_about_deliveries() && !kind.takes_deliveries() {
            let message = format!("{name} is {article} and takes no deliveries: there is nothing to select of them");
            return Err(PluginError::invalid(message));
        }
        if kind != Kind::Gateway && !(self.grant.is_empty() && self.revoke.is_empty()) {
            let message =
                format!("{name} is {article} and has no grants that can be changed: install it anew with others");
            return Err(PluginError::invalid(message));
        }
        Ok(())
    }

    /// Takes the changes over into a record.
    fn apply(self, record: &mut Record) -> Result<(), PluginError> {
        let Self { payload_mode, priority, aggregates, events, filter, include, exclude, emit, config, grant, revoke } =
            self;
        record.grants.change(&grant, &revoke).map_err(PluginError::Invalid)?;
        let (selection, given) = (&mut record.selection, |text: String| (!text.trim().is_empty()).then_some(text));
        record.payload_mode = payload_mode.unwrap_or(record.payload_mode);
        record.priority = priority.unwrap_or(record.priority);
        if let Some(aggregates) = aggregates {
            record.aggregates = aggregates;
        }
        if let Some(events) = events {
            record.events = events;
        }
        if let Some(filter) = filter {
            selection.filter = given(filter);
        }
        if let Some(include) = include {
            selection.fields.include = include;
        }
        if let Some(exclude) = exclude {
            selection.fields.exclude = exclude;
        }
        selection.emit = emit.or(selection.emit);
        if let Some(config) = config {
            record.config = config;
        }
        Ok(())
    }
}

impl Registry {
    pub(super) fn config(&self, name: &str) -> Result<ConfigView, PluginError> {
        let installed = self.find(name)?;
        let (record, status) = (installed.record(), self.status(&installed));
        let plugin = installed.plugin().map_or_else(|| self.services.load(&record.component), Ok)?;
        Ok(ConfigView {
            name: name.to_owned(),
            kind: record.kind,
            payload_mode: record.payload_mode,
            priority: record.priority,
            max_mode: record.selection.max_mode,
            aggregates: record.aggregates,
            events: record.events,
            emit: record.selection.is_fed(),
            filter: record.selection.filter,
            fields: record.selection.fields,
            config: redact::config(&record.config, &plugin.descriptor().config_schema),
            grants: record.grants,
            holds_after: status.cursor,
        })
    }

    /// Changes a plugin between two batches.
    pub(super) fn configure(&self, actor: &str, name: &str, request: ConfigRequest) -> Result<ConfigView, PluginError> {
        let changing = lock(&self.changing);
        let installed = self.find(name)?;
        let mut record = installed.record();
        let plugin = self.services.load(&record.component)?;
        request.check(name, &record.kind)?;
        request.apply(&mut record)?;
        self.check_mode(&record, plugin.descriptor(), record.payload_mode)?;
        record.life.brings = self.check_exchange(name, &plugin, &record.config)?;
        self.tell(&registry::history(name)?, "$plugin_configured", &record.announcement(), actor)?;
        let change = |kept: &mut Record| {
            // The worker may have flipped meanwhile: of the record only what was asked for changes.
            (kept.payload_mode, kept.priority) = (record.payload_mode, record.priority);
            (kept.aggregates, kept.events) = (record.aggregates, record.events);
            (kept.selection, kept.config) = (record.selection, record.config);
            kept.grants = record.grants;
            kept.life.brings = record.life.brings;
        };
        self.exchange(&installed, change, &[])?;
        drop(changing);
        self.config(name)
    }

    pub(super) fn pause(&self, actor: &str, name: &str) -> Result<PluginStatus, PluginError> {
        let _changing = lock(&self.changing);
        let installed = self.find(name)?;
        self.shapes_for_nobody(&installed)?;
        self.tell(&registry::history(name)?, "$plugin_paused", "{}", actor)?;
        self.exchange(&installed, |record| record.life.paused = true, &[])?;
        Ok(self.status(&installed))
    }

    pub(super) fn resume(&self, actor: &str, name: &str) -> Result<PluginStatus, PluginError> {
        let _changing = lock(&self.changing);
        let installed = self.find(name)?;
        if !installed.record().enabled {
            return Err(installed.not_running());
        }
        self.tell(&registry::history(name)?, "$plugin_resumed", "{}", actor)?;
        self.exchange(&installed, |record| record.life.paused = false, &[])?;
        Ok(self.status(&installed))
    }

    /// Checks that a plugin can go on as this component with this configuration, and so can whoever uses what it brings, which
    /// is the answer.
    pub(super) fn check_exchange(
        &self,
        name: &str,
        plugin: &Plugin,
        config: &Map<String, Value>,
    ) -> Result<Brings, PluginError> {
        let config = self.services.secrets.fill(config).map_err(PluginError::invalid)?;
        install::dry_run(&self.services, plugin, &config)?;
        if plugin.descriptor().kind == Kind::PayloadMode {
            self.check_changed_mode(name, plugin, config.clone())?;
        }
        self.check_extension(name, plugin, &config)
    }

    /// Stops a worker between two batches, changes the record, and starts a worker again if one is to run.
    pub(super) fn exchange(
        &self,
        installed: &Arc<Installed>,
        change: impl FnOnce(&mut Record),
        doomed: &[Generation],
    ) -> Result<(), PluginError> {
        registry::stop(installed);
        let changed = installed.change(&self.services, change, doomed).map_err(internal);
        // Whatever became of the change, the plugin goes on as its record says.
        self.run_as_recorded(installed)?;
        changed
    }

    /// Starts the worker of a plugin, if it is to run.
    pub(super) fn run_as_recorded(&self, installed: &Arc<Installed>) -> Result<(), PluginError> {
        let record = installed.record();
        match (record.enabled, record.life.paused) {
            (true, false) => self.start(installed),
            (true, true) => {
                installed.paused();
                self.end_shaping(&installed.name);
                let how = format!("it is paused: resume it (`dbx plugin resume {}`)", installed.name);
                self.silence(installed, &how)
            }
            (false, _) => {
                installed.disabled();
                self.end_shaping(&installed.name);
                let how = format!("it is disabled: enable it (`dbx plugin enable {}`)", installed.name);
                self.silence(installed, &how)
            }
        }
    }

    /// Has those plugins go on with a secret as it is now whose configuration names it.
    pub(super) fn renew_secret(&self, name: &str) -> Result<(), PluginError> {
        let plugins: Vec<_> = lock(&self.plugins).values().cloned().collect();
        for installed in plugins.iter().filter(|installed| super::secrets::names(&installed.record().config, name)) {
            self.exchange(installed, |_| {}, &[])?;
        }
        Ok(())
    }

    /// What the log says of an exchange of components.
    pub(super) fn tell_exchange(
        &self,
        name: &str,
        event: &str,
        (component, version): (&str, &str),
        rebuilt: bool,
        actor: &str,
    ) -> Result<(), PluginError> {
        let payload = json!({ "component": component, "version": version, "rebuilt": rebuilt }).to_string();
        self.tell(&registry::history(name)?, event, &payload, actor)
    }
}
