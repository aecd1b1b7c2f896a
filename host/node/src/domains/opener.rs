//! Opening one domain: its log, then its plugins.

use std::panic::{self, AssertUnwindSafe};

use eventdbx_sandbox::Sandbox;
use eventdbx_store::{Clock, Domain, DomainName, MasterKey, OpenOptions};
use tokio_util::sync::CancellationToken;

use crate::{
    api::ApiError,
    config::Config,
    daemon::StartError,
    data_dir::DataDir,
    node::DomainNode,
    plugins::{PluginError, PluginLimits, Plugins},
    subscriptions::Subscriptions,
    trace::Tracer,
    wire::ErrorCode,
};

/// What every domain is opened with.
pub(crate) struct Opener {
    logs: Logs,
    sandbox: Sandbox,
    limits: PluginLimits,
    /// Domains with a drop-in folder.
    drop_in: Vec<String>,
    tracer: Tracer,
    stop: CancellationToken,
}

/// Name of the drop-in folder in the directory of a domain.
const DROP_IN: &str = "drop-in";

/// What every log is opened with.
pub(crate) struct Logs {
    data_dir: DataDir,
    key: MasterKey,
    options: OpenOptions,
}

/// Why a domain is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenFailure {
    /// Which kind of failure it is.
    pub(crate) code: ErrorCode,
    /// In words, without the name of the domain.
    pub(crate) reason: String,
}

impl Logs {
    pub(crate) fn new(data_dir: DataDir, key: MasterKey, config: &Config, clock: Clock) -> Self {
        let options = OpenOptions {
            durability: config.log.durability,
            block_cache_bytes: config.log.block_cache_mib << 20,
            snapshot_threshold: config.log.snapshot_threshold,
            ..OpenOptions::new(clock)
        };
        Self { data_dir, key, options }
    }

    /// Opens the log of a domain, or makes it.
    pub(crate) fn open(&self, name: &DomainName) -> Result<Domain, StartError> {
        Domain::open(&self.data_dir.domain(name), name.clone(), &self.key, self.options.clone())
            .map_err(|source| StartError::Domain { name: name.clone(), source })
    }
}

impl Opener {
    pub(crate) fn new(logs: Logs, sandbox: Sandbox, config: &Config, tracer: Tracer, stop: CancellationToken) -> Self {
        let (limits, drop_in) = (config.plugin_limits(), config.plugins.drop_in.clone());
        Self { logs, sandbox, limits, drop_in, tracer, stop }
    }

    pub(crate) fn data_dir(&self) -> &DataDir {
        &self.logs.data_dir
    }

    /// Takes a log into service, with the plugins of its domain.
    pub(crate) fn serve(&self, log: Domain) -> Result<DomainNode, StartError> {
        let name = log.name().clone();
        let dir = self.data_dir().domain(&name);
        let plugins =
            Plugins::traced(log.clone(), &dir, self.sandbox.clone(), self.limits.clone(), self.tracer.clone())
                .map_err(|source| StartError::Plugins { name: name.clone(), source })?;
        let subscriptions = Subscriptions::open(plugins.source())
            .map_err(|reason| StartError::Plugins { name: name.clone(), source: PluginError::Internal(reason) })?;
        if self.drop_in.iter().any(|listed| listed == name.as_str()) {
            plugins.watch(dir.join(DROP_IN)).map_err(|source| StartError::Plugins { name, source })?;
        }
        Ok(DomainNode::new(log, plugins, subscriptions, dir, self.stop.child_token()))
    }

    /// Opens a domain, or makes it. Whatever goes wrong is a failure of this domain alone.
    pub(crate) fn open(&self, name: &DomainName) -> Result<DomainNode, OpenFailure> {
        let opened = panic::catch_unwind(AssertUnwindSafe(|| self.serve(self.logs.open(name)?)));
        match opened {
            Ok(opened) => opened.map_err(OpenFailure::from),
            Err(_) => {
                let reason = "opening it met a mistake of ours; the daemon's log says where".to_owned();
                Err(OpenFailure { code: ErrorCode::Internal, reason })
            }
        }
    }
}

impl From<StartError> for OpenFailure {
    /// The same, for those who know already which domain it is.
    fn from(error: StartError) -> Self {
        let reason = match &error {
            StartError::Domain { source, .. } => source.to_string(),
            StartError::Plugins { source, .. } => format!("its plugins: {source}"),
            other => other.to_string(),
        };
        Self { code: error.code(), reason }
    }
}

impl OpenFailure {
    /// What a request to the domain is answered.
    pub(crate) fn error(&self, name: &str) -> ApiError {
        let code = if self.code == ErrorCode::Integrity { ErrorCode::Integrity } else { ErrorCode::Unavailable };
        ApiError::new(code, format!("domain {name} is not served: {}", self.reason))
            .hint("mend it and `dbx restart`; the other domains are not concerned")
    }
}
