//! Payload modes that were made while the daemon ran: kept per domain, told in the log, used wherever a built-in one is.
//!
//! A mode is looked up when a batch is cut. So a mode that is made anew holds from the next batch on, for all who use it.

use std::sync::{Arc, Mutex};

use eventdbx_sandbox::Descriptor;
use eventdbx_store::{
    AggregateRef,
    plugindb::{Named, PluginDb},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    FieldList, PayloadMode, PluginError,
    jobs::JobState,
    lock,
    mode::ModeName,
    record::Record,
    registry::{Registry, internal},
    slice::{self, Mode, ModeMap, Part, Slice},
};
use crate::limits::DOMAIN_MODES;

/// Type of the aggregates in which the log tells what became of modes.
const HISTORY: &str = "$mode";

/// What a payload mode is to carry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeRequest {
    /// Parts of a delivery.
    pub parts: Vec<Part>,
    /// Fields of payload and state.
    #[serde(default)]
    pub fields: FieldList,
}

/// A payload mode.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModeView {
    /// Its name, as in `--payload-mode`.
    pub name: String,
    /// Whether it comes with EventDBX.
    pub built_in: bool,
    /// What a delivery carries beside identity, type and time.
    pub parts: Vec<Part>,
    /// Which fields of payload and state.
    pub fields: FieldList,
    /// Version of the component that shapes what these parts and fields let through, where the mode is a component.
    pub version: Option<String>,
    /// Why that component does not run, if it does not: nothing is delivered in this mode then.
    pub problem: Option<String>,
    /// Who uses it: plugins by name, `job ID of PLUGIN`, `subscription NAME`.
    pub used_by: Vec<String>,
}

/// The modes of a domain.
pub(super) struct Modes {
    current: Mutex<Arc<ModeMap>>,
}

impl Modes {
    /// Reads them.
    pub(super) fn open(db: &PluginDb) -> Result<Self, PluginError> {
        let mut modes = ModeMap::new();
        for (name, request) in db.named(Named::Mode).map_err(internal)? {
            let request: ModeRequest = serde_json::from_slice(&request).map_err(internal)?;
            if let Ok(PayloadMode::Named(name)) = name.parse() {
                let slice = Slice::new(&request.parts, &request.fields).map_err(PluginError::Invalid)?;
                modes.insert(name, Mode { slice, shaping: None });
            }
        }
        Ok(Self { current: Mutex::new(Arc::new(modes)) })
    }

    /// What they are now.
    pub(super) fn current(&self) -> Arc<ModeMap> {
        Arc::clone(&lock(&self.current))
    }

    /// From the next batch on, they are these.
    pub(super) fn replace(&self, modes: ModeMap) {
        *lock(&self.current) = Arc::new(modes);
    }
}

impl Registry {
    pub(super) fn modes(&self) -> Vec<ModeView> {
        let built_in = PayloadMode::ALL.into_iter();
        let own = self.services.modes.current().keys().copied().map(PayloadMode::Named).collect::<Vec<_>>();
        built_in.chain(own).filter_map(|mode| self.view(mode).ok()).collect()
    }

    pub(super) fn mode(&self, name: &str) -> Result<ModeView, PluginError> {
        self.view(name.parse().map_err(|_| no_mode(name))?)
    }

    fn view(&self, mode: PayloadMode) -> Result<ModeView, PluginError> {
        let modes = self.services.modes.current();
        let slice = Slice::of(mode, &modes).ok_or_else(|| no_mode(mode.as_str()))?;
        let shaping = match mode {
            PayloadMode::Named(name) => modes.get(&name).and_then(|mode| mode.shaping.clone()),
            _ => None,
        };
        let fields = match (mode, &shaping) {
            (_, Some(shaping)) => shaping.fields.clone(),
            (PayloadMode::Named(name), None) => self.definition(name)?.fields,
            _ => FieldList::default(),
        };
        Ok(ModeView {
            name: mode.to_string(),
            built_in: !matches!(mode, PayloadMode::Named(_)),
            parts: slice::parts_of(slice.parts),
            fields,
            version: shaping.as_ref().map(|shaping| shaping.version.clone()),
            problem: shaping.and_then(|shaping| shaping.component.as_ref().err().cloned()),
            used_by: self.used_by(mode)?,
        })
    }

    /// What was asked for when a mode was made.
    fn definition(&self, name: ModeName) -> Result<ModeRequest, PluginError> {
        let definition = self.services.db.named_one(Named::Mode, name.as_str()).map_err(internal)?;
        let definition = definition.ok_or_else(|| no_mode(name.as_str()))?;
        serde_json::from_slice(&definition).map_err(internal)
    }

