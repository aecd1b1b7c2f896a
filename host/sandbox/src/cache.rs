//! Compiled components on disk, so that a start does not compile again.
//!
//! Invariant: machine code is only loaded if this host wrote it. A file is called by the hash of its component and by the
//! engine that compiled it, and begins with a MAC over that name and its content, under a key that only this host has.
//! Whatever does not fit is deleted and compiled anew. The cache is never needed: it only saves time.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use wasmtime::{Engine, component::Component};

use crate::{LoadError, component::ComponentHash};

const EXTENSION: &str = "cwasm";
const MAC_BYTES: usize = blake3::OUT_LEN;
const KEY_CONTEXT: &str = "EventDBX 2026-11 compiled components: MAC key";

/// A directory of compiled components.
pub(crate) struct Cache {
    dir: PathBuf,
    key: [u8; 32],
    /// Stands for the version of the engine, its configuration and the machine.
    engine: String,
    written: AtomicU64,
}

impl Cache {
    /// Opens the cache, making the directory if it is missing and deleting what another engine left.
    pub(crate) fn open(dir: PathBuf, secret: &[u8; 32], engine: &Engine) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let key = blake3::derive_key(KEY_CONTEXT, secret);
        let cache = Self { dir, key, engine: engine_hash(engine), written: AtomicU64::new(0) };
        cache.delete_foreign()?;
        Ok(cache)
    }

    /// A component, compiled by `engine`, or found compiled.
    pub(crate) fn compile(&self, engine: &Engine, encoded: &[u8]) -> Result<Component, LoadError> {
        let hash = ComponentHash::of(encoded);
        if let Some(component) = self.load(engine, hash) {
            return Ok(component);
        }
        let compiled = Component::from_binary(engine, encoded);
        let component = compiled.map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
        self.store(hash, &component);
        Ok(component)
    }

    /// The compiled component, if the cache holds it and it is ours.
    fn load(&self, engine: &Engine, hash: ComponentHash) -> Option<Component> {
        let path = self.path(hash);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return discard(&path, &error.to_string()),
        };
        // IMPORTANT: what is checked is what is loaded, these bytes. The file may be another one by now.
        let Some((mac, code)) = bytes.split_first_chunk::<MAC_BYTES>() else {
            return discard(&path, "it is too short");
        };
        if self.mac(hash, code) != blake3::Hash::from_bytes(*mac) {
            return discard(&path, "this host did not write it");
        }
        match deserialize(engine, code) {
            Ok(component) => Some(component),
            Err(error) => discard(&path, &format!("{error:#}")),
        }
    }

    /// Keeps a compiled component. A failure costs time at the next start and is only reported.
    fn store(&self, hash: ComponentHash, component: &Component) {
        let kept = component.serialize().map_err(|error| io::Error::other(format!("{error:#}")));
        if let Err(error) = kept.and_then(|code| self.write(hash, &code)) {
            tracing::warn!(component = %hash, %error, "cannot keep a compiled component");
        }
    }

    fn write(&self, hash: ComponentHash, code: &[u8]) -> io::Result<()> {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let draft = self.dir.join(format!("{hash}-{}-{number}.draft", std::process::id()));
        let written = write_new(&draft, self.mac(hash, code).as_bytes(), code);
        written.and_then(|()| fs::rename(&draft, self.path(hash))).inspect_err(|_| {
            // It may never have been made; what counts is the first error.
            let _ = fs::remove_file(&draft);
        })
    }

    fn mac(&self, hash: ComponentHash, code: &[u8]) -> blake3::Hash {
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        // Both are of fixed length, so that no other pair gives the same input.
        mac.update(hash.as_bytes()).update(self.engine.as_bytes()).update(code);
        mac.finalize()
    }

    fn path(&self, hash: ComponentHash) -> PathBuf {
        self.dir.join(format!("{hash}-{}.{EXTENSION}", self.engine))
    }

    /// Deletes drafts that a crash left, and what another engine compiled.
    fn delete_foreign(&self) -> io::Result<()> {
        let ours = format!("-{}.{EXTENSION}", self.engine);
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if !name.ends_with(&ours) && (name.ends_with(".draft") || name.ends_with(EXTENSION)) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

/// Reports a file that cannot be used, deletes it, and loads nothing.
fn discard(path: &Path, reason: &str) -> Option<Component> {
    tracing::warn!(path = %path.display(), reason, "a compiled component is set aside and compiled anew");
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "cannot delete it");
    }
    None
}

fn write_new(path: &Path, mac: &[u8], code: &[u8]) -> io::Result<()> {
    use io::Write as _;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(mac)?;
    file.write_all(code)
}

fn engine_hash(engine: &Engine) -> String {
    use std::hash::{Hash as _, Hasher};

    /// Feeds what wasmtime says of itself to a hash that is the same in every process.
    struct Feed(blake3::Hasher);
    impl Hasher for Feed {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut feed = Feed(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut feed);
    feed.0.finalize().to_hex()[..16].to_owned()
}

#[expect(unsafe_code, reason = "the one place where machine code is trusted; see below")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `Component::deserialize` runs whatever machine code it is given, so the code must come from
    // `Component::serialize` of this engine, unchanged. The caller has checked a MAC over exactly these bytes and over the
    // hash of this engine, under a key that never leaves the host, and `Cache::store` is the only code that computes that
    // MAC, over the output of `Component::serialize`. Whoever can forge it holds the host's master key, and with it the
    // host. wasmtime checks its own version and configuration once more.
    unsafe { Component::deserialize(engine, code) }
}
