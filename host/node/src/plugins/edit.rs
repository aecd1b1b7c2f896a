//! Another payload for the first event of a parked aggregate: what the plugin is given instead of what the log has.

use eventdbx_store::{EventKind, Json, Shape, limits::PAYLOAD_BYTES};
use serde_json::json;

use super::{
    Parked, PluginError, lock,
    parking::{Edited, ParkedRow},
    queue::Stretch,
    registry::{Registry, command, history, internal},
    worker::Command,
};

impl Registry {
    /// Has the first event of a parked entry delivered with another payload from now on. The log tells who did that, and
    /// not what it is.
    pub(super) fn queue_edit(&self, actor: &str, name: &str, id: &str, payload: &str) -> Result<Parked, PluginError> {
        let _changing = lock(&self.changing);
        let installed = self.find_fed(name)?;
        let (generation, number, row) = self.entry(&installed, id)?;
        let (plugin, record) = (installed.plugin().ok_or_else(|| installed.not_running())?, installed.record());
        let modes = self.services.modes.current();
        let selector = record.selector(plugin.descriptor(), &modes).map_err(PluginError::Invalid)?;
        if !selector.slice(record.payload_mode, &modes).parts.payload {
            let mode = record.payload_mode;
            return Err(PluginError::invalid(format!(
                "with {mode}, {name} is not given payloads: nothing would change"
            )));
        }
        let services = &*self.services;
        let to = services.db.cursor(generation).map_err(internal)?.unwrap_or_default().position;
        let stretch = Stretch::read(&services.domain, &selector, &row, to, 1).map_err(internal)?;
        let event = stretch.events.first().ok_or_else(|| {
            PluginError::invalid(format!("entry {id} of {name} has no event left that {name} is given: retry it"))
        })?;
        let (shape, what) = match event.header.kind {
            EventKind::Patch => (Shape::Array, "a JSON Patch, as the event that was written is one"),
            EventKind::Payload | EventKind::System => (Shape::Object, "a JSON object"),
        };
        Json::parse(payload, shape, PAYLOAD_BYTES)
            .map_err(|fault| PluginError::invalid(format!("the payload must be {what}: {fault}")))?;
        let position = event.header.position;
        let told = json!({
            "entry": id,
            "aggregate_type": row.aggregate.kind,
            "aggregate_id": row.aggregate.id,
            "position": position,
        });
        self.tell(&history(name)?, "$plugin_delivery_edited", &told.to_string(), actor)?;
        let edited = Edited { position, payload: payload.to_owned() };
        command(&installed, |reply| Command::Edit(number, edited.clone(), reply))?;
        Ok(ParkedRow { edited: Some(edited), ..row }.told(number))
    }
}
