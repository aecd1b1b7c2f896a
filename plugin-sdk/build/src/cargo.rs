//! Running cargo: where a project keeps what it builds, and building a guest.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::{
    BuildError,
    toolchain::{TARGET, Toolchain},
};

/// The profile of guests: small, quick to start, and complete even in a project that does not know it.
const PROFILE: [&str; 6] = [
    "profile.plugin.inherits=\"release\"",
    "profile.plugin.opt-level=3",
    "profile.plugin.lto=true",
    "profile.plugin.codegen-units=1",
    "profile.plugin.panic=\"abort\"",
    "profile.plugin.strip=\"debuginfo\"",
];

/// Variables by which a cargo outside would reach into the build of a guest.
const DISTURBING: [&str; 12] = [
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_MAKEFLAGS",
    "MAKEFLAGS",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

/// What `cargo metadata` knows of a project.
#[derive(Debug, Deserialize)]
pub(crate) struct Project {
    /// Where cargo builds; honours `CARGO_TARGET_DIR` and the configuration.
    pub(crate) target_directory: PathBuf,
    workspace_root: PathBuf,
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
}

/// A core module that cargo made.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) package: String,
    pub(crate) path: PathBuf,
}

impl Project {
    /// Reads the project to which `dir` belongs.
    pub(crate) fn at(dir: &Path) -> Result<Self, BuildError> {
        let refused = |message: String| BuildError::Project { dir: dir.to_owned(), message };
        let mut cargo = command();
        cargo.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(dir.join("Cargo.toml"));
        let printed = run(cargo.stderr(Stdio::piped()))?;
        if !printed.status.success() {
            return Err(refused(String::from_utf8_lossy(&printed.stderr).trim().to_owned()));
        }
        serde_json::from_slice(&printed.stdout).map_err(|error| refused(error.to_string()))
    }

    /// The name of the package whose `Cargo.toml` lies in `dir`.
    pub(crate) fn root_package(&self, dir: &Path) -> Result<String, BuildError> {
        let manifest = dir.join("Cargo.toml");
        let manifest = fs::canonicalize(&manifest).map_err(BuildError::io(manifest))?;
        let lies_there = |package: &&Package| fs::canonicalize(&package.manifest_path).is_ok_and(|it| it == manifest);
        let found = self.packages.iter().find(lies_there).map(|package| package.name.clone());
        found.ok_or_else(|| BuildError::Workspace { dir: dir.to_owned() })
    }
}

/// Compiles `packages` to core modules. Cargo's messages go to stderr.
pub(crate) fn compile(
    project: &Project,
    packages: &[&str],
    toolchain: &Toolchain,
    target_dir: &Path,
) -> Result<Vec<Module>, BuildError> {
    let mut cargo = command();
    cargo.current_dir(&project.workspace_root).arg("build");
    for package in packages {
        cargo.args(["--package", package]);
    }
    cargo.args(["--lib", "--profile", "plugin", "--target", TARGET, "--target-dir"]).arg(target_dir);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    for setting in PROFILE {
        cargo.args(["--config", setting]);
    }
    if let Toolchain::Debian(compiler) = toolchain {
        compiler.direct(&mut cargo);
    }
    let printed = run(cargo.stderr(Stdio::inherit()))?;
    if !printed.status.success() {
        return Err(BuildError::Compile { packages: packages.join(", ") });
    }
    packages.iter().map(|name| find_module(project, name, &printed.stdout)).collect()
}

/// One line of cargo's JSON messages, as far as it concerns us.
#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

fn find_module(project: &Project, name: &str, messages: &[u8]) -> Result<Module, BuildError> {
    let package = project.packages.iter().find(|package| package.name == name);
    let id = package.map(|package| package.id.as_str());
    let made = messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact" && message.package_id.as_deref() == id)
        .flat_map(|message| message.filenames);
    let path = made.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    let path = path.ok_or_else(|| BuildError::NotAPlugin { package: name.to_owned() })?;
    Ok(Module { package: name.to_owned(), path })
}

/// Cargo, undisturbed by the cargo that may have started us.
fn command() -> Command {
    let mut cargo = Command::new(program());
    for variable in DISTURBING {
        cargo.env_remove(variable);
    }
    // NOTE: this one overrules flags from configuration files too: they are meant for this machine, not for guests.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", "");
    cargo.stdin(Stdio::null());
    cargo
}

fn program() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

fn run(command: &mut Command) -> Result<std::process::Output, BuildError> {
    command.stdout(Stdio::piped());
    let child = command.spawn().and_then(std::process::Child::wait_with_output);
    child.map_err(|source| BuildError::Program { program: program().display().to_string(), source })
}
