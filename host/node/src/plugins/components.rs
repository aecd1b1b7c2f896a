//! Component files of a domain, each under the hash of its bytes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use eventdbx_sandbox::ComponentHash;

/// The directory with the components.
pub(super) struct Components {
    dir: PathBuf,
}

impl Components {
    pub(super) fn open(dir: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        Ok(Self { dir })
    }

    /// Keeps a file. It is there whole or not at all.
    pub(super) fn put(&self, hash: ComponentHash, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(hash);
        if self.has(hash) {
            return Ok(());
        }
        let unfinished = path.with_extension(format!("{:016x}", rand::random::<u64>()));
        let written = write_synced(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, &path));
        if written.is_err() {
            // What is left of the attempt has a name that nobody looks for.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Whether it was added.
    pub(super) fn has(&self, hash: ComponentHash) -> bool {
        self.path(hash).exists()
    }

    /// The bytes of a component; none: it was never added. A file that was changed since is an error.
    pub(super) fn get(&self, hash: ComponentHash) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(hash)) {
            Ok(bytes) if ComponentHash::of(&bytes) == hash => Ok(Some(bytes)),
            Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "its bytes are not those that it was added with")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn path(&self, hash: ComponentHash) -> PathBuf {
        self.dir.join(format!("{hash}.wasm"))
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_comes_back_only_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let components = Components::open(dir.path().join("components")).unwrap();
        let hash = ComponentHash::of(b"bytes");
        assert!(components.get(hash).unwrap().is_none());
        components.put(hash, b"bytes").unwrap();
        components.put(hash, b"bytes").unwrap();
        assert_eq!(components.get(hash).unwrap().unwrap(), b"bytes");
        fs::write(components.path(hash), b"other").unwrap();
        assert!(components.get(hash).is_err());
        assert_eq!(fs::read_dir(&components.dir).unwrap().count(), 1);
    }
}