    pub(super) fn set_mode(&self, actor: &str, name: &str, request: &ModeRequest) -> Result<ModeView, PluginError> {
        let _changing = lock(&self.changing);
        let mode: PayloadMode = name.parse().map_err(|error| PluginError::invalid(format!("{error}")))?;
        let PayloadMode::Named(key) = mode else {
            return Err(PluginError::invalid(format!("{mode} is a built-in payload mode, which nobody can change")));
        };
        self.name_is_no_component(name)?;
        let slice = Slice::new(&request.parts, &request.fields).map_err(PluginError::Invalid)?;
        if request.parts.is_empty() {
            let message =
                "a payload mode carries at least one part: event, payload, state, schema, envelope, extensions";
            return Err(PluginError::invalid(message));
        }
        let mut modes = ModeMap::clone(&self.services.modes.current());
        modes.insert(key, Mode { slice, shaping: None });
        room_for(&modes)?;
        self.suits_users(mode, &modes)?;
        let definition = serde_json::to_string(request).map_err(internal)?;
        self.tell(&history(name)?, "$mode_set", &definition, actor)?;
        self.services.db.save_named(Named::Mode, name, definition.as_bytes()).map_err(internal)?;
        self.services.modes.replace(modes);
        self.view(mode)
    }

    pub(super) fn remove_mode(&self, actor: &str, name: &str) -> Result<(), PluginError> {
        let _changing = lock(&self.changing);
        let mode: PayloadMode = name.parse().map_err(|_| no_mode(name))?;
        let PayloadMode::Named(key) = mode else {
            return Err(PluginError::invalid(format!("{mode} is a built-in payload mode, which nobody can remove")));
        };
        self.name_is_no_component(name)?;
        let mut modes = ModeMap::clone(&self.services.modes.current());
        modes.remove(&key).ok_or_else(|| no_mode(name))?;
        self.nobody_uses(mode)?;
        self.tell(&history(name)?, "$mode_removed", "{}", actor)?;
        self.services.db.remove_named(Named::Mode, name).map_err(internal)?;
        self.services.modes.replace(modes);
        Ok(())
    }

    /// Checks that a plugin can be given a mode.
    pub(super) fn check_mode(
        &self,
        record: &Record,
        descriptor: &Descriptor,
        mode: PayloadMode,
    ) -> Result<(), PluginError> {
        let modes = self.services.modes.current();
        let selector = record.selector(descriptor, &modes).map_err(PluginError::Invalid)?;
        selector.check_mode(mode, &modes).map_err(PluginError::invalid)
    }

    /// Refuses what would take a mode away from those who use it.
    pub(super) fn nobody_uses(&self, mode: PayloadMode) -> Result<(), PluginError> {
        let users = self.used_by(mode)?;
        if users.is_empty() {
            return Ok(());
        }
        let advice = "give plugins another mode first (`dbx plugin config NAME --payload-mode MODE`), let jobs end or call \
                      them off, and make subscriptions anew";
        Err(PluginError::InUse { what: "payload mode", name: mode.to_string(), by: users.join(", "), advice })
    }

    /// Who uses a mode, in words.
    pub(super) fn used_by(&self, mode: PayloadMode) -> Result<Vec<String>, PluginError> {
        /// As much of the record of a subscription as counts here.
        #[derive(Deserialize)]
        struct Follows {
            payload_mode: PayloadMode,
        }

        let mut users: Vec<_> = self.users(mode).into_iter().map(|(name, _)| name).collect();
        let jobs = self.services.jobs.list();
        let jobs = jobs.iter().filter(|job| job.state == JobState::Running && job.payload_mode == mode);
        users.extend(jobs.map(|job| format!("job {} of {}", job.id, job.plugin)));
        for (name, record) in self.services.db.subscriptions().map_err(internal)? {
            let Follows { payload_mode } = serde_json::from_slice(&record).map_err(internal)?;
            users.extend((payload_mode == mode).then(|| format!("subscription {name}")));
        }
        Ok(users)
    }

    /// Checks that those who use a mode can do so when the modes are these.
    pub(super) fn suits_users(&self, mode: PayloadMode, modes: &ModeMap) -> Result<(), PluginError> {
        let mut faults = Vec::new();
        for (name, record) in self.users(mode) {
            let plugin = self.services.load(&record.component)?;
            let selector = record.selector(plugin.descriptor(), modes);
            let fits =
                selector.and_then(|selector| selector.check_mode(record.payload_mode, modes).map_err(|f| vec![f]));
            faults.extend(fits.err().into_iter().flatten().map(|fault| format!("{name} uses this mode: {fault}")));
        }
        if faults.is_empty() { Ok(()) } else { Err(PluginError::Invalid(faults)) }
    }

    /// The plugins that use a mode.
    fn users(&self, mode: PayloadMode) -> Vec<(String, Record)> {
        let plugins: Vec<_> = lock(&self.plugins).values().cloned().collect();
        let records = plugins.into_iter().map(|installed| (installed.name.clone(), installed.record()));
        records.filter(|(_, record)| record.uses(mode)).collect()
    }
}

/// Checks that the modes of a domain are not too many.
pub(super) fn room_for(modes: &ModeMap) -> Result<(), PluginError> {
    if modes.len() <= DOMAIN_MODES {
        return Ok(());
    }
    let message = format!("the domain has {DOMAIN_MODES} payload modes, and the limit DOMAIN_MODES allows no more");
    Err(PluginError::invalid(message))
}

fn history(name: &str) -> Result<AggregateRef, PluginError> {
    AggregateRef::new(HISTORY, name).map_err(internal)
}

fn no_mode(name: &str) -> PluginError {
    PluginError::NotFound { what: "payload mode", name: name.to_owned() }
}
