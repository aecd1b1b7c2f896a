//! Programs of this machine that the tests of transports talk to: found, or installed from Debian's packages.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{BuildError, debian::Privilege, lock::Lock};

/// Where Debian puts servers, which an ordinary PATH does not name.
const SERVERS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Finds a program, or installs the Debian package that has it, having said so.
///
/// # Errors
/// When it is not there and cannot be installed.
pub fn program(name: &str, package: &str) -> Result<PathBuf, BuildError> {
    if let Some(found) = find(name) {
        return Ok(found);
    }
    let _one_at_a_time = Lock::take(&env::temp_dir().join("eventdbx-programs.lock"))?;
    if let Some(found) = find(name) {
        return Ok(found);
    }
    let refused = |reason: &str| BuildError::NoProgram {
        name: name.to_owned(),
        package: package.to_owned(),
        reason: reason.to_owned(),
    };
    if !Path::new("/usr/bin/apt-get").is_file() {
        return Err(refused("this is not a Debian-like system"));
    }
    let privilege = Privilege::find().ok_or_else(|| refused("installing packages takes root"))?;
    announce(name, package);
    // NOTE: lists that cannot be brought up to date may still be good enough, so that only the second command decides.
    let _updated = privilege.apt(&["update"]);
    if !privilege.apt(&["install", "-y", "--no-install-recommends", package]) {
        return Err(refused("apt-get could not install it"));
    }
    find(name).ok_or_else(|| refused("though the package is installed, the program is not where it belongs"))
}

#[expect(clippy::print_stderr, reason = "nothing is installed before the person at the terminal has been told")]
fn announce(name: &str, package: &str) {
    eprintln!("{name} is not on this machine. Installing Debian's: apt-get install {package}");
}

fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = env::split_paths(&path).chain(SERVERS.iter().map(PathBuf::from));
    dirs.map(|dir| dir.join(name)).find(|path| path.is_file())
}
