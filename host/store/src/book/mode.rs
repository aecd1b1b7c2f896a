//! The mode of a domain: how much of what is written must follow a schema.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How strictly a domain holds what is written against schemas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing is checked.
    Off,
    /// Where a type has a schema it is enforced; types without one take anything. A new domain begins with this.
    #[default]
    Default,
    /// No schema, no write.
    Strict,
}

impl Mode {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Default => "default",
            Self::Strict => "strict",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a mode: it is off, default or strict")]
pub struct ModeError(String);

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        let known = [Self::Off, Self::Default, Self::Strict].into_iter().find(|mode| mode.as_str() == text);
        known.ok_or_else(|| ModeError(text.chars().take(32).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_written_as_it_is_read() {
        for mode in [Mode::Off, Mode::Default, Mode::Strict] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
            assert_eq!(serde_json::to_string(&mode).expect("serializes"), format!("\"{mode}\""));
        }
        let error = "Strict".parse::<Mode>().expect_err("upper case");
        assert_eq!(error.to_string(), "\"Strict\" is not a mode: it is off, default or strict");
    }
}
