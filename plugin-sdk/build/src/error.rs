//! What can go wrong while a plugin is built, in words for the person who builds it.

use std::{io, path::PathBuf};

/// Why a plugin was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A program could not be started.
    #[error("{program} could not be started")]
    Program {
        /// What was to run.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file or a directory could not be used.
    #[error("{path}: cannot be used")]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// `cargo metadata` failed: there is no project, or its `Cargo.toml` is broken.
    #[error("there is no cargo project in {dir}: {message}")]
    Project {
        /// Where it was looked for.
        dir: PathBuf,
        /// What cargo says.
        message: String,
    },
    /// `Cargo.toml` describes a workspace and no package.
    #[error("{dir} is a workspace: name the folder of one plugin in it")]
    Workspace {
        /// Where it lies.
        dir: PathBuf,
    },
    /// Nothing on this machine compiles for `wasm32-unknown-unknown`.
    #[error(
        "no compiler on this machine builds for {}: {reason}. Either run `rustup target add {}`, or, on Debian and as \
         root, `apt-get update && apt-get install {}`",
        crate::toolchain::TARGET,
        crate::toolchain::TARGET,
        crate::debian::PACKAGES.join(" ")
    )]
    NoToolchain {
        /// What was tried, and how it failed.
        reason: String,
    },
    /// A program that a test talks to is not there, and could not be installed.
    #[error("there is no {name} on this machine, and {reason}. On Debian and as root: `apt-get install {package}`")]
    NoProgram {
        /// What was looked for.
        name: String,
        /// The package that has it.
        package: String,
        /// Why it could not be installed.
        reason: String,
    },
    /// Cargo refused; its own messages stand on stderr.
    #[error("cargo could not build {packages}: its messages on stderr say why")]
    Compile {
        /// What was to be built.
        packages: String,
    },
    /// The package makes no WebAssembly module.
    #[error("{package} makes no WebAssembly module: its Cargo.toml needs `[lib] crate-type = [\"cdylib\", \"rlib\"]`")]
    NotAPlugin {
        /// Which one.
        package: String,
    },
    /// The module could not be wrapped into a component.
    #[error(
        "{package} compiles, but is not a plugin (does it call `export_read_model!` or `export_transport!`?): {message}"
    )]
    Component {
        /// Which one.
        package: String,
        /// What the encoder says.
        message: String,
    },
    /// [`example`](crate::example) was asked for something else.
    #[error("there is no example plugin {name}; there are {}", crate::EXAMPLES.join(", "))]
    NoSuchExample {
        /// What was asked for.
        name: String,
    },
}

impl BuildError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
