//! The data directory: where things lie in it, who may see it, and the lock that makes one daemon its only writer.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use eventdbx_store::DomainName;

/// The directory of a daemon. Only paths: nothing is opened or made before [`DataDir::lock`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir(PathBuf);

/// The right to write in a data directory; held until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDirLock {
    _file: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// The disk says no.
    #[error("{}: {source}", path.display())]
    Disk {
        /// What was to be used.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is something else.
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// Others could plant files in it.
    #[error("{} can be written by others (mode {mode:04o}): run `chmod 700 {}` first", path.display(), path.display())]
    OpenToOthers {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to user {owner}, and this is user {user}", path.display())]
    NotOurs {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who runs this.
        user: u32,
    },
    /// A daemon runs on it.
    #[error("{} is in use by another daemon{}", path.display(), holder(*pid))]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Process id of the daemon, where the lock file says it.
        pid: Option<u32>,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

impl DataDir {
    /// The data directory at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The socket of its daemon.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.0.join("dbx.sock")
    }

    /// The log of a daemon that has no terminal.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.0.join("logs").join("dbx.log")
    }

    /// Where the master key is kept unless it is given otherwise.
    #[must_use]
    pub fn master_key(&self) -> PathBuf {
        self.0.join("master.key")
    }

    /// Where compiled components are kept.
    pub(crate) fn component_cache(&self) -> PathBuf {
        self.0.join("cache").join("components")
    }

    /// Where the domains lie.
    pub(crate) fn domains(&self) -> PathBuf {
        self.0.join("domains")
    }

    /// The directory of a domain.
    pub(crate) fn domain(&self, name: &DomainName) -> PathBuf {
        self.domains().join(name.as_str())
    }

    /// How the directory of a domain begins whose keys are destroyed. No domain has such a name.
    pub(crate) const GRAVE: &str = ".deleting-";

    /// The directory of a domain that is being deleted.
    pub(crate) fn grave(&self, name: &DomainName) -> PathBuf {
        self.domains().join(format!("{}{name}", Self::GRAVE))
    }

    /// Whether a domain was ever made here.
    pub(crate) fn has_domains(&self) -> bool {
        fs::read_dir(self.domains()).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// Process id of the daemon that runs on this directory, if one does.
    ///
    /// # Errors
    ///
    /// When the lock file cannot be read.
    pub fn daemon_pid(&self) -> io::Result<Option<u32>> {
        let file = match File::open(self.lock_file()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(read_pid(file)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Makes the directory if it is missing (only for its owner), checks who may write in it, and takes its lock.
    pub(crate) fn lock(&self) -> Result<DataDirLock, DataDirError> {
        let disk = |source| DataDirError::Disk { path: self.0.clone(), source };
        if !self.0.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(disk)?;
        }
        self.check_access(&fs::metadata(&self.0).map_err(disk)?)?;

        let path = self.lock_file();
        let disk = |source| DataDirError::Disk { path: path.clone(), source };
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(disk)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataDirError::InUse { path: self.0.clone(), pid: read_pid(file) });
            }
            Err(TryLockError::Error(source)) => return Err(disk(source)),
        }
        // NOTE: written in place, never renamed: whoever waits for the lock has this very file open.
        file.set_len(0).and_then(|()| file.rewind()).map_err(disk)?;
        writeln!(file, "{}", std::process::id()).map_err(disk)?;
        Ok(DataDirLock { _file: file })
    }

    fn lock_file(&self) -> PathBuf {
        self.0.join("daemon.lock")
    }

    fn check_access(&self, metadata: &fs::Metadata) -> Result<(), DataDirError> {
        let path = self.0.clone();
        let (mode, owner) = (metadata.mode() & 0o7777, metadata.uid());
        let user = rustix::process::geteuid().as_raw();
        if !metadata.is_dir() {
            Err(DataDirError::NotADirectory(path))
        } else if owner != user {
            Err(DataDirError::NotOurs { path, owner, user })
        } else if mode & 0o022 != 0 {
            Err(DataDirError::OpenToOthers { path, mode })
        } else {
            Ok(())
        }
    }
}

fn read_pid(mut file: File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_directory_is_only_for_its_owner() {
        let root = tempfile::tempdir().unwrap();
        let dir = DataDir::new(root.path().join("a/b"));
        assert_eq!(dir.daemon_pid().unwrap(), None);
        let lock = dir.lock().unwrap();
        assert_eq!(fs::metadata(dir.path()).unwrap().mode() & 0o777, 0o700);
        assert_eq!(dir.daemon_pid().unwrap(), Some(std::process::id()));
        drop(lock);
        assert_eq!(dir.daemon_pid().unwrap(), None);
    }

    #[test]
    fn the_second_to_come_is_told_who_was_first() {
        let root = tempfile::tempdir().unwrap();
        let dir = DataDir::new(root.path());
        let _first = dir.lock().unwrap();
        let message = dir.lock().unwrap_err().to_string();
        assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o770)).unwrap();
        let message = DataDir::new(root.path()).lock().unwrap_err().to_string();
        assert!(message.contains("0770") && message.contains("chmod 700"), "{message}");
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(DataDir::new(file).lock(), Err(DataDirError::NotADirectory(_))));
    }
}
