//! Installing: what is asked for, and what is checked before anything runs.

use std::{collections::BTreeMap, sync::Arc};

use eventdbx_sandbox::{Descriptor, Kind, Plugin, StartContext, StartReason};
use eventdbx_store::AggregateRef;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    DomainGrants, FieldList, PayloadMode, PluginError, PluginPriority, config_schema, gateway::Access, guest::Guest,
    host::TableHost, life::Life, logs::Logs, record::Record, selection::Selection, selector::Selector,
    services::Services,
};
use crate::outbound::{TargetGrant, Targets};

/// What is asked for when a plugin is installed.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstallRequest {
    /// Hash of a component that was added before.
    pub component: String,
    /// Name to install it under; none: the one that it gives itself.
    #[serde(default)]
    pub name: Option<String>,
    /// What deliveries carry; none: `all`, which is whatever the component can use.
    #[serde(default)]
    pub payload_mode: Option<PayloadMode>,
    /// How much of the processor it gets beside others; none: `normal`.
    #[serde(default)]
    pub priority: PluginPriority,
    /// Globs that an aggregate must match (`type` or `type/id`); none: any.
    #[serde(default)]
    pub aggregates: Vec<String>,
    /// Globs that an event type must match; none: any but EventDBX's own, which begin with `$`.
    #[serde(default)]
    pub events: Vec<String>,
    /// Only events that pass this filter expression, over headers and what the plugin may see; none: any.
    #[serde(default)]
    pub filter: Option<String>,
    /// Fields of payload and state that it may see, in whichever mode; none: all.
    #[serde(default)]
    pub fields: FieldList,
    /// Whether it is fed with what it selects, or only with those events of it whose writer names it; none: the former.
    #[serde(default)]
    pub emit: Option<bool>,
    /// The most that it may see, whatever the mode of the installation or of a replay; none: all that it can use.
    #[serde(default)]
    pub max_mode: Option<PayloadMode>,
    /// A detached signature of the component, as `dbx plugin sign` writes it.
    #[serde(default)]
    pub signature: Option<String>,
    /// Configuration object for the component. In its texts `{{secret:NAME}}` stands for a secret of the domain.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub config: serde_json::Map<String, serde_json::Value>,
    /// What a transport may reach, by the name that it uses.
    #[serde(default)]
    pub targets: BTreeMap<String, TargetGrant>,
    /// What a gateway may do in its domain.
    #[serde(default)]
    pub grants: DomainGrants,
}

impl InstallRequest {
    /// Whether it selects nothing of what is delivered.
    pub(super) fn takes_all(&self) -> bool {
        let globs = self.aggregates.is_empty() && self.events.is_empty();
        globs && self.payload_mode.is_none() && self.selection() == Selection::default()
    }

    fn selection(&self) -> Selection {
        Selection { max_mode: self.max_mode, filter: self.filter.clone(), fields: self.fields.clone(), emit: self.emit }
    }
}

/// Type of the aggregates in which the log tells what became of plugins.
const HISTORY: &str = "$plugin";

/// An installation that was checked and can be carried out.
pub(super) struct Checked {
    pub(super) name: String,
    /// Where the log tells of it.
    pub(super) history: AggregateRef,
    pub(super) plugin: Plugin,
    pub(super) mode: PayloadMode,
    pub(super) request: InstallRequest,
    /// Its configuration as the guest gets it.
    pub(super) config: String,
}

