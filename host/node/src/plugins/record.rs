//! The record of an installed plugin, as it is kept in the plugins' database and told in the log.

use std::collections::BTreeMap;

use eventdbx_sandbox::{Descriptor, Kind};
use eventdbx_store::plugindb::Generation;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    DomainGrants, PayloadMode, PluginPriority, life::Life, selection::Selection, selector::Selector, slice::ModeMap,
};
use crate::outbound::TargetGrant;

/// An installed plugin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) component: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) queries: Vec<String>,
    pub(super) payload_mode: PayloadMode,
    #[serde(default)]
    pub(super) priority: PluginPriority,
    pub(super) aggregates: Vec<String>,
    pub(super) events: Vec<String>,
    #[serde(default)]
    pub(super) selection: Selection,
    pub(super) config: Map<String, Value>,
    /// What a transport may reach. Secrets are among it: this record is kept sealed.
    #[serde(default)]
    pub(super) targets: BTreeMap<String, TargetGrant>,
    /// What a gateway may do in its domain.
    #[serde(default)]
    pub(super) grants: DomainGrants,
    pub(super) enabled: bool,
    /// The generation that answers queries.
    pub(super) generation: Generation,
    /// One that is being rebuilt beside it.
    pub(super) rebuild: Option<Rebuild>,
    #[serde(default)]
    pub(super) life: Life,
}

/// A generation that is being rebuilt.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Rebuild {
    pub(super) generation: Generation,
    /// Mode of its deliveries until it takes the live one's place.
    pub(super) payload_mode: PayloadMode,
}

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// Whether it is of a schema extension: one is asked, and takes no deliveries.
    pub(super) fn is_extension(&self) -> bool {
        self.kind == Kind::SchemaExtension.as_str()
    }

    /// Its kind, if that takes no deliveries.
    pub(super) fn takes_none(&self) -> Option<Kind> {
        Kind::named(&self.kind).filter(|kind| !kind.takes_deliveries())
    }

    /// What it lets its plugin see.
    pub(super) fn selector(&self, descriptor: &Descriptor, modes: &ModeMap) -> Result<Selector, Vec<String>> {
        Selector::new(&descriptor.selector, &self.aggregates, &self.events)?.narrowed(&self.selection, modes)
    }

    /// What the log says of an installation. Of the configuration only the names, as its values may be secret; likewise of
    /// the headers that are put in.
    pub(super) fn announcement(&self) -> String {
        json!({
            "component": self.component,
            "version": self.version,
            "kind": self.kind,
            "payload_mode": self.payload_mode,
            "priority": self.priority,
            "aggregates": self.aggregates,
            "events": self.events,
            "selection": self.selection,
            "signer": self.life.signer,
            "config": self.config.keys().collect::<Vec<_>>(),
            "targets": self.targets.iter().map(|(name, grant)| told(name, grant)).collect::<Vec<_>>(),
            "grants": self.grants.words(),
        })
        .to_string()
    }

    /// Whether it could not do without a payload mode.
    pub(super) fn uses(&self, mode: PayloadMode) -> bool {
        if self.takes_none().is_some() {
            return false;
        }
        let rebuild = self.rebuild.as_ref().map(|rebuild| rebuild.payload_mode);
        [Some(self.payload_mode), self.selection.max_mode, rebuild].contains(&Some(mode))
    }

    /// Every generation that it names.
    pub(super) fn generations(&self) -> Vec<Generation> {
        let rebuild = self.rebuild.as_ref().map(|rebuild| rebuild.generation);
        let kept = self.life.kept.iter().map(|kept| kept.generation);
        let mut all: Vec<_> = [self.generation].into_iter().chain(rebuild).chain(kept).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn told(name: &str, grant: &TargetGrant) -> Value {
    let headers: Vec<_> = grant.headers.keys().collect();
    json!({
        "name": name,
        "url": grant.url,
        "private": grant.private,
        "own_ca": grant.ca.is_some(),
        "secret_headers": headers,
    })
}
