//! The bytes of the file `keyring`. Integers are big-endian.
//!
//! ```text
//! magic "EDBXKEYS" ‖ format u16 ‖ domain id 16 ‖ key check 32
//! created at u64 (µs) ‖ length u8 ‖ domain name
//! current epoch u32 ‖ count u32 ‖ { epoch u32 ‖ wrapped DEK 72 }
//! wrapped signing seed 72 ‖ verifying key 32 ‖ wrapped id key 72 ‖ wrapped plugin key 72
//! checksum 32 = BLAKE3 of all before ‖ MAC 32 = BLAKE3, keyed by the master key, of all before
//! ```
//!
//! A wrapped key is sealed by a key derived from the master key. The checksum tells damage, the key check a wrong master
//! key, and the MAC a change by someone who repaired the checksum: all before the first key is unwrapped.

use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use super::{Binding, Cipher, DomainId, KeyBytes, Keyring, KeyringError, MasterKey, RecordKind, keyring::Dek};
use crate::{DomainName, Micros};

const MAGIC: &[u8; 8] = b"EDBXKEYS";
const FORMAT: u16 = 1;
const HASH: usize = 32;
const WRAPPED: usize = 32 + Cipher::OVERHEAD;

/// Which key of the ring a wrapped key is: part of its additional data.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Slot {
    Dek = 1,
    Signing = 2,
    Id = 3,
    Plugin = 4,
}

pub(super) fn encode(keyring: &Keyring, master: &MasterKey) -> Vec<u8> {
    let domain = &keyring.domain_id;
    let wrapper = master.wrapper(domain);
    let wrap = |slot, epoch, key: &[u8; 32], out: &mut Vec<u8>| {
        wrapper.seal_into(binding(&mut Vec::new(), domain, slot, epoch), key, out);
    };
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&FORMAT.to_be_bytes());
    out.extend_from_slice(domain);
    out.extend_from_slice(&master.check_value(domain));
    out.extend_from_slice(&keyring.created_at.get().to_be_bytes());
    let name = keyring.name.as_str().as_bytes();
    out.push(name.len() as u8);
    out.extend_from_slice(name);
    out.extend_from_slice(&keyring.epoch.to_be_bytes());
    out.extend_from_slice(&(keyring.deks.len() as u32).to_be_bytes());
    for dek in &keyring.deks {
        out.extend_from_slice(&dek.epoch.to_be_bytes());
        wrap(Slot::Dek, dek.epoch, &dek.key, &mut out);
    }
    wrap(Slot::Signing, 0, &Zeroizing::new(keyring.signing.to_bytes()), &mut out);
    out.extend_from_slice(keyring.signing.verifying_key().as_bytes());
    wrap(Slot::Id, 0, &keyring.id_key, &mut out);
    wrap(Slot::Plugin, 0, &keyring.plugin_key, &mut out);
    let checksum = blake3::hash(&out);
    out.extend_from_slice(checksum.as_bytes());
    let mac = blake3::keyed_hash(&master.authenticator(domain), &out);
    out.extend_from_slice(mac.as_bytes());
    out
}

pub(super) fn decode(file: &[u8], master: &MasterKey) -> Result<Keyring, KeyringError> {
    let mut fields = Fields(authentic(file, master)?);
    let (_magic, _format) = (fields.bytes::<8>()?, fields.u16()?);
    let domain_id: DomainId = *fields.bytes()?;
    let _check: &[u8; HASH] = fields.bytes()?;
    let wrapper = master.wrapper(&domain_id);
    let unwrap = |slot, epoch, wrapped: &[u8; WRAPPED]| {
        let opened = wrapper.open(binding(&mut Vec::new(), &domain_id, slot, epoch), wrapped).map(Zeroizing::new);
        let key = opened.as_deref().and_then(|key| <&[u8; 32]>::try_from(key.as_slice()).ok());
        key.map(|key| KeyBytes::new(*key)).ok_or(KeyringError::Damaged("a key does not open"))
    };
    let created_at = Micros::new(fields.u64()?);
    let name = fields.name()?;
    let epoch = fields.u32()?;
    let count = fields.u32()?;
    let mut deks = Vec::new();
    for _ in 0..count {
        let epoch = fields.u32()?;
        deks.push(Dek::new(epoch, unwrap(Slot::Dek, epoch, fields.bytes()?)?));
    }
    let signing = SigningKey::from_bytes(&*unwrap(Slot::Signing, 0, fields.bytes()?)?);
    if signing.verifying_key().as_bytes() != fields.bytes()? {
        return Err(KeyringError::Damaged("the signing key does not fit its public half"));
    }
    let id_key = unwrap(Slot::Id, 0, fields.bytes()?)?;
    let plugin_key = unwrap(Slot::Plugin, 0, fields.bytes()?)?;
    if !fields.0.is_empty() || !deks.iter().any(|dek| dek.epoch == epoch) {
        return Err(KeyringError::Damaged("its parts do not fit together"));
    }
    Ok(Keyring { domain_id, name, created_at, epoch, deks, signing, id_key, plugin_key })
}

/// The fields of a file that is whole, and this master key's.
fn authentic<'a>(file: &'a [u8], master: &MasterKey) -> Result<&'a [u8], KeyringError> {
    let mut header = Fields(file);
    if header.bytes::<8>()? != MAGIC {
        return Err(KeyringError::Damaged("it does not begin as a keyring does"));
    }
    let format = header.u16()?;
    if format == 0 {
        return Err(KeyringError::Damaged("it has no format"));
    }
    if format > FORMAT {
        return Err(KeyringError::NewerFormat(format));
    }
    let short = KeyringError::Damaged("it is too short");
    let Some((checked, mac)) = file.split_last_chunk::<HASH>() else { return Err(short) };
    let Some((content, checksum)) = checked.split_last_chunk::<HASH>() else { return Err(short) };
    if blake3::hash(content) != *checksum {
        return Err(KeyringError::Damaged("its checksum does not fit"));
    }
    let domain: &DomainId = header.bytes()?;
    let check: &[u8; HASH] = header.bytes()?;
    if blake3::Hash::from(master.check_value(domain)) != *check {
        return Err(KeyringError::WrongMasterKey);
    }
    if blake3::keyed_hash(&master.authenticator(domain), checked) != *mac {
        return Err(KeyringError::Damaged("it was changed without its master key"));
    }
    Ok(content)
}

fn binding<'a>(aad: &'a mut Vec<u8>, domain: &DomainId, slot: Slot, epoch: u32) -> &'a [u8] {
    Binding::new(aad, RecordKind::KeyringKey, &[0; 8], domain).field(&[slot as u8]).number(epoch.into()).bytes()
}

/// What is left to read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes<const N: usize>(&mut self) -> Result<&'a [u8; N], KeyringError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(KeyringError::Damaged("it is too short"))?;
        self.0 = rest;
        Ok(bytes)
    }

    fn u16(&mut self) -> Result<u16, KeyringError> {
        self.bytes().copied().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, KeyringError> {
        self.bytes().copied().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, KeyringError> {
        self.bytes().copied().map(u64::from_be_bytes)
    }

    fn name(&mut self) -> Result<DomainName, KeyringError> {
        let [length] = *self.bytes()?;
        let (name, rest) = self.0.split_at_checked(length.into()).ok_or(KeyringError::Damaged("it is too short"))?;
        self.0 = rest;
        let name = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok());
        name.ok_or(KeyringError::Damaged("the name of its domain is none"))
    }
}
