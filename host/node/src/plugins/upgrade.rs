//! Another component under the same name, and the way back.
//!
//! A component that can read the stored tables (same state version, same tables) takes over between two batches. Any other has
//! its tables built in a generation of its own beside the live one, which goes on meanwhile; the flip is one commit. What ran
//! before is kept, and a rollback is the same the other way round: kept tables catch up with the log before they are live.
//! A schema extension has no tables: another version of it always takes over at once.

use std::{collections::BTreeSet, sync::Arc};

use eventdbx_sandbox::{Descriptor, Plugin};
use eventdbx_store::plugindb::Generation;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    PluginError, PluginStatus,
    installed::Installed,
    life::{Code, Kept},
    lock,
    record::Record,
    registry::{Registry, internal},
    slice,
};

/// Another component for an installed plugin.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpgradeRequest {
    /// Hash of a component that was added before.
    pub component: String,
    /// What it asks for beyond the component before, and is granted now.
    #[serde(default)]
    pub grants: Vec<String>,
    /// A detached signature of the component.
    #[serde(default)]
    pub signature: Option<String>,
}

/// Where to go back to.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// A generation of tables that was kept; none: the component before.
    #[serde(default)]
    pub to: Option<u32>,
}

impl Registry {
    pub(super) fn upgrade(
        &self,
        actor: &str,
        name: &str,
        request: &UpgradeRequest,
    ) -> Result<PluginStatus, PluginError> {
        let _changing = lock(&self.changing);
        let installed = self.find(name)?;
        self.no_job(name)?;
        let record = installed.record();
        if request.component == record.component {
            return Err(PluginError::invalid(format!(
                "{name} has this component already: there is nothing to upgrade"
            )));
        }
        let signer = self.check_signature(&request.component, request.signature.as_deref())?;
        let (old, new) = (self.services.load(&record.component)?, self.services.load(&request.component)?);
        let (was, is) = (old.descriptor().kind, new.descriptor().kind);
        if was != is {
            return Err(PluginError::invalid(format!(
                "{name} is {}, and this component is {}: install it under a name of its own",
                was.article(),
                is.article()
            )));
        }
        let granted = self.consent(&record, old.descriptor(), new.descriptor(), &request.grants)?;
        self.check_mode(&record, new.descriptor(), record.payload_mode)?;
        let brings = self.check_exchange(name, &new, &record.config)?;
        let code = code(&request.component, new.descriptor(), signer);
        // What takes no deliveries has no tables that others could not read.
        let swaps = !is.takes_deliveries() || reads_tables_of(new.descriptor(), old.descriptor());
        self.tell_exchange(name, "$plugin_upgraded", (&code.component, &code.version), !swaps, actor)?;
        let also = |record: &mut Record| {
            granted(record);
            record.life.brings = brings;
        };
        self.take_over(&installed, code, if swaps { None } else { Some(self.next_generation()?) }, &new, also)?;
        Ok(self.status(&installed))
    }

    pub(super) fn rollback(&self, actor: &str, name: &str, to: Option<u32>) -> Result<PluginStatus, PluginError> {
        let _changing = lock(&self.changing);
        let installed = self.find(name)?;
        self.no_job(name)?;
        let mut record = installed.record();
        let wanted = |kept: &Kept| to.is_none_or(|to| kept.generation.get() == to);
        let place = record.life.kept.iter().rposition(wanted).ok_or_else(|| nothing_kept(name, to, &record))?;
        let Kept { code, generation } = record.life.kept.remove(place);
        let plugin = self.services.load(&code.component)?;
        let shared = generation == record.generation;
        // It may have been given another configuration since that component ran.
        let brings = self.check_exchange(name, &plugin, &record.config)?;
        self.tell_exchange(name, "$plugin_rolled_back", (&code.component, &code.version), !shared, actor)?;
        let forget = |record: &mut Record| {
            record.life.kept.retain(|kept| kept.code != code || kept.generation != generation);
            record.life.brings = brings;
        };
        self.take_over(&installed, code.clone(), (!shared).then_some(generation), &plugin, forget)?;
        Ok(self.status(&installed))
    }

