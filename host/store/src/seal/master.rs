//! The master key: it wraps the keys of the keyring and never touches an event.

use std::fmt;

use zeroize::Zeroizing;

use super::{Cipher, DomainId, KeyBytes, random_key};

/// The key that opens a domain's keyring: 32 bytes, written as 64 hex digits. It is wiped when it is dropped.
pub struct MasterKey(KeyBytes);

/// A text that is not a master key. It does not repeat the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 64 hex digits (32 bytes); this text has {found}")]
pub struct MasterKeyError {
    found: String,
}

impl MasterKey {
    /// A new random key.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness to give.
    #[must_use]
    pub fn generate() -> Self {
        Self(random_key())
    }

    /// Reads 64 hex digits; whitespace around them is left out.
    ///
    /// # Errors
    ///
    /// When the text is anything else.
    pub fn from_hex(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim().as_bytes();
        if let Some(at) = text.iter().position(|byte| !byte.is_ascii_hexdigit()) {
            return Err(MasterKeyError { found: format!("something else at its character {}", at + 1) });
        }
        if text.len() != 64 {
            return Err(MasterKeyError { found: text.len().to_string() });
        }
        let mut key = KeyBytes::default();
        for (byte, digits) in key.iter_mut().zip(text.chunks_exact(2)) {
            *byte = nibble(digits[0]) << 4 | nibble(digits[1]);
        }
        Ok(Self(key))
    }

    /// The key as 64 hex digits, for its file.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // Made as long as it gets: growing would leave copies behind.
        let mut hex = Zeroizing::new(String::with_capacity(64));
        for byte in *self.0 {
            hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
            hex.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        hex
    }

    /// What wraps the keys of a domain.
    pub(super) fn wrapper(&self, domain: &DomainId) -> Cipher {
        Cipher::new(&self.derived("eventdbx 2026 keyring wrap", domain))
    }

    /// What authenticates the keyring of a domain as a whole.
    pub(super) fn authenticator(&self, domain: &DomainId) -> KeyBytes {
        self.derived("eventdbx 2026 keyring mac", domain)
    }

    /// A value that tells whether this is the key of a domain, and nothing else about it.
    pub(super) fn check_value(&self, domain: &DomainId) -> [u8; 32] {
        *self.derived("eventdbx 2026 keyring check", domain)
    }

    /// One purpose, one key: the master key itself is never used for anything else.
    fn derived(&self, purpose: &str, domain: &DomainId) -> KeyBytes {
        let mut hasher = blake3::Hasher::new_derive_key(purpose);
        hasher.update(&*self.0).update(domain);
        let mut key = KeyBytes::default();
        hasher.finalize_xof().fill(&mut *key);
        zeroize::Zeroize::zeroize(&mut hasher);
        key
    }
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// Shows nothing of the key.
impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_as_it_was_written() {
        let key = MasterKey::generate();
        let hex = key.to_hex();
        assert_eq!(hex.len(), 64);
        let read = MasterKey::from_hex(&format!("\n {} \n", hex.to_uppercase())).expect("64 digits");
        assert_eq!(*read.0, *key.0);
        assert_ne!(*MasterKey::generate().0, *key.0);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        let secret = "0123456789abcdef";
        for text in
            ["", secret, &secret.repeat(5), &format!("{}é", secret.repeat(4)), &secret.repeat(4).replace('7', "x")]
        {
            let error = MasterKey::from_hex(text).expect_err(text);
            for shown in [error.to_string(), format!("{error:?}")] {
                assert!(!shown.contains("0123456") && !shown.contains("89abcdef"), "{shown}");
            }
        }
        let error = MasterKey::from_hex(secret).expect_err("16 digits");
        assert_eq!(error.to_string(), "a master key is 64 hex digits (32 bytes); this text has 16");
    }

    #[test]
    fn every_purpose_and_every_domain_has_a_key_of_its_own() {
        let master = MasterKey(KeyBytes::new([5; 32]));
        let keys = [
            *master.authenticator(&[1; 16]),
            *master.authenticator(&[2; 16]),
            master.check_value(&[1; 16]),
            *master.derived("eventdbx 2026 keyring wrap", &[1; 16]),
            *master.0,
        ];
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn debugging_shows_no_key() {
        assert_eq!(format!("{:?}", MasterKey::generate()), "MasterKey");
    }
}
