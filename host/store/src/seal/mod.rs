//! Secrecy at rest: what reaches the disk is sealed, and opens only where it was put.
//!
//! ```text
//! master key ──wraps──▶ keyring: data keys (DEK) per epoch, signing key, id key, plugin key
//!                         DEK ──wraps──▶ a random key per aggregate ──seals──▶ bodies, states, snapshots
//!                         plugin key ──seals──▶ plugin tables, parked deliveries, configuration
//! ```
//!
//! Every ciphertext is XAES-256-GCM ([`Cipher`]) and every one is bound to its place by a [`Binding`]. A key of an
//! aggregate is random rather than derived: what is derived cannot be destroyed.

mod aggregate_key;
mod binding;
mod cipher;
mod keyring;
mod keyring_file;
mod master;

pub(crate) use aggregate_key::AggregateKey;
pub(crate) use binding::{Binding, RecordKind};
pub use cipher::Cipher;
pub(crate) use keyring::{DomainId, Keyring, KeyringError};
pub use master::{MasterKey, MasterKeyError};

/// The 32 bytes of a key, wiped when they are dropped.
type KeyBytes = zeroize::Zeroizing<[u8; 32]>;

/// A new random key, straight from the operating system: it is kept for years.
fn random_key() -> KeyBytes {
    let mut key = KeyBytes::default();
    fill(&mut *key);
    key
}

/// # Panics
///
/// When the operating system has no randomness to give: no key may be made then.
fn fill(bytes: &mut [u8]) {
    if let Err(error) = getrandom::fill(bytes) {
        panic!("the operating system gives no randomness: {error}");
    }
}
