//! The keyring of a domain: one small file beside the log, which the master key opens.
//!
//! It holds what no row of the log may hold: the id of the domain, its data keys (DEK) by epoch, the key that signs its
//! heads, the key that turns idempotency keys into event ids, and the key of the plugins' data.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use ed25519_dalek::{SigningKey, VerifyingKey};

use super::{Cipher, KeyBytes, MasterKey, fill, keyring_file, random_key};
use crate::{DomainName, Micros};

/// Random id of a domain: what proofs and ciphertexts are bound to, rather than its name.
pub(crate) type DomainId = [u8; 16];

/// The first epoch of data keys.
const FIRST_EPOCH: u32 = 1;

/// The keys of a domain, opened.
pub(crate) struct Keyring {
    pub(super) domain_id: DomainId,
    pub(super) name: DomainName,
    pub(super) created_at: Micros,
    pub(super) epoch: u32,
    pub(super) deks: Vec<Dek>,
    pub(super) signing: SigningKey,
    pub(super) id_key: KeyBytes,
    pub(super) plugin_key: KeyBytes,
}

/// A data key.
pub(super) struct Dek {
    pub(super) epoch: u32,
    pub(super) key: KeyBytes,
    pub(super) cipher: Cipher,
}

impl Dek {
    pub(super) fn new(epoch: u32, key: KeyBytes) -> Self {
        let cipher = Cipher::new(&key);
        Self { epoch, key, cipher }
    }
}

/// Why a keyring does not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyringError {
    /// It is whole, and another master key's.
    #[error("the master key is not the one that this domain was made with")]
    WrongMasterKey,
    /// It is not what was written.
    #[error("the keyring is damaged ({0}): put back a copy of it")]
    Damaged(&'static str),
    /// A later version of EventDBX wrote it.
    #[error("the keyring has format {0}, which this version of EventDBX does not know: use a later one")]
    NewerFormat(u16),
    /// The disk failed, or the file is not there.
    #[error("the keyring cannot be read or written")]
    Disk(#[from] io::Error),
}

impl Keyring {
    /// Makes all keys of a new domain. Nothing is written yet.
    pub(crate) fn create(name: &DomainName, now: Micros) -> Self {
        let mut domain_id = [0; 16];
        fill(&mut domain_id);
        Self {
            domain_id,
            name: name.clone(),
            created_at: now,
            epoch: FIRST_EPOCH,
            deks: vec![Dek::new(FIRST_EPOCH, random_key())],
            signing: SigningKey::from_bytes(&random_key()),
            id_key: random_key(),
            plugin_key: random_key(),
        }
    }

    /// Reads and opens a keyring; writes nothing.
    pub(crate) fn read(path: &Path, master: &MasterKey) -> Result<Self, KeyringError> {
        keyring_file::decode(&fs::read(path)?, master)
    }

    /// Writes the file of a new domain, readable by its owner alone: it is there whole or not at all, and on the disk
    /// when this returns. The caller holds the domain's lock.
    ///
    /// Refuses to take the place of a keyring: whatever it sealed would be lost.
    pub(crate) fn write_new(&self, path: &Path, master: &MasterKey) -> Result<(), KeyringError> {
        if path.try_exists()? {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists).into());
        }
        let unfinished = path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&keyring_file::encode(self, master))?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }

    /// Random id of the domain.
    pub(crate) fn domain_id(&self) -> &DomainId {
        &self.domain_id
    }

    /// Name that the domain was made with.
    pub(crate) fn name(&self) -> &DomainName {
        &self.name
    }

    /// When the domain was made.
    pub(crate) fn created_at(&self) -> Micros {
        self.created_at
    }

    /// The epoch whose data key wraps new keys of aggregates.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The data key of the current epoch.
    pub(crate) fn dek(&self) -> &Cipher {
        match self.dek_of(self.epoch) {
            Some(cipher) => cipher,
            None => unreachable!("a keyring holds the key of its own epoch: checked when it is read"),
        }
    }

    /// The data key of an epoch, if it is still kept.
    pub(crate) fn dek_of(&self, epoch: u32) -> Option<&Cipher> {
        self.deks.iter().find(|dek| dek.epoch == epoch).map(|dek| &dek.cipher)
    }

    /// Signs the heads of the domain.
    pub(crate) fn signing_key(&self) -> &SigningKey {
        &self.signing
    }

    /// What others check those signatures with.
    pub(crate) fn verifying_key(&self) -> VerifyingKey {
        self.signing.verifying_key()
    }

    /// Turns idempotency keys into event ids by a keyed hash, so that ids do not betray keys.
    pub(crate) fn id_key(&self) -> &[u8; 32] {
        &self.id_key
    }

    /// Seals what belongs to the domain but to no aggregate: plugin tables, parked deliveries, configuration.
    pub(crate) fn plugin_cipher(&self) -> Cipher {
        Cipher::new(&self.plugin_key)
    }
}

#[cfg(test)]
mod tests;
