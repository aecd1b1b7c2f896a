//! The life of a daemon: lock, key, domains, plugins, socket; and all of it backwards.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use eventdbx_sandbox::{Sandbox, SandboxError, SandboxOptions};
use eventdbx_store::{Clock, DomainName, OpenError, system_clock};
use tokio::{
    runtime::{self, Runtime},
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    api,
    config::{ConfigError, ConfigFile},
    data_dir::{DataDir, DataDirError, DataDirLock},
    domains::{self, DEFAULT, Domains, Logs, Opener, Slot},
    master_key::{self, KeyError, KeySource},
    node::Node,
    plugins::PluginError,
    socket::{self, SocketError},
    trace::{self, TraceError, Tracer},
    wire::ErrorCode,
};

/// Threads of the runtime. They only move requests and check them; what blocks has threads of its own.
const WORKER_THREADS: std::ops::RangeInclusive<usize> = 2..=8;

/// What the key of the component cache is derived for: it recognises what this host compiled itself.
const CACHE_KEY_CONTEXT: &str = "eventdbx 2026-11 component cache";

/// The variable that names the collector of traces; it goes before `telemetry.otlp_endpoint`.
pub const OTLP_ENDPOINT_VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// What a daemon is started with, besides its configuration file.
#[derive(Clone)]
pub struct StartOptions {
    /// Its data directory.
    pub data_dir: PathBuf,
    /// The master key as hex, where the environment gives it ([`master_key::MASTER_KEY_VARIABLE`]).
    pub master_key: Option<String>,
    /// Where traces go, where the environment gives it ([`OTLP_ENDPOINT_VARIABLE`]).
    pub otlp_endpoint: Option<String>,
    /// Where time comes from.
    pub clock: Clock,
}

impl StartOptions {
    /// A daemon on this directory, with the clock of the system and its key from a file.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), master_key: None, otlp_endpoint: None, clock: system_clock() }
    }
}