impl Checked {
    /// Checks a request, and lets the plugin have a look at its configuration on instances that are thrown away. Every
    /// reason that can be found at once is reported.
    pub(super) fn new(services: &Services, request: InstallRequest) -> Result<Self, PluginError> {
        let plugin = services.load(&request.component)?;
        let descriptor = plugin.descriptor();
        let name = request.name.clone().unwrap_or_else(|| descriptor.name.clone());
        let mut faults = Vec::new();
        let mut faulty = |fault: String| faults.push(fault);
        let history = AggregateRef::new(HISTORY, &name).map_err(|error| faulty(format!("the plugin's name: {error}")));
        let mode = request.payload_mode.unwrap_or(PayloadMode::All);
        let (selection, modes) = (request.selection(), services.modes.current());
        let selector = Selector::new(&descriptor.selector, &request.aggregates, &request.events);
        match selector.and_then(|selector| selector.narrowed(&selection, &modes)) {
            Ok(selector) => selector.check_mode(mode, &modes).unwrap_or_else(&mut faulty),
            Err(more) => more.into_iter().for_each(&mut faulty),
        }
        if let Err(refused) = check_targets(descriptor.kind, &request.targets) {
            refused.into_iter().for_each(&mut faulty);
        }
        if let Err(refused) = check_grants(descriptor, &request.grants) {
            refused.into_iter().for_each(&mut faulty);
        }
        let Ok(history) = history else { return Err(PluginError::Invalid(faults)) };
        if !faults.is_empty() {
            return Err(PluginError::Invalid(faults));
        }
        let config = services.secrets.fill(&request.config).map_err(PluginError::invalid)?;
        dry_run(services, &plugin, &config)?;
        Ok(Self { name, history, plugin, mode, request, config })
    }

    /// The record of the plugin, with a generation of its own.
    pub(super) fn record(&self, services: &Services) -> Result<Record, PluginError> {
        let generation = services.db.next_generation().map_err(|error| PluginError::Internal(error.to_string()))?;
        let descriptor = self.plugin.descriptor();
        Ok(Record {
            component: self.request.component.clone(),
            version: descriptor.version.clone(),
            kind: descriptor.kind.as_str().to_owned(),
            queries: descriptor.queries.iter().map(|query| query.name.clone()).collect(),
            payload_mode: self.mode,
            priority: self.request.priority,
            aggregates: self.request.aggregates.clone(),
            events: self.request.events.clone(),
            selection: self.request.selection(),
            config: self.request.config.clone(),
            targets: self.request.targets.clone(),
            grants: self.request.grants.clone(),
            enabled: true,
            generation,
            rebuild: None,
            life: Life::default(),
        })
    }
}

/// Targets are a transport's, and one that is granted none would send nothing, for ever.
fn check_targets(kind: Kind, targets: &BTreeMap<String, TargetGrant>) -> Result<(), Vec<String>> {
    match (kind, targets.is_empty()) {
        (Kind::Transport, true) => {
            let how = "grant it a target, e.g. --grant http=NAME=https://example.org/hook";
            Err(vec![format!("a transport reaches only what is granted, and nothing is: {how}")])
        }
        (Kind::Transport, false) => Targets::new(targets).map(drop),
        (_, true) => Ok(()),
        (_, false) => Err(vec![format!("{} reaches nothing outside: grant it no target", kind.article())]),
    }
}

/// What can be done in a domain is a gateway's to do. One that is granted nothing may answer all the same.
fn check_grants(descriptor: &Descriptor, grants: &DomainGrants) -> Result<(), Vec<String>> {
    match (descriptor.kind, grants.is_empty()) {
        (Kind::Gateway, _) => Access::new(grants, &descriptor.capabilities).map(drop),
        (_, true) => Ok(()),
        (kind, false) => {
            Err(vec![format!("{} neither writes nor asks: grant it no append, read or query", kind.article())])
        }
    }
}

/// Checks a configuration, which has its secrets in it, against the plugin's own schema, and then lets the plugin check it and
/// start with it, so that what is wrong shows now rather than later.
pub(super) fn dry_run(services: &Services, plugin: &Plugin, config: &str) -> Result<(), PluginError> {
    config_schema::check(&plugin.descriptor().config_schema, config).map_err(PluginError::Invalid)?;
    let refused = |stop: eventdbx_sandbox::Stop| PluginError::invalid(stop.to_string());
    plugin.check_config(config).map_err(refused)?;
    let logs = Logs::new(Arc::clone(&services.clock), 0);
    let host = TableHost { tables: None, logs: Arc::new(logs), link: None };
    let domain = services.domain.name().as_str();
    let context = StartContext { domain, config, reason: StartReason::FirstStart };
    Guest::start(plugin, Box::new(host), context, &services.limits.instance).map(drop).map_err(refused)
}
