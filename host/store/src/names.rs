//! Names and numbers with meaning, each a type of its own, so that none can stand where another belongs.
//!
//! Text names are checked when they are made and cheap to clone. A leading `$` marks what belongs to EventDBX itself: such
//! names can be read, but a client cannot write to them.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits;

/// A name that breaks the rules of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {name:?} is not a name: {rule}")]
pub struct NameError {
    /// What was to be named, e.g. `aggregate type`.
    pub kind: &'static str,
    /// The text that was given, cut to a readable length.
    pub name: String,
    /// The rule for this kind of name.
    pub rule: &'static str,
}

macro_rules! text_name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether the name is one of EventDBX's own (it begins with `$`).
            #[must_use]
            pub fn is_system(&self) -> bool {
                self.0.starts_with('$')
            }

            /// A name that was checked before it was written to disk.
            #[allow(dead_code, reason = "not every kind of name is read back from a row")]
            pub(crate) fn trusted(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if $valid(text) {
                    Ok(Self(text.into()))
                } else {
                    let name = text.chars().take(limits::NAME_BYTES).collect();
                    Err(NameError { kind: $kind, name, rule: $rule })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// Wraps a plain number.
            #[must_use]
            pub const fn new(value: u64) -> Self {
                Self(value)
            }

            /// The plain number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The one after this one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

text_name!(
    /// Name of a domain, which is also the name of its directory.
    DomainName, "domain",
    "lower-case letters, digits, - and _, beginning with a letter, at most 64",
    valid_domain
);
text_name!(
    /// Type of an aggregate, e.g. `order`.
    AggregateType, "aggregate type",
    "lower-case letters, digits and _, beginning with a letter, at most 128",
    valid_aggregate_type
);
text_name!(
    /// Id of an aggregate within its type, e.g. `UA1545-20130101-EWR`.
    AggregateId, "aggregate id",
    "letters, digits and _ . : -, beginning with a letter or digit, at most 128",
    valid_aggregate_id
);
text_name!(
    /// Type of an event, e.g. `flight_departed`. Types that begin with `$` are EventDBX's own.
    EventType, "event type",
    "lower-case letters, digits, _ and dots, beginning with a letter, at most 128",
    valid_event_type
);

text_name!(
    /// Name of a plugin or of a subscription, as an event names those who get it.
    RecipientName, "plugin or subscription",
    "letters, digits and _ . : -, beginning with a letter or digit, at most 128",
    valid_aggregate_id
);
text_name!(
    /// Name of a payload mode, as an event names the most that a recipient gets of it.
    PayloadModeName, "payload mode",
    "lower-case letters, digits and -, beginning with a letter, at most 40",
    valid_payload_mode
);

number!(
    /// Place of an event in its domain: 1, 2, 3 …, without gaps. 0 stands before the first.
    Position
);
number!(
    /// Place of an event in its aggregate: 1, 2, 3 …; the version of the aggregate is that of its last event.
    Version
);
number!(
    /// Microseconds since 1970-01-01T00:00:00Z.
    Micros
);
number!(
    /// Number of an aggregate within its domain, given at its creation, counting up from 1. Every row of the aggregate is
    /// keyed by it. 0 is the domain itself.
    AggregateNumber
);

impl Micros {
    /// RFC 3339 in UTC with microseconds, e.g. `2013-01-01T10:15:00.000000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let micros = i64::try_from(self.0).unwrap_or(i64::MAX);
        jiff::Timestamp::from_microsecond(micros)
            .map(|time| format!("{time:.6}"))
            .unwrap_or_else(|_| "9999-12-31T23:59:59.999999Z".to_owned())
    }
}

/// An aggregate by its name: type and id, written `type/id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AggregateRef {
    /// Type, e.g. `order`.
    #[serde(rename = "aggregate_type")]
    pub kind: AggregateType,
    /// Id within the type.
    #[serde(rename = "aggregate_id")]
    pub id: AggregateId,
}

impl AggregateRef {
    /// Checks both names.
    ///
    /// # Errors
    ///
    /// When one of them breaks its rule.
    pub fn new(kind: &str, id: &str) -> Result<Self, NameError> {
        Ok(Self { kind: kind.parse()?, id: id.parse()? })
    }
}

impl fmt::Display for AggregateRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

impl FromStr for AggregateRef {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (kind, id) = text.split_once('/').unwrap_or((text, ""));
        Self::new(kind, id)
    }
}

/// Id of an event: a UUID. Version 7 where the event came without an idempotency key, else version 8 (RFC 9562): a keyed
/// hash of aggregate and key, so that the same request finds the event that it already wrote.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub(crate) [u8; 16]);

impl EventId {
    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl FromStr for EventId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        uuid::Uuid::parse_str(text).map(|id| Self(id.into_bytes())).map_err(|_| NameError {
            kind: "event id",
            name: text.chars().take(limits::NAME_BYTES).collect(),
            rule: "a UUID, e.g. 0198c2f0-5a7e-7cc3-98c4-dc0c0c07398f",
        })
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A BLAKE3 hash of 32 bytes: an event digest, a tree node, a root, a commitment.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn valid_domain(text: &str) -> bool {
    text.len() <= 64 && plain(text, b"-_")
}

fn valid_aggregate_type(text: &str) -> bool {
    text.len() <= limits::NAME_BYTES && plain(text.strip_prefix('$').unwrap_or(text), b"_")
}

fn valid_event_type(text: &str) -> bool {
    text.len() <= limits::NAME_BYTES && plain(text.strip_prefix('$').unwrap_or(text), b"_.")
}

fn valid_aggregate_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= limits::NAME_BYTES
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(b))
}

fn valid_payload_mode(text: &str) -> bool {
    text.len() <= limits::MODE_NAME_BYTES && plain(text, b"-")
}

/// Lower-case letters, digits and `extra`, beginning with a letter.
fn plain(text: &str, extra: &[u8]) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || extra.contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_rules() {
        for good in ["flight", "a", "order_line2", "$plugin"] {
            assert!(good.parse::<AggregateType>().is_ok(), "{good}");
        }
        for bad in ["", "$", "Order", "2nd", "a-b", "a/b", "é", &"x".repeat(129)] {
            assert!(bad.parse::<AggregateType>().is_err(), "{bad}");
        }
        for bad in ["", "-a", "a b", "a/b", "a\0", "../x"] {
            assert!(bad.parse::<AggregateId>().is_err(), "{bad}");
        }
        for bad in ["", "..", "a/b", "A", "-a", &"x".repeat(65)] {
            assert!(bad.parse::<DomainName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_aggregate_is_written_as_type_and_id() {
        let name: AggregateRef = "flight/UA1545-20130101-EWR".parse().expect("valid");
        assert_eq!(name.to_string(), "flight/UA1545-20130101-EWR");
        assert!("flight".parse::<AggregateRef>().is_err());
    }

    #[test]
    fn times_print_as_rfc3339() {
        assert_eq!(Micros::new(1_357_035_300_000_001).to_rfc3339(), "2013-01-01T10:15:00.000001Z");
        assert_eq!(Micros::new(u64::MAX).to_rfc3339(), "9999-12-31T23:59:59.999999Z");
    }
}
