//! Detached signatures of components: Ed25519 over the hash of the file.
//!
//! All three texts are one line: a public key `eventdbx-plugin-key ed25519 BASE64`, a secret key
//! `eventdbx-plugin-secret-key ed25519 BASE64`, and a signature `eventdbx-plugin-signature KEYID BASE64`. A key is named by its
//! id, the first 16 hexadecimal digits of BLAKE3 over it.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::{SECRET_KEY_LENGTH, Signature as Bytes, Signer as _, SigningKey, VerifyingKey};
use eventdbx_sandbox::ComponentHash;
use zeroize::Zeroizing;

const PUBLIC: &str = "eventdbx-plugin-key";
const SECRET: &str = "eventdbx-plugin-secret-key";
const SIGNATURE: &str = "eventdbx-plugin-signature";
const ALGORITHM: &str = "ed25519";

/// The key of somebody who signs components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// The secret half.
pub struct SecretKey(SigningKey);

/// A signature of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Id of the key that made it.
    pub key_id: String,
    bytes: Bytes,
}

/// A text that is no key or no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no {what}: one is the line `{form}`")]
pub struct Unreadable {
    what: &'static str,
    form: String,
}

impl SecretKey {
    /// Makes a key.
    #[must_use]
    pub fn generate() -> Self {
        let seed = Zeroizing::new(rand::random::<[u8; SECRET_KEY_LENGTH]>());
        Self(SigningKey::from_bytes(&seed))
    }

    /// The half that may be known.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a component, whole.
    #[must_use]
    pub fn sign(&self, component: &[u8]) -> Signature {
        let bytes = self.0.sign(&message(ComponentHash::of(component)));
        Signature { key_id: self.public().id(), bytes }
    }

    /// The line that is kept in a file that nobody else can read.
    #[must_use]
    pub fn to_line(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{SECRET} {ALGORITHM} {}", BASE64.encode(self.0.as_bytes())))
    }

    /// Reads such a line.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn from_line(line: &str) -> Result<Self, Unreadable> {
        let unreadable = || unreadable("secret key of a signer", SECRET, ALGORITHM);
        let bytes = fields(line, SECRET).filter(|(algorithm, _)| *algorithm == ALGORITHM).ok_or_else(unreadable)?.1;
        Ok(Self(SigningKey::from_bytes(&bytes.try_into().map_err(|_| unreadable())?)))
    }
}

impl PublicKey {
    /// Names the key.
    #[must_use]
    pub fn id(&self) -> String {
        blake3::hash(self.0.as_bytes()).to_hex()[..16].to_owned()
    }

    /// Whether a signature is of this key and this component.
    #[must_use]
    pub fn verifies(&self, signature: &Signature, component: ComponentHash) -> bool {
        self.0.verify_strict(&message(component), &signature.bytes).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC} {ALGORITHM} {}", BASE64.encode(self.0.as_bytes()))
    }
}

impl FromStr for PublicKey {
    type Err = Unreadable;

    fn from_str(line: &str) -> Result<Self, Unreadable> {
        let unreadable = || unreadable("public key of a signer", PUBLIC, ALGORITHM);
        let bytes = fields(line, PUBLIC).filter(|(algorithm, _)| *algorithm == ALGORITHM).ok_or_else(unreadable)?.1;
        let bytes = bytes.try_into().map_err(|_| unreadable())?;
        VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_| unreadable())
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SIGNATURE} {} {}", self.key_id, BASE64.encode(self.bytes.to_bytes()))
    }
}

impl FromStr for Signature {
    type Err = Unreadable;

    fn from_str(line: &str) -> Result<Self, Unreadable> {
        let unreadable = || unreadable("signature of a component", SIGNATURE, "KEYID");
        let (key_id, bytes) = fields(line, SIGNATURE).ok_or_else(unreadable)?;
        let bytes = Bytes::from_bytes(&bytes.try_into().map_err(|_| unreadable())?);
        Ok(Self { key_id: key_id.to_owned(), bytes })
    }
}

/// What is signed: the hash, with a prefix that no other signature of EventDBX has.
fn message(component: ComponentHash) -> Vec<u8> {
    [b"eventdbx plugin signature v1\n", &component.as_bytes()[..]].concat()
}

/// The second word of a line, and the bytes of the third.
fn fields<'l>(line: &'l str, first: &str) -> Option<(&'l str, Vec<u8>)> {
    let words: Vec<_> = line.split_whitespace().collect();
    match words.as_slice() {
        [kind, second, base64] if *kind == first => Some((second, BASE64.decode(base64).ok()?)),
        _ => None,
    }
}

fn unreadable(what: &'static str, first: &str, second: &str) -> Unreadable {
    Unreadable { what, form: format!("{first} {second} BASE64") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_key_and_one_component() {
        let (key, other) = (SecretKey::generate(), SecretKey::generate());
        let signature: Signature = key.sign(b"bytes").to_string().parse().unwrap();
        let public: PublicKey = key.public().to_string().parse().unwrap();
        assert_eq!(signature.key_id, public.id());
        assert!(public.verifies(&signature, ComponentHash::of(b"bytes")));
        assert!(!public.verifies(&signature, ComponentHash::of(b"other")));
        assert!(!other.public().verifies(&signature, ComponentHash::of(b"bytes")));
        assert_eq!(SecretKey::from_line(&key.to_line()).unwrap().public(), public);
    }

    #[test]
    fn what_is_none_is_refused() {
        for line in
            ["", "eventdbx-plugin-key ed25519 AAAA", "eventdbx-plugin-key rsa AAAA", "eventdbx-plugin-signature a"]
        {
            assert!(line.parse::<PublicKey>().is_err() && line.parse::<Signature>().is_err(), "{line}");
            assert!(SecretKey::from_line(line).is_err(), "{line}");
        }
    }
}
