//! Why bytes did not become a plugin, and why a sandbox could not be made.

use crate::{contract::Mismatch, limits::COMPONENT_BYTES, outcome::Halt};

/// Why bytes did not become a plugin. Nothing of it was run, except `describe` where that is what failed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It does not begin as WebAssembly does.
    #[error("this is not WebAssembly: it does not begin with \\0asm")]
    NotWebAssembly,
    /// It is larger than a component may be.
    #[error("the component has {0} bytes; at most {COMPONENT_BYTES} are looked at")]
    TooLarge(usize),
    /// A core module that does not say what it imports and exports as a component.
    #[error(
        "this is a core module without a component type ({0}); build it with the SDK or with wit-bindgen, or turn it into a \
         component yourself"
    )]
    NoComponentType(String),
    /// It is damaged, or uses what this engine does not run.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// It is a component of another world, or of another version.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// It describes itself in a way that makes no sense; all reasons are listed.
    #[error("its descriptor is refused: {}", .0.join("; "))]
    Descriptor(Vec<String>),
    /// `describe` did not answer.
    #[error("it could not describe itself: {0}")]
    Describe(#[source] Halt),
}

/// Why a sandbox could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The cache of compiled components cannot be used.
    #[error("cannot use the cache of compiled components {path}: {source}")]
    Cache {
        /// The directory.
        path: std::path::PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The engine refuses this machine or its configuration.
    #[error("the WebAssembly engine cannot start here: {0}")]
    Engine(String),
    /// No thread could be started.
    #[error("cannot start the thread that interrupts plugins: {0}")]
    Clock(#[source] std::io::Error),
}