/// Why a daemon does not start. Nothing was written when it is the lock, the configuration or the master key.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// `config.toml`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The master key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A domain.
    #[error("domain {name}: {source}")]
    Domain {
        /// Its name.
        name: DomainName,
        /// Why it does not open.
        source: OpenError,
    },
    /// The plugins of a domain.
    #[error("the plugins of domain {name}: {source}")]
    Plugins {
        /// The domain.
        name: DomainName,
        /// Why.
        source: PluginError,
    },
    /// The directory of the domains.
    #[error("{}: {source}", path.display())]
    Domains {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The sandbox.
    #[error("the sandbox: {0}")]
    Sandbox(#[from] SandboxError),
    /// The socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The collector of traces.
    #[error(transparent)]
    Traces(#[from] TraceError),
    /// Threads or signals.
    #[error("the system gives no threads or signals: {0}")]
    System(#[from] std::io::Error),
}

impl StartError {
    /// Which kind of failure it is, in the words of the API.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::DataDir(DataDirError::Disk { .. }) | Self::Key(KeyError::Disk { .. }) => ErrorCode::Internal,
            Self::Config(ConfigError::Disk { .. }) => ErrorCode::Internal,
            Self::DataDir(_) | Self::Config(_) | Self::Key(_) | Self::Traces(_) => ErrorCode::Refused,
            Self::Domain { source, .. } => of_open(source),
            Self::Socket(SocketError::PathTooLong { .. } | SocketError::NotASocket(_)) => ErrorCode::Refused,
            Self::Plugins { .. } | Self::Domains { .. } | Self::Sandbox(_) | Self::Socket(_) | Self::System(_) => {
                ErrorCode::Internal
            }
        }
    }
}

fn of_open(error: &OpenError) -> ErrorCode {
    match error {
        OpenError::InUse(_) | OpenError::WrongMasterKey(_) | OpenError::OtherDomain { .. } => ErrorCode::Refused,
        OpenError::Files { .. } => ErrorCode::Internal,
        OpenError::Keyring { .. }
        | OpenError::KeyringMissing(_)
        | OpenError::AnchorMissing(_)
        | OpenError::JournalDamaged { .. }
        | OpenError::BehindAnchor { .. }
        | OpenError::OtherHistory(_)
        | OpenError::Read(_) => ErrorCode::Integrity,
    }
}

/// Starts daemons.
#[derive(Debug)]
pub struct Daemon;

/// A daemon that takes requests. Dropped, it stops without ceremony, as a crash would.
#[must_use = "a daemon that is dropped stops at once: wait for it, or stop it"]
pub struct Running {
    // IMPORTANT: the order of the fields is the order in which they are dropped.
    runtime: Runtime,
    server: JoinHandle<()>,
    node: Arc<Node>,
    key_source: KeySource,
    data_dir: DataDir,
    lock: DataDirLock,
}

impl Daemon {
    /// Starts a daemon: when this returns, it answers on its socket.
    ///
    /// # Errors
    ///
    /// When another daemon has the directory, the configuration or the key is wrong, or something does not open.
    ///
    /// # Panics
    ///
    /// Never: the name of the default domain is a name.
    pub fn start(options: &StartOptions) -> Result<Running, StartError> {
        let data_dir = DataDir::new(&options.data_dir);
        socket::check_path(&data_dir.socket())?;
        let lock = data_dir.lock()?;
        let config = ConfigFile::load(data_dir.path())?.config().clone();
        let (key, key_source) =
            master_key::load(&data_dir, options.master_key.as_deref(), config.keys.master_key_file.as_deref())?;

        // A variable that was set for others is nothing that a build without traces refuses.
        let environment = options.otlp_endpoint.as_deref().filter(|_| trace::BUILT_IN);
        let endpoint = environment.or(config.telemetry.otlp_endpoint.as_deref());
        let tracer = Tracer::open(endpoint)?;
        let name: DomainName = DEFAULT.parse().expect("the name of the default domain is a name");
        domains::finish_default(&data_dir)
            .map_err(|source| StartError::Domains { path: data_dir.domain(&name), source })?;
        let cache_key = blake3::derive_key(CACHE_KEY_CONTEXT, key.to_hex().as_bytes());
        let logs = Logs::new(data_dir.clone(), key, &config, options.clock.clone());
        let log = logs.open(&name)?;
        // NOTE: nothing was written before the key had opened the log.
        let sandbox = Sandbox::new(SandboxOptions { cache_dir: data_dir.component_cache(), cache_key })?;
        let stop = CancellationToken::new();
        let opener = Opener::new(logs, sandbox, &config, tracer.clone(), stop.clone());
        let default = opener.serve(log)?;
        let domains = Domains::open(opener, default)?;
        let node = Node::new(data_dir.path().to_owned(), config.daemon, options.clock.clone(), stop, domains, tracer);
        let node = Arc::new(node);

        let runtime = build_runtime()?;
        let listener = {
            let _inside = runtime.enter();
            socket::bind(&data_dir.socket(), &lock)?
        };
        let (router, stop) = (api::router(&node), node.stop.clone());
        let server = runtime.spawn(socket::serve(listener, router, node.settings.connections, stop));
        tracing::info!(socket = %data_dir.socket().display(), "ready");
        Ok(Running { runtime, server, node, key_source, data_dir, lock })
    }
}

impl Running {
    /// Where the master key came from: a key that was just made must be told to whoever runs this.
    #[must_use]
    pub fn key_source(&self) -> &KeySource {
        &self.key_source
    }

    /// Files in which the torn end of a log lies, as a power cut leaves it: whoever runs this must be told.
    #[must_use]
    pub fn set_aside(&self) -> Vec<PathBuf> {
        self.node.domains.opened().iter().filter_map(|domain| domain.log.set_aside().map(Path::to_owned)).collect()
    }

    /// Domains that did not open, each with the reason: whoever runs this must be told.
    #[must_use]
    pub fn failed_domains(&self) -> Vec<(DomainName, String)> {
        let slots = self.node.domains.slots().into_iter();
        slots
            .filter_map(|(name, slot)| match slot {
                Slot::Failed(failure) => Some((name, failure.reason.clone())),
                _ => None,
            })
            .collect()
    }

    /// The socket on which it answers.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.data_dir.socket()
    }

    /// Waits for SIGTERM, SIGINT or a request to shut down, then stops the daemon.
    ///
    /// # Errors
    ///
    /// When signals cannot be received; the daemon was stopped then.
    pub fn wait(self) -> Result<(), StartError> {
        let stop = self.node.stop.clone();
        let waited = self.runtime.block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            tokio::select! {
                _ = terminate.recv() => tracing::info!("stopping: SIGTERM"),
                _ = interrupt.recv() => tracing::info!("stopping: SIGINT"),
                () = stop.cancelled() => tracing::info!("stopping: asked to"),
            }
            Ok(())
        });
        self.stop();
        waited
    }

    /// Stops: no new connection, requests in flight end (for as long as the configuration allows), workers stop between
    /// two batches, domains close.
    pub fn stop(self) {
        let Self { runtime, server, node, key_source: _, data_dir, lock } = self;
        let patience = Duration::from_secs(node.settings.shutdown_seconds);
        node.stop.cancel();
        if runtime.block_on(async { tokio::time::timeout(patience, server).await }).is_err() {
            tracing::warn!(seconds = patience.as_secs(), "requests were broken off: they took too long");
        }
        for domain in node.domains.opened() {
            domain.plugins.shutdown();
        }
        runtime.shutdown_timeout(patience);
        node.domains.close();
        node.tracer.close();
        drop(node);
        if let Err(error) = std::fs::remove_file(data_dir.socket()) {
            tracing::warn!(%error, "the socket was not removed");
        }
        tracing::info!("stopped");
        drop(lock);
    }
}

fn build_runtime() -> std::io::Result<Runtime> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = threads.clamp(*WORKER_THREADS.start(), *WORKER_THREADS.end());
    runtime::Builder::new_multi_thread().worker_threads(threads).thread_name("dbx-api").enable_all().build()
}
