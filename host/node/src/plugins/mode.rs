//! Payload modes: what a delivery carries besides identity, type and time.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::limits::MODE_NAME_BYTES;

/// A payload mode: built in, or one that was made for a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PayloadMode {
    /// Event, state and schema.
    All,
    /// The event: payload, envelope (actor, note, metadata, digest) and extensions.
    EventOnly,
    /// The state of the aggregate right after the event.
    StateOnly,
    /// The schema that the event was checked with.
    SchemaOnly,
    /// Event and schema.
    EventAndSchema,
    /// Envelope and extensions, no payload.
    ExtensionsOnly,
    /// One that was made for the domain, by its name.
    Named(ModeName),
}

impl PayloadMode {
    /// Every built-in mode.
    pub const ALL: [Self; 6] =
        [Self::All, Self::EventAndSchema, Self::EventOnly, Self::StateOnly, Self::ExtensionsOnly, Self::SchemaOnly];

    /// The name, as in `--payload-mode`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::All => "all",
            Self::EventOnly => "event-only",
            Self::StateOnly => "state-only",
            Self::SchemaOnly => "schema-only",
            Self::EventAndSchema => "event-and-schema",
            Self::ExtensionsOnly => "extensions-only",
            Self::Named(name) => name.as_str(),
        }
    }
}

impl PartialSchema for PayloadMode {
    fn schema() -> RefOr<Schema> {
        String::schema()
    }
}

impl ToSchema for PayloadMode {}

impl fmt::Display for PayloadMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a mode that was made for a domain: a word of small letters, digits and `-` that begins with a letter. It is
/// copied as freely as the built-in modes, and therefore short.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModeName {
    bytes: [u8; MODE_NAME_BYTES],
    length: u8,
}

impl ModeName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only bytes of ASCII are ever put in.
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for ModeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A text that names no payload mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no payload mode: take all, event-only, state-only, schema-only, event-and-schema, extensions-only or one \
     of the domain's own, whose names are of small letters, digits and -, begin with a letter and have at most \
     {MODE_NAME_BYTES} bytes (MODE_NAME_BYTES)"
)]
pub struct UnknownMode(String);

impl FromStr for PayloadMode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        if let Some(mode) = Self::ALL.into_iter().find(|mode| mode.as_str() == text) {
            return Ok(mode);
        }
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if !begins || text.len() > MODE_NAME_BYTES || !text.bytes().all(plain) {
            return Err(UnknownMode(text.chars().take(MODE_NAME_BYTES).collect()));
        }
        let mut bytes = [0; MODE_NAME_BYTES];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        let length = u8::try_from(text.len()).map_err(|_| UnknownMode(text.to_owned()))?;
        Ok(Self::Named(ModeName { bytes, length }))
    }
}

impl TryFrom<String> for PayloadMode {
    type Error = UnknownMode;

    fn try_from(text: String) -> Result<Self, UnknownMode> {
        text.parse()
    }
}

impl From<PayloadMode> for String {
    fn from(mode: PayloadMode) -> Self {
        mode.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_written_as_it_is_read() {
        let named = "without-addresses".parse::<PayloadMode>().unwrap();
        assert!(matches!(named, PayloadMode::Named(name) if name.as_str() == "without-addresses"));
        for mode in PayloadMode::ALL.into_iter().chain([named]) {
            assert_eq!(mode.as_str().parse(), Ok(mode));
            assert_eq!(serde_json::to_string(&mode).unwrap(), format!("\"{mode}\""));
            assert_eq!(serde_json::from_str::<PayloadMode>(&format!("\"{mode}\"")).unwrap(), mode);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "Everything", "-a", "1a", "a b", "a/b", "ä", &"a".repeat(MODE_NAME_BYTES + 1)] {
            assert!(text.parse::<PayloadMode>().is_err(), "{text:?}");
        }
        assert!("a".repeat(MODE_NAME_BYTES).parse::<PayloadMode>().is_ok());
    }
}
