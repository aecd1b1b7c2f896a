//! `NAME.toml` beside a component in a drop-in folder: what `dbx plugin install` is told by options.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::plugins::{
    ConfigRequest, DomainGrants, FieldList, InstallRequest, PayloadMode, PluginPriority, TargetGrant, record::Record,
};

/// What the file may say; what is absent is as if the option were not given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Options {
    payload_mode: Option<PayloadMode>,
    priority: Option<PluginPriority>,
    max_mode: Option<PayloadMode>,
    aggregates: Option<Vec<String>>,
    events: Option<Vec<String>>,
    filter: Option<String>,
    include: Option<Vec<String>>,
    exclude: Option<Vec<String>>,
    emit: Option<bool>,
    config: Option<Map<String, Value>>,
    targets: Option<BTreeMap<String, TargetGrant>>,
    grants: Option<DomainGrants>,
}

impl Options {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| format!("the file of options beside it: {}", error.message()))
    }

    /// The installation that it asks for.
    pub(super) fn install(self, request: InstallRequest) -> InstallRequest {
        let Self {
            payload_mode,
            priority,
            max_mode,
            aggregates,
            events,
            filter,
            include,
            exclude,
            emit,
            config,
            targets,
            grants,
        } = self;
        InstallRequest {
            payload_mode,
            priority: priority.unwrap_or_default(),
            max_mode,
            aggregates: aggregates.unwrap_or_default(),
            events: events.unwrap_or_default(),
            filter,
            fields: FieldList { include: include.unwrap_or_default(), exclude: exclude.unwrap_or_default() },
            emit,
            config: config.unwrap_or_default(),
            targets: targets.unwrap_or_default(),
            grants: grants.unwrap_or_default(),
            ..request
        }
    }

    /// What is to change of an installed plugin; none: nothing.
    pub(super) fn changes(&self, record: &Record) -> Result<Option<ConfigRequest>, Vec<String>> {
        let mut faults = Vec::new();
        let selection = &record.selection;
        if self.max_mode.is_some() && self.max_mode != selection.max_mode {
            faults.push(
                "`max_mode` is granted when a plugin is installed: to change it, uninstall the plugin".to_owned(),
            );
        }
        if self.targets.as_ref().is_some_and(|targets| *targets != record.targets) {
            faults.push(
                "`targets` are granted when a plugin is installed: to change them, uninstall the plugin".to_owned(),
            );
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let filter = self.filter.clone().filter(|filter| Some(filter) != selection.filter.as_ref());
        // Grants that the file does not name any more are taken back.
        let (granted, wanted) = (record.grants.words(), self.grants.as_ref().map(DomainGrants::words));
        let wanted = wanted.as_ref().unwrap_or(&granted);
        let changes = ConfigRequest {
            payload_mode: self.payload_mode.filter(|mode| *mode != record.payload_mode),
            priority: self.priority.filter(|priority| *priority != record.priority),
            aggregates: other(self.aggregates.as_ref(), &record.aggregates),
            events: other(self.events.as_ref(), &record.events),
            filter,
            include: other(self.include.as_ref(), &selection.fields.include),
            exclude: other(self.exclude.as_ref(), &selection.fields.exclude),
            emit: self.emit.filter(|emit| *emit != selection.is_fed()),
            config: other(self.config.as_ref(), &record.config),
            grant: without(wanted, &granted),
            revoke: without(&granted, wanted),
        };
        Ok((changes != ConfigRequest::default()).then_some(changes))
    }
}

/// What is given, unless it is so already.
fn other<T: Clone + PartialEq>(given: Option<&T>, now: &T) -> Option<T> {
    given.filter(|given| *given != now).cloned()
}

/// The words of a list that another does not have.
fn without(words: &[String], others: &[String]) -> Vec<String> {
    words.iter().filter(|word| !others.contains(word)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_those_of_an_installation() {
        let text = "payload_mode = \"event-only\"\npriority = \"high\"\nemit = false\nevents = [\"flight_*\"]\nexclude = [\"/card\"]\n[config]\nminutes = 30\n\
                    [targets.hook]\nurl = \"https://example.org/in\"\n[grants]\nread = [\"order\"]";
        let request = Options::parse(text).unwrap().install(InstallRequest::default());
        assert_eq!((request.payload_mode, request.events), (Some(PayloadMode::EventOnly), vec!["flight_*".to_owned()]));
        assert_eq!((request.fields.exclude, &request.config["minutes"]), (vec!["/card".to_owned()], &Value::from(30)));
        assert_eq!(request.targets["hook"].url, "https://example.org/in");
        assert_eq!((request.priority, request.emit), (PluginPriority::High, Some(false)));
        assert_eq!(request.grants.words(), ["read=order"]);
        for (text, says) in [("mode = 1", "unknown field"), ("payload_mode = 1", "invalid type"), ("a =", "TOML")] {
            let fault = Options::parse(text).unwrap_err();
            assert!(fault.starts_with("the file of options beside it") || fault.contains(says), "{fault}");
        }
    }
}
