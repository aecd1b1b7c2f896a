//! The engine: one per process, shared by all plugins.

use std::{
    borrow::Cow,
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use wasmtime::{
    Config, Engine, OptLevel,
    component::{HasSelf, Linker},
};

use crate::{
    cache::Cache,
    call::CallState,
    component::{self, ComponentHash},
    contract, inspect,
    limits::{BACKTRACE_FRAMES, STACK_BYTES},
    load_error::{LoadError, SandboxError},
    plugin::{Loaded, Plugin},
    pure::PureEngine,
    ticker::Ticker,
    wire::EveryKind,
};

/// What a sandbox needs from its owner.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Where compiled components are kept. Made if it is missing.
    pub cache_dir: PathBuf,
    /// A secret of this host, under which it recognises what it compiled itself.
    pub cache_key: [u8; 32],
}

/// Loads plugins. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<CallState>,
    pub(crate) ticker: Ticker,
    /// On which the kinds run that import nothing.
    pub(crate) pure: PureEngine,
    cache: Cache,
    /// What is in use now, by its hash: however many use a component, its code is in memory once.
    loaded: Mutex<HashMap<ComponentHash, Weak<Loaded>>>,
}

impl Sandbox {
    /// Starts an engine.
    ///
    /// # Errors
    ///
    /// When the engine does not run on this machine, or the cache directory cannot be used.
    pub fn new(options: SandboxOptions) -> Result<Self, SandboxError> {
        let engine = Engine::new(&config()).map_err(|error| SandboxError::Engine(format!("{error:#}")))?;
        let linker = linker(&engine).map_err(|error| SandboxError::Engine(format!("{error:#}")))?;
        let pure = PureEngine::new(&options.cache_dir, &options.cache_key)?;
        let path = options.cache_dir.clone();
        let cache = Cache::open(options.cache_dir, &options.cache_key, &engine)
            .map_err(|source| SandboxError::Cache { path, source })?;
        let ticker = Ticker::start(&engine).map_err(SandboxError::Clock)?;
        Ok(Self { inner: Arc::new(Inner { engine, linker, ticker, pure, cache, loaded: Mutex::default() }) })
    }

    /// Makes a plugin of the bytes of a file: a component, or a core module that carries its component type. Checks world
    /// and version, compiles (or finds it compiled), and asks it to describe itself, on an instance that reaches nothing.
    /// What is loaded already is shared.
    ///
    /// # Errors
    ///
    /// When it is no plugin that this host can run; the error says in what it differs.
    pub fn load(&self, bytes: &[u8]) -> Result<Plugin, LoadError> {
        let hash = ComponentHash::of(bytes);
        if let Some(plugin) = self.loaded(hash) {
            return Ok(plugin);
        }
        let encoded = component::encode(bytes)?;
        let mut outside = inspect::outside(&encoded)?;
        if let Cow::Owned(_) = encoded {
            // The stamp of a core module is its own.
            outside.stamp = outside.stamp.max(inspect::outside(bytes)?.stamp);
        }
        let fit = contract::check(&outside)?;
        let component = self.inner.cache.compile(&self.inner.engine, &encoded)?;
        let plugin = Plugin::describe(self.clone(), &component, hash, &fit)?;
        let mut loaded = self.inner.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|_, plugin| plugin.strong_count() > 0);
        loaded.insert(hash, plugin.downgrade());
        Ok(plugin)
    }

    /// The plugin of a file with this hash, if somebody holds it.
    #[must_use]
    pub fn loaded(&self, hash: ComponentHash) -> Option<Plugin> {
        let loaded = self.inner.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.get(&hash).and_then(Plugin::upgrade)
    }
}

/// Interruptible, for whatever waits for the host or runs long.
fn config() -> Config {
    let mut config = deterministic();
    config.epoch_interruption(true);
    config
}

/// What every engine has in common: it is the same on every machine, with one answer to what is not a number, no threads and
/// no relaxed vectors.
pub(crate) fn deterministic() -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false)
        .max_wasm_stack(STACK_BYTES)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(BACKTRACE_FRAMES));
    config
}

/// What plugins may import: each kind its own interfaces, as `contract` has checked. What one may *call*, and when, is decided
/// by the phase of its instance.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    EveryKind::add_to_linker::<_, HasSelf<CallState>>(&mut linker, |state| state)?;
    Ok(linker)
}
