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
    FieldList, PayloadMode, PluginError, lock,
    mode::ModeName,
    record::Record,
    registry::{Registry, internal},
    slice::{self, ModeMap, Part, Slice},
};

/// Most payload modes that are made in a domain.
pub const DOMAIN_MODES: usize = 256;

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
    /// The plugins that use it.
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
                modes.insert(name, Slice::new(&request.parts, &request.fields).map_err(PluginError::Invalid)?);
            }
        }
        Ok(Self { current: Mutex::new(Arc::new(modes)) })
    }

    /// What they are now.
    pub(super) fn current(&self) -> Arc<ModeMap> {
        Arc::clone(&lock(&self.current))
    }

    fn replace(&self, modes: ModeMap) {
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
        let slice = Slice::of(mode, &self.services.modes.current()).ok_or_else(|| no_mode(mode.as_str()))?;
        let fields = match mode {
            PayloadMode::Named(name) => self.definition(name)?.fields,
            _ => FieldList::default(),
        };
        let used_by = self.users(mode).into_iter().map(|(name, _)| name).collect();
        let (name, built_in) = (mode.to_string(), !matches!(mode, PayloadMode::Named(_)));
        Ok(ModeView { name, built_in, parts: slice::parts_of(slice.parts), fields, used_by })
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
        let slice = Slice::new(&request.parts, &request.fields).map_err(PluginError::Invalid)?;
        if request.parts.is_empty() {
            let message =
                "a payload mode carries at least one part: event, payload, state, schema, envelope, extensions";
            return Err(PluginError::invalid(message));
        }
        let mut modes = ModeMap::clone(&self.services.modes.current());
        modes.insert(key, slice);
        if modes.len() > DOMAIN_MODES {
            let message =
                format!("the domain has {DOMAIN_MODES} payload modes, and the limit DOMAIN_MODES allows no more");
            return Err(PluginError::invalid(message));
        }
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
        let mut modes = ModeMap::clone(&self.services.modes.current());
        modes.remove(&key).ok_or_else(|| no_mode(name))?;
        let users: Vec<_> = self.users(mode).into_iter().map(|(name, _)| name).collect();
        if !users.is_empty() {
            let (name, by) = (name.to_owned(), users.join(", "));
            let advice = "give them another mode first (`dbx plugin config NAME --payload-mode MODE`)";
            return Err(PluginError::InUse { what: "payload mode", name, by, advice });
        }
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

    /// Checks that those who use a mode can do so when the modes are these.
    fn suits_users(&self, mode: PayloadMode, modes: &ModeMap) -> Result<(), PluginError> {
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

fn history(name: &str) -> Result<AggregateRef, PluginError> {
    AggregateRef::new(HISTORY, name).map_err(internal)
}

fn no_mode(name: &str) -> PluginError {
    PluginError::NotFound { what: "payload mode", name: name.to_owned() }
}
