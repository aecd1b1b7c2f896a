//! Which compiler builds guests.
//!
//! 1. The `rustc` in use, if it has the target. On most machines the story ends here.
//! 2. The same after `rustup target add`, which fails within two seconds where its server cannot be reached. That it
//!    failed is remembered for a day.
//! 3. Debian's compiler: see the module `debian`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{BuildError, debian};

/// What guests are compiled for: no WASI, hence no import that the contract does not name.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// For how long a failed `rustup target add` is not tried again.
const RUSTUP_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// A compiler that builds for [`TARGET`].
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// The `rustc` that cargo would use anyway.
    Ordinary,
    /// Debian's `rustc`, which has no standard library for the target and builds it from source.
    Debian(debian::Compiler),
}

/// Finds a compiler, or makes one available. `guests` is where the failure of rustup is remembered.
pub(crate) fn choose(guests: &Path) -> Result<Toolchain, BuildError> {
    if ordinary_has_target() {
        return Ok(Toolchain::Ordinary);
    }
    let failure = match rustup_adds_target(&guests.join("rustup-failed")) {
        Ok(()) if ordinary_has_target() => return Ok(Toolchain::Ordinary),
        Ok(()) => "rustup added the target, but the rustc in use does not have it".to_owned(),
        Err(failure) => failure,
    };
    match debian::Compiler::find() {
        Some(compiler) => Ok(Toolchain::Debian(compiler)),
        None => debian::install(&failure).map(Toolchain::Debian),
    }
}

/// Whether the `rustc` in use has a standard library for the target.
fn ordinary_has_target() -> bool {
    let printed = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    let Ok(printed) = printed else { return false };
    let libraries = PathBuf::from(String::from_utf8_lossy(&printed.stdout).trim());
    let Ok(entries) = fs::read_dir(libraries) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

/// Asks rustup for the target; says why it could not.
fn rustup_adds_target(memory: &Path) -> Result<(), String> {
    if let Ok(failure) = fs::read_to_string(memory)
        && age(memory).is_some_and(|age| age < RUSTUP_PAUSE)
        && debian::Compiler::find().is_some()
    {
        return Err(failure);
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).stdin(Stdio::null()).output();
    let failure = match added {
        Ok(added) if added.status.success() => return Ok(()),
        Ok(added) => {
            let said = String::from_utf8_lossy(&added.stderr);
            let line = said.lines().find(|line| line.starts_with("error")).unwrap_or("error: no reason given");
            format!("`rustup target add {TARGET}` failed ({line})")
        }
        Err(_) => "there is no rustup".to_owned(),
    };
    // NOTE: forgetting it costs the next build two seconds and nothing else.
    let _forgotten = fs::write(memory, &failure);
    Err(failure)
}

fn age(path: &Path) -> Option<Duration> {
    fs::metadata(path).ok()?.modified().ok()?.elapsed().ok()
}