    /// Lets a component take over: the live tables between two batches, or a generation of its own once that has caught up.
    fn take_over(
        &self,
        installed: &Arc<Installed>,
        code: Code,
        own: Option<Generation>,
        plugin: &Plugin,
        also: impl FnOnce(&mut Record),
    ) -> Result<(), PluginError> {
        super::registry::stop(installed);
        // The worker stands still, so that nobody else changes the record.
        let mut record = installed.record();
        also(&mut record);
        let mut doomed = record.give_up_rebuild();
        let swapped = match own {
            None => {
                let generation = record.generation;
                doomed.extend(record.exchange(code, generation));
                Some(plugin.clone())
            }
            Some(generation) => {
                record.build_for(code, generation);
                None
            }
        };
        let named = record.generations();
        doomed.retain(|generation| !named.contains(generation));
        let changed = installed.change_code(&self.services, swapped, |kept| *kept = record, &doomed).map_err(internal);
        self.run_as_recorded(installed)?;
        changed
    }

    /// Whether what a component asks for beyond the one before is granted; what is to be remembered of it.
    fn consent(
        &self,
        record: &Record,
        old: &Descriptor,
        new: &Descriptor,
        grants: &[String],
    ) -> Result<impl FnOnce(&mut Record) + use<>, PluginError> {
        let before = self.asks(record, old)?;
        let asked: BTreeSet<_> = self.asks(record, new)?.difference(&before).cloned().collect();
        let consented = |ask: &String| record.life.consented.contains(ask) || grants.contains(ask);
        let open: Vec<_> = asked.iter().filter(|ask| !consented(ask)).map(|ask| format!("--grant {ask}")).collect();
        if !open.is_empty() {
            return Err(PluginError::NeedsConsent { version: new.version.clone(), grants: open.join(" ") });
        }
        Ok(move |record: &mut Record| {
            // Whoever consents to what a gateway asks for has granted it.
            asked.iter().for_each(|ask| record.grants.consent(ask));
            record.life.consented.extend(asked);
        })
    }

    /// What a component asks for: capabilities, and parts of deliveries as far as the installation lets them through.
    fn asks(&self, record: &Record, descriptor: &Descriptor) -> Result<BTreeSet<String>, PluginError> {
        let modes = self.services.modes.current();
        let selector = record.selector(descriptor, &modes).map_err(PluginError::Invalid)?;
        let parts = slice::words(selector.ceiling(&modes).parts).into_iter().map(|part| format!("part={part}"));
        Ok(descriptor.capabilities.iter().cloned().chain(parts).collect())
    }

    fn next_generation(&self) -> Result<Generation, PluginError> {
        self.services.db.next_generation().map_err(internal)
    }
}

fn code(component: &str, descriptor: &Descriptor, signer: Option<String>) -> Code {
    let queries = descriptor.queries.iter().map(|query| query.name.clone()).collect();
    Code { component: component.to_owned(), version: descriptor.version.clone(), queries, signer }
}

/// Whether one component can go on with the tables of another: tables are known by their places.
fn reads_tables_of(new: &Descriptor, old: &Descriptor) -> bool {
    new.state_version == old.state_version && new.tables.starts_with(&old.tables)
}

fn nothing_kept(name: &str, to: Option<u32>, record: &Record) -> PluginError {
    let kept: Vec<_> =
        record.life.kept.iter().map(|kept| format!("{} ({})", kept.generation, kept.code.version)).collect();
    let kept = if kept.is_empty() { "nothing is kept".to_owned() } else { format!("kept are {}", kept.join(", ")) };
    PluginError::invalid(match to {
        Some(to) => format!("{name} has no generation {to} to go back to: {kept}"),
        None => format!("{name} has nothing to go back to: it was not upgraded"),
    })
}
