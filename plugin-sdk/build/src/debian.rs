//! Debian's compiler for guests, for machines on which rustup can fetch nothing.
//!
//! Debian packages a newer compiler (for its browsers) together with the source of the standard library and the linker of
//! LLVM. They lie in `/usr` beside rustup's toolchain and do not disturb it. Cargo then builds the standard library for
//! the target once (about a minute), which takes the flag `-Z build-std`; `RUSTC_BOOTSTRAP` admits that flag on a stable
//! compiler.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::BuildError;

/// What is installed: the compiler, the source of its standard library, the linker.
pub(crate) const PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "lld-22"];

const RUSTC: &str = "/usr/bin/rustc";
const LINKER: &str = "wasm-ld-22";

/// A compiler of Debian's, complete.
#[derive(Debug)]
pub(crate) struct Compiler {
    rustc: PathBuf,
    linker: PathBuf,
}

impl Compiler {
    /// Looks for it; none if any of the three parts is missing.
    pub(crate) fn find() -> Option<Self> {
        let linker = env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(LINKER)).find(|path| path.is_file())?;
        let printed = Command::new(RUSTC).args(["--print", "sysroot"]).output().ok()?;
        let sysroot = PathBuf::from(String::from_utf8_lossy(&printed.stdout).trim());
        let source = sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml");
        source.is_file().then(|| Self { rustc: RUSTC.into(), linker })
    }

    /// Makes a run of `cargo build` use it.
    pub(crate) fn direct(&self, cargo: &mut Command) {
        cargo
            .env("RUSTC", &self.rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", &self.linker)
            .args(["-Z", "build-std=std,panic_abort"]);
    }
}

/// Installs what is missing, having said so; `why` is what failed before.
pub(crate) fn install(why: &str) -> Result<Compiler, BuildError> {
    let refused = |reason: &str| BuildError::NoToolchain { reason: format!("{why}; {reason}") };
    if !Path::new("/usr/bin/apt-get").is_file() {
        return Err(refused("and this is not a Debian-like system"));
    }
    let privilege = Privilege::find().ok_or_else(|| refused("and installing packages takes root"))?;
    announce(why);
    // NOTE: lists that cannot be brought up to date may still be good enough, so that only the second command decides.
    let _updated = privilege.apt(&["update"]);
    let installed = privilege.apt(&[&["install", "-y", "--no-install-recommends"][..], &PACKAGES].concat());
    if !installed {
        return Err(refused("and apt-get could not install Debian's compiler"));
    }
    Compiler::find().ok_or_else(|| refused("and Debian's compiler, though installed, is not where it belongs"))
}

#[expect(clippy::print_stderr, reason = "nothing is installed before the person at the terminal has been told")]
fn announce(why: &str) {
    eprintln!("Plugins are compiled to WebAssembly, and no compiler on this machine does that yet: {why}.");
    eprintln!("Installing Debian's: apt-get install {} (about 600 MB; rustup's toolchain stays)", PACKAGES.join(" "));
}

/// How packages may be installed here.
pub(crate) enum Privilege {
    Root,
    /// `sudo` that asks for no password.
    Sudo,
}

impl Privilege {
    pub(crate) fn find() -> Option<Self> {
        let printed = Command::new("id").arg("-u").output().ok()?;
        if printed.stdout.trim_ascii() == b"0" {
            return Some(Self::Root);
        }
        let status = Command::new("sudo").args(["-n", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success()).then_some(Self::Sudo)
    }

    /// Runs `apt-get`, its output on our stderr; whether it succeeded.
    pub(crate) fn apt(&self, arguments: &[&str]) -> bool {
        let mut command = match self {
            Self::Root => Command::new("apt-get"),
            Self::Sudo => {
                let mut sudo = Command::new("sudo");
                sudo.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
                sudo
            }
        };
        command.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-o", "DPkg::Lock::Timeout=600"]).args(arguments);
        command.stdin(Stdio::null()).stdout(std::io::stderr()).status().is_ok_and(|status| status.success())
    }
}
