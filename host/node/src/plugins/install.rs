//! Installing: what is asked for, and what is checked before anything runs.

use std::{collections::BTreeMap, sync::Arc};

use eventdbx_sandbox::{Fields, Kind, Parts, Plugin, StartContext, StartReason};
use eventdbx_store::AggregateRef;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    PayloadMode, PluginError, cut, guest::Guest, host::TableHost, logs::Logs, record::Record, selector::Selector,
    services::Services,
};
use crate::outbound::{TargetGrant, Targets};

/// What is asked for when a plugin is installed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
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
    /// Globs that an aggregate must match (`type` or `type/id`); none: any.
    #[serde(default)]
    pub aggregates: Vec<String>,
    /// Globs that an event type must match; none: any but EventDBX's own, which begin with `$`.
    #[serde(default)]
    pub events: Vec<String>,
    /// Configuration object for the component.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub config: serde_json::Map<String, serde_json::Value>,
    /// What a transport may reach, by the name that it uses.
    #[serde(default)]
    pub targets: BTreeMap<String, TargetGrant>,
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
        let fits = check_mode(mode, descriptor.selector.parts).map_err(&mut faulty);
        if let Err(globs) = Selector::new(descriptor, &request.aggregates, &request.events) {
            globs.into_iter().for_each(&mut faulty);
        }
        if let Err(refused) = check_targets(descriptor.kind, &request.targets) {
            refused.into_iter().for_each(&mut faulty);
        }
        if descriptor.selector.fields != Fields::All {
            faulty("the plugin asks for a part of the fields only, which this version cannot cut out yet".to_owned());
        }
        let (Ok(history), Ok(())) = (history, fits) else { return Err(PluginError::Invalid(faults)) };
        if !faults.is_empty() {
            return Err(PluginError::Invalid(faults));
        }
        dry_run(services, &plugin, &Value::Object(request.config.clone()).to_string())?;
        Ok(Self { name, history, plugin, mode, request })
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
            aggregates: self.request.aggregates.clone(),
            events: self.request.events.clone(),
            config: self.request.config.clone(),
            targets: self.request.targets.clone(),
            enabled: true,
            generation,
            rebuild: None,
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

/// Lets the plugin check its configuration and start with it, so that what is wrong shows now rather than later.
fn dry_run(services: &Services, plugin: &Plugin, config: &str) -> Result<(), PluginError> {
    let refused = |stop: eventdbx_sandbox::Stop| PluginError::invalid(stop.to_string());
    plugin.check_config(config).map_err(refused)?;
    let logs = Logs::new(Arc::clone(&services.clock), 0);
    let host = TableHost { tables: None, logs: Arc::new(logs), link: None };
    let domain = services.domain.name().as_str();
    let context = StartContext { domain, config, reason: StartReason::FirstStart };
    Guest::start(plugin, Box::new(host), context, &services.instance_limits).map(drop).map_err(refused)
}

/// Checks that a mode leaves the plugin something: what it delivers are the parts that the mode names and the plugin can
/// use, and never any other.
pub(super) fn check_mode(mode: PayloadMode, ceiling: Parts) -> Result<(), String> {
    let nothing = Parts::default();
    if ceiling == nothing || cut::common(cut::parts(mode), ceiling) != nothing {
        return Ok(());
    }
    Err(format!(
        "the payload mode {mode} carries {}, and the plugin can use nothing of that but {}: take another mode, e.g. all, \
         which carries what the plugin can use",
        list(&names(cut::parts(mode))),
        list(&names(ceiling)),
    ))
}

fn names(parts: Parts) -> Vec<&'static str> {
    let all = [
        (parts.payload, "payload"),
        (parts.state, "state"),
        (parts.schema, "schema"),
        (parts.envelope, "envelope"),
        (parts.extensions, "extensions"),
    ];
    all.into_iter().filter_map(|(has, name)| has.then_some(name)).collect()
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: Parts = Parts { payload: true, state: false, schema: false, envelope: true, extensions: true };
    const ALL: Parts = Parts { state: true, schema: true, ..EVENT };

    #[test]
    fn a_mode_that_leaves_nothing_is_refused() {
        for mode in PayloadMode::ALL {
            assert_eq!(check_mode(mode, ALL), Ok(()), "{mode}");
            assert_eq!(check_mode(mode, Parts::default()), Ok(()), "{mode}: who wants nothing gets nothing");
        }
        assert_eq!(check_mode(PayloadMode::All, EVENT), Ok(()), "as much of it as the plugin can use");
        let refused = check_mode(PayloadMode::StateOnly, EVENT).unwrap_err();
        assert!(refused.contains("carries state") && refused.contains("payload, envelope, extensions"), "{refused}");
    }

    #[test]
    fn a_plugin_gets_no_part_that_it_did_not_ask_for() {
        assert_eq!(cut::common(cut::parts(PayloadMode::All), EVENT), EVENT);
        let payload = Parts { payload: true, ..Parts::default() };
        assert_eq!(cut::common(cut::parts(PayloadMode::EventOnly), payload), payload);
    }
}
