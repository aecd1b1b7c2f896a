//! The master key: environment, configured file, `master.key`, or a new one.
//!
//! The key is read before anything else starts, never logged, and never made where a log already exists that another key
//! must have sealed.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use eventdbx_store::{MasterKey, MasterKeyError};
use zeroize::Zeroizing;

use crate::{data_dir::DataDir, private_file};

/// Environment variable with the master key: 64 hex digits.
pub const MASTER_KEY_VARIABLE: &str = "DBX_MASTER_KEY";

/// Where the master key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// From [`MASTER_KEY_VARIABLE`].
    Environment,
    /// From a file that was there.
    File(PathBuf),
    /// It was made just now, and lies in this file. Whoever runs the daemon must be told: without it nothing can be read.
    Generated(PathBuf),
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The disk says no.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The key file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can read the key.
    #[error("the key file {} can be read by others (mode {mode:04o}): run `chmod 600 {}`", path.display(), path.display())]
    OpenToOthers {
        /// The key file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key file belongs to somebody else.
    #[error("the key file {} belongs to user {owner}, and this is user {user}: copy it and own the copy", path.display())]
    NotOurs {
        /// The key file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who runs this.
        user: u32,
    },
    /// It is not a key.
    #[error("{origin} does not hold a master key: {source}")]
    Malformed {
        /// Where it was read.
        origin: String,
        /// What is there instead, without telling it.
        source: MasterKeyError,
    },
    /// There is a log, but no key for it.
    #[error(
        "{} has a log but its master key is missing: put the key back into {}, or give it in {MASTER_KEY_VARIABLE}",
        data_dir.display(),
        expected.display()
    )]
    Missing {
        /// The data directory.
        data_dir: PathBuf,
        /// Where the key was looked for.
        expected: PathBuf,
    },
}

/// Finds the master key, or makes one in a data directory that has no log yet.
///
/// `environment` is the value of [`MASTER_KEY_VARIABLE`]; `configured` is `keys.master_key_file`.
pub(crate) fn load(
    data_dir: &DataDir,
    environment: Option<&str>,
    configured: Option<&Path>,
) -> Result<(MasterKey, KeySource), KeyError> {
    if let Some(text) = environment {
        return Ok((parse(text, || MASTER_KEY_VARIABLE.to_owned())?, KeySource::Environment));
    }
    let path = configured.map_or_else(|| data_dir.master_key(), |path| data_dir.path().join(path));
    match fs::metadata(&path) {
        Ok(metadata) => Ok((read(&path, &metadata)?, KeySource::File(path))),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(KeyError::Disk { path, source: error }),
        Err(_) if data_dir.has_domains() || configured.is_some() => {
            Err(KeyError::Missing { data_dir: data_dir.path().to_owned(), expected: path })
        }
        Err(_) => {
            let key = MasterKey::generate();
            let text = Zeroizing::new(format!("{}\n", *key.to_hex()));
            private_file::create(&path, text.as_bytes())
                .map_err(|source| KeyError::Disk { path: path.clone(), source })?;
            Ok((key, KeySource::Generated(path)))
        }
    }
}

fn read(path: &Path, metadata: &fs::Metadata) -> Result<MasterKey, KeyError> {
    let (mode, owner) = (metadata.mode() & 0o7777, metadata.uid());
    let user = rustix::process::geteuid().as_raw();
    if owner != user {
        return Err(KeyError::NotOurs { path: path.to_owned(), owner, user });
    }
    if mode & 0o077 != 0 {
        return Err(KeyError::OpenToOthers { path: path.to_owned(), mode });
    }
    let text = fs::read_to_string(path).map_err(|source| KeyError::Disk { path: path.to_owned(), source })?;
    parse(&Zeroizing::new(text), || path.display().to_string())
}

fn parse(text: &str, origin: impl FnOnce() -> String) -> Result<MasterKey, KeyError> {
    MasterKey::from_hex(text).map_err(|source| KeyError::Malformed { origin: origin(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn data_dir() -> (tempfile::TempDir, DataDir) {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = DataDir::new(dir.path());
        (dir, data_dir)
    }

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let (_dir, data_dir) = data_dir();
        let (made, source) = load(&data_dir, None, None).unwrap();
        assert_eq!(source, KeySource::Generated(data_dir.master_key()));
        assert_eq!(fs::metadata(data_dir.master_key()).unwrap().mode() & 0o777, 0o600);
        let (found, source) = load(&data_dir, None, None).unwrap();
        assert_eq!(source, KeySource::File(data_dir.master_key()));
        assert_eq!(made.to_hex(), found.to_hex());
    }

    #[test]
    fn the_environment_goes_first() {
        let (_dir, data_dir) = data_dir();
        let key = MasterKey::generate();
        let (found, source) = load(&data_dir, Some(&key.to_hex()), None).unwrap();
        assert_eq!((found.to_hex(), source), (key.to_hex(), KeySource::Environment));
        assert!(!data_dir.master_key().exists());
        let message = load(&data_dir, Some("abc"), None).unwrap_err().to_string();
        assert!(message.contains(MASTER_KEY_VARIABLE) && !message.contains("abc"), "{message}");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let (_dir, data_dir) = data_dir();
        load(&data_dir, None, None).unwrap();
        fs::set_permissions(data_dir.master_key(), fs::Permissions::from_mode(0o640)).unwrap();
        let message = load(&data_dir, None, None).unwrap_err().to_string();
        assert!(message.contains("chmod 600"), "{message}");
    }

    #[test]
    fn no_key_is_made_where_a_log_exists_or_a_file_was_named() {
        let (dir, data_dir) = data_dir();
        assert!(matches!(load(&data_dir, None, Some(Path::new("elsewhere"))), Err(KeyError::Missing { .. })));
        fs::create_dir_all(dir.path().join("domains/default")).unwrap();
        assert!(matches!(load(&data_dir, None, None), Err(KeyError::Missing { .. })));
        assert!(!data_dir.master_key().exists());
    }
}
