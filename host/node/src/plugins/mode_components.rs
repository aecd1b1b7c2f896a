//! Payload modes that are components, as plugins of a domain: they have no cursor and no worker, and are called by those whose
//! deliveries they shape, on their threads.
//!
//! One of these is a mode by its name, like those that `dbx plugin mode set` makes, and the two share one namespace. Another
//! component, or another configuration, holds from the next batch on of whoever uses the mode.

use std::sync::Arc;

use eventdbx_sandbox::{Fields, Kind, Plugin};

use super::{
    FieldList, PayloadMode, PluginError,
    fields::FieldFilter,
    installed::Installed,
    lock,
    mode::ModeName,
    modes::room_for,
    registry::Registry,
    services::Services,
    shaping::{Shape, Shaping},
    slice::{Mode, ModeMap, Slice},
};

impl Registry {
    /// Has a payload mode shape from now on. One that does not start is stopped, and nothing is delivered in it.
    pub(super) fn shape(&self, installed: &Installed) {
        let record = installed.record();
        // Nobody could have installed it under another name.
        let Ok(name) = mode_name(&installed.name) else { return installed.stopped("its name is no mode's".to_owned()) };
        let started = self.services.load(&record.component).map_err(|error| error.to_string()).and_then(|plugin| {
            let config = self.services.secrets.fill(&record.config)?;
            mode(&self.services, &plugin, config).map_err(|error| error.to_string())
        });
        let (mode, problem) = match started {
            Ok(mode) => (mode, None),
            Err(reason) => (broken(record.version, reason.clone()), Some(reason)),
        };
        let mut modes = ModeMap::clone(&self.services.modes.current());
        modes.insert(name, mode);
        self.services.modes.replace(modes);
        match problem {
            None => installed.serving(),
            Some(reason) => installed.stopped(reason),
        }
    }

    /// From now on, the domain has no such mode, if it was a component.
    pub(super) fn end_shaping(&self, name: &str) {
        let Ok(name) = mode_name(name) else { return };
        let mut modes = ModeMap::clone(&self.services.modes.current());
        if modes.get(&name).is_some_and(|mode| mode.shaping.is_some()) {
            modes.remove(&name);
            self.services.modes.replace(modes);
        }
    }

    /// What only the installation of a payload mode must be checked for.
    pub(super) fn check_new_mode(&self, name: &str, plugin: &Plugin, config: String) -> Result<(), PluginError> {
        let key = mode_name(name)?;
        let mut modes = ModeMap::clone(&self.services.modes.current());
        if modes.contains_key(&key) {
            let message = format!(
                "the domain has a payload mode {name} already: install the component under another name (`--name`), or \
                 remove that one (`dbx plugin mode remove {name}`)"
            );
            return Err(PluginError::invalid(message));
        }
        modes.insert(key, mode(&self.services, plugin, config)?);
        room_for(&modes)
    }

    /// Checks that those who use a mode can go on when it is this component with this configuration.
    pub(super) fn check_changed_mode(&self, name: &str, plugin: &Plugin, config: String) -> Result<(), PluginError> {
        let key = mode_name(name)?;
        let mut modes = ModeMap::clone(&self.services.modes.current());
        modes.insert(key, mode(&self.services, plugin, config)?);
        self.suits_users(PayloadMode::Named(key), &modes)
    }

    /// Refuses what would take a payload mode away from those who use it. Any other plugin has no such users.
    pub(super) fn shapes_for_nobody(&self, installed: &Installed) -> Result<(), PluginError> {
        if installed.is(Kind::PayloadMode) {
            self.nobody_uses(PayloadMode::Named(mode_name(&installed.name)?))
        } else {
            Ok(())
        }
    }

    /// Who uses a payload mode that is a component, in words.
    pub(super) fn users_of_component(&self, name: &str) -> Result<Vec<String>, PluginError> {
        self.used_by(PayloadMode::Named(mode_name(name)?))
    }

    /// Refuses a name for a mode that a component has, which may be disabled.
    pub(super) fn name_is_no_component(&self, name: &str) -> Result<(), PluginError> {
        let component = lock(&self.plugins).get(name).is_some_and(|installed| installed.is(Kind::PayloadMode));
        if !component {
            return Ok(());
        }
        let message = format!(
            "{name} is a payload mode that is a component: it is changed by `dbx plugin upgrade` and `dbx plugin config`, \
             and removed by `dbx plugin uninstall`"
        );
        Err(PluginError::invalid(message))
    }
}

/// The name of a plugin as that of a mode.
fn mode_name(name: &str) -> Result<ModeName, PluginError> {
    match name.parse() {
        Ok(PayloadMode::Named(name)) => Ok(name),
        Ok(mode) => Err(PluginError::invalid(format!(
            "{mode} is a built-in payload mode: install the component under another name (`--name`)"
        ))),
        Err(error) => Err(PluginError::invalid(format!("{error}; `--name` gives the component another name"))),
    }
}

/// The mode that a component is, with a configuration.
fn mode(services: &Services, plugin: &Plugin, config: String) -> Result<Mode, PluginError> {
    let (descriptor, hash) = (plugin.descriptor(), plugin.hash().to_string());
    let fields = FieldFilter::own(&descriptor.selector.fields).map_err(PluginError::Invalid)?;
    let slice = Slice { parts: descriptor.selector.parts, fields: fields.map(Arc::new).into_iter().collect() };
    let component: Arc<dyn Shape> = Arc::new(services.shaper(&hash, config)?);
    let fields = match descriptor.selector.fields.clone() {
        Fields::All => FieldList::default(),
        Fields::Only(include) => FieldList { include, exclude: Vec::new() },
        Fields::Except(exclude) => FieldList { include: Vec::new(), exclude },
    };
    let shaping = Shaping { version: descriptor.version.clone(), fields, component: Ok(component) };
    Ok(Mode { slice, shaping: Some(Arc::new(shaping)) })
}

/// A mode in which nothing is delivered, because its component does not start.
fn broken(version: String, reason: String) -> Mode {
    let shaping = Shaping { version, fields: FieldList::default(), component: Err(reason) };
    Mode { slice: Slice::default(), shaping: Some(Arc::new(shaping)) }
}
