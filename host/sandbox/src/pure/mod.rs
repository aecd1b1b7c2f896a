//! The pure kinds: schema extensions and payload modes. They import nothing, not even logs, so that there is no host to
//! speak to: values go in, verdicts come out.
//!
//! They stand in the way of a write or of a delivery, so they are measured in *fuel*, which a program burns alike on every
//! machine and whatever else runs there, and not in time. That takes an engine of its own; a component is described and
//! checked on the common one ([`Sandbox::load`](crate::Sandbox::load)) and works on this one.
//!
//! Instances are kept warm ([`pool`]). What one remembers must not matter: a call that fails on a warm instance is made once
//! more on a new one, so that nobody is judged by what was asked before.

mod extension;
mod pool;
mod shaper;
mod wire;

use std::path::Path;

use wasmtime::{Config, Engine, component::Component};

pub use self::{
    extension::{
        ColumnType, Extension, OldEvent, ProposedEvent, RuleDeclaration, TypeDeclaration, TypedValue, Upcaster,
        UpcasterDeclaration, Verdict, Violation,
    },
    shaper::{Replacement, Shaped, Shaper},
};
use crate::{Failure, LoadError, Stop, cache::Cache, component, load_error::SandboxError, sandbox::deterministic};

/// What a pure plugin is started with.
#[derive(Debug, Clone)]
pub struct PureStart {
    /// Name of the domain.
    pub domain: String,
    /// Configuration, a JSON object.
    pub config: String,
}

/// Why a pure plugin does not start.
#[derive(Debug, thiserror::Error)]
pub enum PureError {
    /// It is no component of that kind.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It refuses to work, or did not answer.
    #[error(transparent)]
    Stop(#[from] Stop),
}

impl From<crate::Halt> for PureError {
    fn from(halt: crate::Halt) -> Self {
        Self::Stop(Stop::Halted(halt))
    }
}

impl From<Failure> for PureError {
    fn from(failure: Failure) -> Self {
        Self::Stop(Stop::Refused(failure))
    }
}

/// The engine on which they run.
pub(crate) struct PureEngine {
    engine: Engine,
    cache: Cache,
}

impl PureEngine {
    pub(crate) fn new(cache_dir: &Path, cache_key: &[u8; 32]) -> Result<Self, SandboxError> {
        let engine = Engine::new(&config()).map_err(|error| SandboxError::Engine(format!("{error:#}")))?;
        let dir = cache_dir.join("pure");
        let cache =
            Cache::open(dir.clone(), cache_key, &engine).map_err(|source| SandboxError::Cache { path: dir, source })?;
        Ok(Self { engine, cache })
    }

    fn compile(&self, wasm: &[u8]) -> Result<Component, LoadError> {
        self.cache.compile(&self.engine, &component::encode(wasm)?)
    }
}

/// Metered in fuel. No epochs: whatever takes time burns fuel, bulk operations by their length, and there is no host call that
/// could wait.
fn config() -> Config {
    let mut config = deterministic();
    config.consume_fuel(true);
    config
}
