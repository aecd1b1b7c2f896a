//! Destroying a domain: its keys first, so that whatever is left of it afterwards cannot be read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use crate::{Domain, OpenError, open};

/// How much is written over a key file at a time.
const BLOCK: [u8; 512] = [0; 512];

impl Domain {
    /// Whether a domain lies in `dir`: its keys, or a log that lacks them. A directory of anything else is none.
    #[must_use]
    pub fn lies_in(dir: &Path) -> bool {
        dir.join(open::KEYRING).exists() || dir.join(open::LOG).exists()
    }

    /// Moves the domain in `dir` to `grave` and destroys its keys there: the keyring is overwritten, synced and removed.
    /// From then on nothing that is sealed in it can be opened by anyone. `grave` may be `dir` itself, and nothing that was
    /// done before is an error, so that whatever was broken off can be finished by calling this again.
    ///
    /// Where the file system does not write in place (btrfs, ZFS, a snapshot), the old bytes stay on the disk for a while:
    /// they are still wrapped by the master key.
    ///
    /// # Errors
    ///
    /// [`OpenError::InUse`] while the domain is open anywhere, and when the file system refuses.
    pub fn bury(dir: &Path, grave: &Path) -> Result<(), OpenError> {
        let _lock = open::lock(dir)?;
        fs::rename(dir, grave).map_err(OpenError::files(grave))?;
        if let Some(parent) = grave.parent() {
            sync_dir(parent).map_err(OpenError::files(parent))?;
        }
        for name in [open::KEYRING, open::UNFINISHED_KEYRING] {
            let path = grave.join(name);
            destroy(&path).map_err(OpenError::files(&path))?;
        }
        sync_dir(grave).map_err(OpenError::files(grave))
    }
}

/// Writes over a file, and removes it. One that is not there is gone already.
fn destroy(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut left = file.metadata()?.len();
    while left > 0 {
        let bytes = left.min(BLOCK.len() as u64);
        file.write_all(&BLOCK[..usize::try_from(bytes).unwrap_or(BLOCK.len())])?;
        left -= bytes;
    }
    // IMPORTANT: a file that is removed before it is synced is never written over on the disk.
    file.sync_all()?;
    fs::remove_file(path)
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::{io::Read, os::unix::fs::MetadataExt};

    use super::*;
    use crate::{Draft, MasterKey, NewEvent, system_clock};

    fn open(dir: &Path, master: &MasterKey) -> Result<Domain, OpenError> {
        Domain::open(dir, "orders".parse().unwrap(), master, crate::OpenOptions::new(system_clock()))
    }

    #[test]
    fn the_keys_are_written_over_before_they_are_gone() {
        let dir = tempfile::tempdir().unwrap();
        let (living, grave, master) = (dir.path().join("orders"), dir.path().join(".grave"), MasterKey::generate());
        assert!(!Domain::lies_in(&living));
        let domain = open(&living, &master).unwrap();
        domain.append(Draft::one(NewEvent::new("order", "1", "placed", "{}"), "alice")).unwrap();
        assert!(Domain::lies_in(&living));
        assert!(matches!(Domain::bury(&living, &grave), Err(OpenError::InUse(_))), "it is open");
        assert!(living.join("keyring").exists() && !grave.exists());

        drop(domain);
        // Whoever has the file open sees what becomes of its bytes.
        let mut witness = File::open(living.join("keyring")).unwrap();
        Domain::bury(&living, &grave).unwrap();
        let mut bytes = Vec::new();
        witness.read_to_end(&mut bytes).unwrap();
        assert!(bytes.len() > 300 && bytes.iter().all(|byte| *byte == 0), "{bytes:?}");
        assert_eq!(witness.metadata().unwrap().nlink(), 0);
        assert!(!living.exists() && !grave.join("keyring").exists());
        Domain::bury(&grave, &grave).unwrap();
        assert!(matches!(open(&grave, &master), Err(OpenError::KeyringMissing(_))));
    }
}
