//! Builds Rust plugins into components: the one place that decides how.
//!
//! A guest is compiled for `wasm32-unknown-unknown`, so that it imports nothing but what the contract in `wit/` names, and
//! the core module is then wrapped into a component. Which compiler does it is settled in the module `toolchain`: the ordinary
//! target of rustup wherever it can be had, Debian's compiler with a standard library built on the spot where it cannot.
//!
//! Guests have a build directory of their own (`guests` inside cargo's target directory), so that building one from inside
//! `cargo run` or `cargo test` never waits for the lock of the cargo outside. Components lie in `plugins/NAME.wasm` in
//! cargo's target directory.
//!
//! ```no_run
//! let built = eventdbx_plugin_build::build_dir("my-plugin".as_ref())?;
//! println!("{} is {}", built.name, built.component.display());
//! # Ok::<(), eventdbx_plugin_build::BuildError>(())
//! ```

mod cargo;
mod component;
mod debian;
mod error;
mod lock;
mod program;
mod toolchain;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

pub use error::BuildError;
pub use program::program;

/// The example plugins of this repository.
pub const EXAMPLES: [&str; 17] = [
    "aircraft-miles",
    "airport-hours",
    "cdc",
    "coarse-times",
    "event-counter",
    "fare-cents",
    "flight-board",
    "geo-point",
    "github-webhook",
    "iban",
    "nats-publish",
    "ndjson-tcp",
    "punctuality",
    "redact-emails",
    "redis-stream",
    "seat-rules",
    "webhook",
];

/// A plugin that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The name of its package.
    pub name: String,
    /// Where the component lies.
    pub component: PathBuf,
}

/// Builds the plugin whose `Cargo.toml` lies in `dir`; it may stand alone or be a member of a workspace.
///
/// # Errors
/// When there is no compiler for guests and none can be installed, when the plugin does not compile, or when what came out
/// is not a plugin. The messages of cargo go to stderr.
pub fn build_dir(dir: &Path) -> Result<Built, BuildError> {
    let project = cargo::Project::at(dir)?;
    let name = project.root_package(dir)?;
    let built = build_in(&project, &[&name])?;
    built.into_iter().next().ok_or(BuildError::NotAPlugin { package: name })
}

/// Builds the named packages of the workspace at `workspace`, in one run of cargo.
///
/// # Errors
/// Like [`build_dir`].
pub fn build_packages(workspace: &Path, packages: &[&str]) -> Result<Vec<Built>, BuildError> {
    build_in(&cargo::Project::at(workspace)?, packages)
}

/// Builds all [`EXAMPLES`]. Cargo decides what is fresh, so that a second call takes a moment.
///
/// # Errors
/// Like [`build_dir`]; also when the sources of this repository are no longer where this crate was compiled.
pub fn build_examples() -> Result<Vec<Built>, BuildError> {
    build_packages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), &EXAMPLES)
}

/// The component of an example plugin; the first call in a process builds all of them.
///
/// # Errors
/// Like [`build_examples`]; also when there is no example of that name.
pub fn example(name: &str) -> Result<PathBuf, BuildError> {
    static BUILT: Mutex<Vec<Built>> = Mutex::new(Vec::new());
    if !EXAMPLES.contains(&name) {
        return Err(BuildError::NoSuchExample { name: name.to_owned() });
    }
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if built.is_empty() {
        *built = build_examples()?;
    }
    let found = built.iter().find(|example| example.name == name);
    found.map(|example| example.component.clone()).ok_or_else(|| BuildError::NotAPlugin { package: name.to_owned() })
}

fn build_in(project: &cargo::Project, packages: &[&str]) -> Result<Vec<Built>, BuildError> {
    let guests = project.target_directory.join("guests");
    let _one_at_a_time = lock::Lock::take(&guests.join("lock"))?;
    let toolchain = toolchain::choose(&guests)?;
    let modules = cargo::compile(project, packages, &toolchain, &guests)?;
    let plugins = project.target_directory.join("plugins");
    modules.into_iter().map(|module| component::write(&module, &plugins)).collect()
}
