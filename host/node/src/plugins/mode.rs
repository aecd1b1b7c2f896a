//! Payload modes: what a delivery carries besides identity, type and time.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A built-in payload mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
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
}

impl PayloadMode {
    /// Every built-in mode.
    pub const ALL: [Self; 6] =
        [Self::All, Self::EventAndSchema, Self::EventOnly, Self::StateOnly, Self::ExtensionsOnly, Self::SchemaOnly];

    /// The name, as in `--payload-mode`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::EventOnly => "event-only",
            Self::StateOnly => "state-only",
            Self::SchemaOnly => "schema-only",
            Self::EventAndSchema => "event-and-schema",
            Self::ExtensionsOnly => "extensions-only",
        }
    }
}

impl fmt::Display for PayloadMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that no payload mode has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no payload mode {0:?}: take all, event-only, state-only, schema-only, event-and-schema or extensions-only"
)]
pub struct UnknownMode(String);

impl FromStr for PayloadMode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_written_as_it_is_read() {
        for mode in PayloadMode::ALL {
            assert_eq!(mode.as_str().parse(), Ok(mode));
            assert_eq!(serde_json::to_string(&mode).unwrap(), format!("\"{mode}\""));
        }
        assert!("everything".parse::<PayloadMode>().is_err());
    }
}
