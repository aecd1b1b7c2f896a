//! From the bytes of a file to a component: a core module that carries its component type is turned into one.

use std::{borrow::Cow, fmt, str::FromStr};

use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::{
    inspect::{self, Shape},
    limits::COMPONENT_BYTES,
    load_error::LoadError,
};

/// The hash of a file that was loaded as a plugin: BLAKE3 over its bytes, as they were given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentHash([u8; 32]);

impl ComponentHash {
    /// Hashes the bytes of a file.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ComponentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for ComponentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComponentHash({self})")
    }
}

impl FromStr for ComponentHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        blake3::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes())).map_err(|_| NotAHash)
    }
}

/// Text that is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the hash of a component: those have 64 hexadecimal digits")]
pub struct NotAHash;

/// The bytes of a component; those of a core module are encoded as one.
pub(crate) fn encode(bytes: &[u8]) -> Result<Cow<'_, [u8]>, LoadError> {
    if bytes.len() > COMPONENT_BYTES {
        return Err(LoadError::TooLarge(bytes.len()));
    }
    match inspect::shape(bytes)? {
        Shape::Component => Ok(Cow::Borrowed(bytes)),
        Shape::Module => encode_module(bytes).map(Cow::Owned),
    }
}

fn encode_module(module: &[u8]) -> Result<Vec<u8>, LoadError> {
    let typed = Parser::new(0).parse_all(module).any(|payload| {
        matches!(payload, Ok(Payload::CustomSection(section)) if section.name().starts_with("component-type"))
    });
    if !typed {
        return Err(LoadError::NoComponentType("it has no section `component-type`".to_owned()));
    }
    let encoded = ComponentEncoder::default().module(module).and_then(|encoder| encoder.validate(true).encode());
    encoded.map_err(|error| LoadError::NoComponentType(format!("{error:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = ComponentHash::of(b"bytes");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!("abc".parse::<ComponentHash>(), Err(NotAHash));
    }

    #[test]
    fn a_core_module_without_a_component_type_is_told_apart() {
        assert!(matches!(encode(b"\0asm\x01\0\0\0"), Err(LoadError::NoComponentType(_))));
    }
}
