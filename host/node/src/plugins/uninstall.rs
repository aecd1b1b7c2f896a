//! Uninstalling a plugin: what stands in the way, what is lost, and doing it all the same.

use eventdbx_sandbox::Kind;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    PluginError,
    installed::Installed,
    lock,
    registry::{Registry, history, internal, stop},
};

/// A plugin that is gone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Uninstalled {
    /// Its name.
    pub uninstalled: String,
    /// What went with it, in words.
    pub lost: Vec<String>,
}

impl Registry {
    /// Uninstalls a plugin that nothing depends on; with `force`, any, whether it can still be loaded or not.
    pub(super) fn uninstall(&self, actor: &str, name: &str, force: bool) -> Result<Uninstalled, PluginError> {
        let _changing = lock(&self.changing);
        let installed = self.find(name)?;
        let kinds = self.schemas_with(name);
        if !force {
            nobody_needs(name, &kinds)?;
            self.shapes_for_nobody(&installed)?;
        }
        let lost = self.lost_with(&installed, &kinds)?;
        let told = json!({ "forced": force, "lost": lost }).to_string();
        self.tell(&history(name)?, "$plugin_uninstalled", &told, actor)?;
        stop(&installed);
        self.end_shaping(name);
        self.extensions.remove(name).map_err(internal)?;
        self.end_job_of(actor, name)?;
        let generations = installed.record().generations();
        self.services.db.remove_plugin(name, &generations).map_err(internal)?;
        lock(&self.plugins).remove(name);
        self.services.keeper.sweep();
        Ok(Uninstalled { uninstalled: name.to_owned(), lost })
    }

    /// What goes with a plugin, or cannot go on without it.
    fn lost_with(&self, installed: &Installed, kinds: &[String]) -> Result<Vec<String>, PluginError> {
        let (status, mut lost) = (self.status(installed), Vec::new());
        if !kinds.is_empty() {
            let kinds = kinds.join(", ");
            lost.push(format!(
                "types or rules in the schema of {kinds}: writes that need them are refused from now on"
            ));
        }
        if installed.is(Kind::PayloadMode) {
            let users = self.users_of_component(&installed.name)?;
            if !users.is_empty() {
                let users = users.join(", ");
                lost.push(format!("the payload mode of {users}, to whom nothing is delivered until they have another"));
            }
        }
        if let Some(job) = self.services.jobs.running(&installed.name) {
            lost.push(format!("job {}, which is called off", job.id));
        }
        if status.table_bytes > 0 {
            lost.push(format!("its tables, of {} bytes and up to position {}", status.table_bytes, status.cursor));
        }
        if status.parked > 0 {
            lost.push(format!("what it has parked, of {} aggregates", status.parked));
        }
        if !status.kept.is_empty() {
            lost.push(format!("{} versions that it could go back to", status.kept.len()));
        }
        Ok(lost)
    }
}

fn nobody_needs(name: &str, kinds: &[String]) -> Result<(), PluginError> {
    if kinds.is_empty() {
        return Ok(());
    }
    Err(PluginError::InUse {
        what: "plugin",
        name: name.to_owned(),
        by: format!("the schema of {}", kinds.join(", ")),
        advice: "put one into force that does without, or remove it (`dbx schema`); `dbx plugin disable` stops the plugin all \
                 the same, and what needs it is then refused",
    })
}
