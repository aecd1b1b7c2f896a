//! Why a request about a plugin was not carried out.

use super::QueryError;

/// Why a request about a plugin was not carried out. The API maps each case onto one error code.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// Nothing has this name.
    #[error("there is no {what} {name}")]
    NotFound {
        /// E.g. `plugin`, `component`, `parked aggregate`.
        what: &'static str,
        /// The name that was given.
        name: String,
    },
    /// A plugin of this name is installed already.
    #[error("a plugin named {0} is installed already: choose another name, or uninstall it first")]
    NameTaken(String),
    /// Active schemas use what it brings.
    #[error(
        "{name} is in use by the schema of {}: put one into force that does without, or remove it (`dbx schema`); `dbx \
         plugin disable {name}` stops it all the same, and what needs it is then refused",
        .kinds.join(", ")
    )]
    InUse {
        /// The plugin.
        name: String,
        /// The aggregate types.
        kinds: Vec<String>,
    },
    /// The request breaks rules; every reason is listed.
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
    /// Try again later.
    #[error("busy: {0}")]
    Busy(String),
    /// The plugin did not reach the position in time.
    #[error("{name} has reached position {cursor}, not yet {wanted}: ask again, or wait longer")]
    WaitTimeout {
        /// The plugin.
        name: String,
        /// Where it is.
        cursor: u64,
        /// What the request waits for.
        wanted: u64,
    },
    /// The plugin does not run.
    #[error("{name} does not run: {reason}")]
    Stopped {
        /// The plugin.
        name: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The query was not answered.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The daemon or its disk is at fault.
    #[error("{0}")]
    Internal(String),
}

impl PluginError {
    /// The request breaks one rule.
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(vec![reason.into()])
    }

    /// There is no plugin of this name.
    pub(crate) fn no_plugin(name: &str) -> Self {
        Self::NotFound { what: "plugin", name: name.to_owned() }
    }
}
