//! Why a request about a plugin was not carried out.

use super::{JobState, QueryError};

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
    /// A job of the plugin runs already.
    #[error("job {id} of {plugin} is running, and a plugin has one at a time: wait until it has ended, or call it off")]
    JobRuns {
        /// The plugin.
        plugin: String,
        /// The job.
        id: u64,
    },
    /// The job has ended.
    #[error("job {id} is {} already", state.as_str())]
    JobEnded {
        /// The job.
        id: u64,
        /// How it ended.
        state: JobState,
    },
    /// Something is used and therefore stays.
    #[error("{what} {name} is in use by {by}: {advice}")]
    InUse {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
        /// Who uses it.
        by: String,
        /// What to do.
        advice: &'static str,
    },
    /// An upgrade asks for more than was granted.
    #[error("version {version} asks for more than was granted; whoever consents upgrades with {grants}")]
    NeedsConsent {
        /// Version of the component.
        version: String,
        /// What to grant, as options.
        grants: String,
    },
    /// A component is not signed as the domain requires.
    #[error("{0}")]
    Untrusted(String),
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
    /// The component of a payload mode gives no answer that could be shown or delivered.
    #[error("{0}")]
    ModeFailed(String),
    /// The query was not answered.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A gateway gave no answer that could be believed.
    #[error("the gateway {name} gave no answer: {reason}")]
    Gateway {
        /// The gateway.
        name: String,
        /// Why.
        reason: String,
    },
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
