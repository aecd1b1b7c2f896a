//! A schema extension while it is installed: started, exchanged for another version or configuration, silenced.
//!
//! It has no worker and no cursor. What changes is the list of those that are asked ([`Running`](super::extensions::Running)),
//! between two commits: a write that the one before has judged is judged again. History is not, as verdicts are recorded.
//! What an active schema uses stays: whatever would take it away is refused before anything changes.

use eventdbx_sandbox::{Descriptor, Extension, Kind, Plugin};
use eventdbx_store::{
    AggregateType, StoredSchema,
    schema::{Objection, Params, Provider, Silence},
};

use super::{
    ExtensionStatus, PluginError,
    extensions::{Brings, judge_params},
    installed::Installed,
    registry::{Registry, internal},
};

impl Registry {
    /// Has a schema extension asked from now on. One that does not start is stopped, and writes that need it are refused.
    pub(super) fn extend(&self, installed: &Installed) -> Result<(), PluginError> {
        let (record, plugin) = (installed.record(), installed.name.clone());
        let provider = Provider { plugin, version: record.version.clone(), component: record.component.clone() };
        let config = self.services.secrets.fill(&record.config);
        let started = config
            .and_then(|config| self.services.extension(&record.component, config).map_err(|error| error.to_string()));
        match started.and_then(|it| self.extensions.add(provider, it)) {
            Ok(()) => installed.serving(),
            Err(reason) => {
                let advice =
                    "mend its configuration, or take another version (`dbx plugin config`, `upgrade`, `rollback`)";
                self.silence(installed, &format!("it does not start ({reason}): {advice}"))?;
                installed.stopped(reason);
            }
        }
        Ok(())
    }

    /// Has a plugin not asked any more, if it is a schema extension: writes that need it are refused, with the reason.
    pub(super) fn silence(&self, installed: &Installed, reason: &str) -> Result<(), PluginError> {
        let record = installed.record();
        if !record.is_extension() {
            return Ok(());
        }
        let silence = Silence { plugin: installed.name.clone(), reason: reason.to_owned() };
        self.extensions.silence(record.life.brings, silence).map_err(internal)
    }

    /// What a component brings that is to be asked under a name from now on, if it is a schema extension. It must start,
    /// bring nothing that another one brings, and be able to judge for every active schema that uses it.
    pub(super) fn check_extension(&self, name: &str, plugin: &Plugin, config: &str) -> Result<Brings, PluginError> {
        let Descriptor { kind, version, .. } = plugin.descriptor();
        if *kind != Kind::SchemaExtension {
            return Ok(Brings::default());
        }
        let extension = self.services.extension(&plugin.hash().to_string(), config.to_owned())?;
        let brings = Brings::of(&extension);
        let mut faults = self.extensions.conflicts(name, &brings);
        let before = self.brings(name);
        let book = self.services.domain.schemas();
        for (kind, stored) in book.kinds().filter_map(|kind| Some((kind, book.active(kind)?))) {
            let its = stored.uses.iter().filter(|it| before.has(it.kind, &it.name));
            let lost = its.filter(|it| !brings.has(it.kind, &it.name)).map(|it| {
                let (what, used) = (it.kind.as_str(), &it.name);
                format!("the schema of {kind} uses the {what} {used}, which version {version} does not bring")
            });
            faults.extend(lost);
            faults.extend(refused_params(&extension, &brings, kind, stored)?);
        }
        if faults.is_empty() { Ok(brings) } else { Err(PluginError::Invalid(faults)) }
    }

    /// What an installed extension brings.
    fn brings(&self, name: &str) -> Brings {
        self.find(name).map(|installed| installed.record().life.brings).unwrap_or_default()
    }

    /// The aggregate types whose active schemas use what a plugin brings.
    pub(super) fn schemas_with(&self, name: &str) -> Vec<String> {
        let (book, brings) = (self.services.domain.schemas(), self.brings(name));
        let uses = |kind: &&AggregateType| {
            book.active(kind).is_some_and(|stored| stored.uses.iter().any(|it| brings.has(it.kind, &it.name)))
        };
        book.kinds().filter(uses).map(ToString::to_string).collect()
    }

    /// What a schema extension brings, and who uses it; none: it is no schema extension.
    pub(super) fn extension_status(&self, installed: &Installed) -> Option<ExtensionStatus> {
        let record = installed.record();
        let Brings { types, rules, upcasters } = record.life.brings.clone();
        let schemas = || self.schemas_with(&installed.name);
        record.is_extension().then(|| ExtensionStatus { types, rules, upcasters, schemas: schemas() })
    }
}

/// What an extension says against the parameters that a schema gives its types.
fn refused_params(
    extension: &Extension,
    brings: &Brings,
    kind: &AggregateType,
    stored: &StoredSchema,
) -> Result<Vec<String>, PluginError> {
    let judged = stored.schema.judge_params(|params| {
        let is_its = |it: &&Params<'_>| brings.has(it.kind, it.name);
        let its: Vec<_> = params.iter().filter(is_its).collect();
        let mut answers = judge_params(extension, &its)?.into_iter();
        Ok(params.iter().map(|it| if is_its(&it) { answers.next().unwrap_or_default() } else { Vec::new() }).collect())
    });
    let judged = judged.map_err(|halt: eventdbx_sandbox::Halt| PluginError::invalid(halt.to_string()))?;
    let fault = |(place, said): (String, Objection)| {
        format!("it refuses the parameters in the schema of {kind} at {place}: {}", said.message)
    };
    Ok(judged.into_iter().map(fault).collect())
}
