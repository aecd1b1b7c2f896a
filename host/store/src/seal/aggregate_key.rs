//! The key of an aggregate: random, so that destroying its row erases whatever it sealed.
//!
//! Its row, 84 bytes:
//!
//! ```text
//! epoch of the DEK u32 ‖ key id 8 ‖ sealed by that DEK: the 32 bytes of the key
//! ```

use zeroize::Zeroizing;

use super::{Binding, Cipher, KeyBytes, Keyring, RecordKind, fill, random_key};
use crate::AggregateNumber;

/// The key of an aggregate.
#[derive(Clone)]
pub(crate) struct AggregateKey {
    id: [u8; 8],
    key: KeyBytes,
}

impl AggregateKey {
    /// Bytes of its row.
    pub(crate) const ROW_BYTES: usize = 4 + 8 + 32 + Cipher::OVERHEAD;

    /// A new random key with a random id.
    pub(crate) fn generate() -> Self {
        let mut id = [0; 8];
        fill(&mut id);
        Self { id, key: random_key() }
    }

    /// Stands in the additional data of whatever the key seals.
    pub(crate) fn id(&self) -> &[u8; 8] {
        &self.id
    }

    /// Ready to seal and to open.
    pub(crate) fn cipher(&self) -> Cipher {
        Cipher::new(&self.key)
    }

    /// The row of the key, under the current DEK.
    pub(crate) fn wrap(&self, keyring: &Keyring, number: AggregateNumber) -> Vec<u8> {
        let mut row = Vec::with_capacity(Self::ROW_BYTES);
        row.extend_from_slice(&keyring.epoch().to_be_bytes());
        row.extend_from_slice(&self.id);
        let mut aad = Vec::new();
        keyring.dek().seal_into(binding(&mut aad, keyring, keyring.epoch(), &self.id, number), &*self.key, &mut row);
        row
    }

    /// Opens a row. `None`: it is damaged, belongs to another aggregate or domain, or its DEK is gone.
    pub(crate) fn unwrap(row: &[u8], keyring: &Keyring, number: AggregateNumber) -> Option<Self> {
        let (epoch, rest) = row.split_first_chunk::<4>()?;
        let (id, sealed) = rest.split_first_chunk::<8>()?;
        let epoch = u32::from_be_bytes(*epoch);
        let mut aad = Vec::new();
        let aad = binding(&mut aad, keyring, epoch, id, number);
        let opened = Zeroizing::new(keyring.dek_of(epoch)?.open(aad, sealed)?);
        let key = <&[u8; 32]>::try_from(opened.as_slice()).ok()?;
        Some(Self { id: *id, key: Zeroizing::new(*key) })
    }
}

fn binding<'a>(aad: &'a mut Vec<u8>, keyring: &Keyring, epoch: u32, id: &[u8; 8], number: AggregateNumber) -> &'a [u8] {
    Binding::new(aad, RecordKind::AggregateKey, id, keyring.domain_id())
        .number(epoch.into())
        .number(number.get())
        .bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Micros;

    fn keyring() -> Keyring {
        Keyring::create(&"default".parse().expect("a name"), Micros::new(1))
    }

    #[test]
    fn a_key_is_opened_where_it_was_wrapped_and_nowhere_else() {
        let keyring = keyring();
        let key = AggregateKey::generate();
        let row = key.wrap(&keyring, AggregateNumber::new(7));
        assert_eq!(row.len(), AggregateKey::ROW_BYTES);

        let opened = AggregateKey::unwrap(&row, &keyring, AggregateNumber::new(7)).expect("its own row");
        assert_eq!((opened.id(), *opened.key), (key.id(), *key.key));
        let sealed = key.cipher().seal(b"here", b"text");
        assert_eq!(opened.cipher().open(b"here", &sealed).as_deref(), Some(&b"text"[..]));

        assert!(AggregateKey::unwrap(&row, &keyring, AggregateNumber::new(8)).is_none(), "another aggregate");
        assert!(AggregateKey::unwrap(&row, &self::keyring(), AggregateNumber::new(7)).is_none(), "another domain");
    }

    #[test]
    fn a_row_that_was_changed_does_not_open() {
        let keyring = keyring();
        let row = AggregateKey::generate().wrap(&keyring, AggregateNumber::new(7));
        for at in 0..row.len() {
            let mut changed = row.clone();
            changed[at] ^= 1;
            assert!(AggregateKey::unwrap(&changed, &keyring, AggregateNumber::new(7)).is_none(), "byte {at}");
            assert!(AggregateKey::unwrap(&row[..at], &keyring, AggregateNumber::new(7)).is_none(), "{at} bytes");
        }
    }
}
