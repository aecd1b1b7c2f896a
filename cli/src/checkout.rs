//! Which domain is checked out: remembered for each user and each data directory, outside of the data directory, which
//! belongs to the daemon and may be shared.

use std::{
    fs::{self, DirBuilder},
    io::{self, Write},
    os::unix::{ffi::OsStrExt, fs::DirBuilderExt},
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::fail::{Failure, Kind};

/// The domain that always exists.
pub(crate) const DEFAULT: &str = "default";

/// Environment variable that names the directory in which to remember.
const STATE_DIR: &str = "DBX_STATE_DIR";

/// Where the domain of one data directory is remembered.
#[derive(Debug)]
pub(crate) struct Memory {
    data_dir: PathBuf,
    file: PathBuf,
}

/// What is remembered. The directory stands in it for whoever looks into the file.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    data_dir: String,
    domain: String,
}

impl Memory {
    /// Where the domain of a data directory is remembered; none: this user has no place to remember anything.
    pub(crate) fn of(data_dir: &Path) -> Option<Self> {
        let data_dir = fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned());
        // NOTE: a hash, since a path may be longer than the name of a file.
        let name = blake3::hash(data_dir.as_os_str().as_bytes()).to_hex();
        let file = state_dir()?.join("checkout").join(format!("{}.json", &name[..32]));
        Some(Self { data_dir, file })
    }

    /// The domain that is checked out; none: nobody checked one out.
    pub(crate) fn read(&self) -> anyhow::Result<Option<String>> {
        let text = match fs::read(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", self.file.display())),
        };
        let remembered: Remembered = serde_json::from_slice(&text).map_err(|error| {
            Failure::new(
                Kind::Other,
                format!("{} does not say which domain is checked out: {error}", self.file.display()),
            )
            .hint("remove the file, and check a domain out anew: `dbx checkout NAME`")
        })?;
        Ok(Some(remembered.domain))
    }

    /// Remembers a domain.
    pub(crate) fn write(&self, domain: &str) -> anyhow::Result<()> {
        let writing = || format!("writing {}", self.file.display());
        let dir = self.file.parent().with_context(writing)?;
        DirBuilder::new().recursive(true).mode(0o700).create(dir).with_context(writing)?;
        let remembered = Remembered { data_dir: self.data_dir.display().to_string(), domain: domain.to_owned() };
        // NOTE: a temporary file is readable by its owner alone.
        let mut file = tempfile::NamedTempFile::new_in(dir).with_context(writing)?;
        writeln!(file, "{}", serde_json::to_string(&remembered)?).with_context(writing)?;
        file.persist(&self.file).with_context(writing)?;
        Ok(())
    }

    /// Forgets what was checked out: it is `default` again.
    pub(crate) fn forget(&self) -> anyhow::Result<()> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", self.file.display()))
            }
            _ => Ok(()),
        }
    }
}

fn state_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state_home = || absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    absolute(STATE_DIR).or_else(|| Some(state_home()?.join("eventdbx")))
}
