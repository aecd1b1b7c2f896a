//! Writing: the request and its receipt.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Object, OneOf, RefOr, Schema, schema::Type},
};

use super::{Publish, Raw};

/// Events to be written all together or not at all.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppendRequest {
    /// The events, in the order of their positions. At least one.
    pub events: Vec<AppendEvent>,
    /// Idempotency key of the request: the same key with the same content is answered with the first receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// One event to be written. Either `payload` or `patch` must be there.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppendEvent {
    /// Type of the aggregate, e.g. `order`.
    pub aggregate_type: String,
    /// Id of the aggregate within its type.
    pub aggregate_id: String,
    /// Type of the event, e.g. `order_placed`.
    pub event_type: String,
    /// What happened: an object, kept byte for byte and merged into the state (RFC 7396).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Raw>,
    /// What changes, instead of a payload: a JSON Patch (RFC 6902) on the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub patch: Option<Raw>,
    /// An object with whatever belongs to the event but not to the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Raw>,
    /// An object whose keys begin with `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub extensions: Option<Raw>,
    /// A remark for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it happened (RFC 3339), if the writer knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    /// `false`: it is in the log and in the state, and is delivered to no plugin and no subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emit: Option<bool>,
    /// The plugins and subscriptions that get it, and nobody else; none: whoever selects it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<Publish>,
    /// Which version the aggregate must have.
    #[serde(default, skip_serializing_if = "Expect::is_any")]
    pub expect: Expect,
}

/// Which version an aggregate must have: `"any"`, `"none"` (it is new), `"existing"`, or a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expect {
    /// Any version; a missing aggregate is created.
    #[default]
    Any,
    /// The aggregate must not exist yet.
    None,
    /// The aggregate must exist.
    Existing,
    /// The aggregate must be at exactly this version.
    Version(u64),
}

/// The request is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppendResponse {
    /// One receipt for each event, in the order of the request.
    pub events: Vec<EventReceipt>,
    /// `sync`: a power cut loses nothing of this. `os`: a power cut may.
    pub durability: String,
    /// The request was known already, by its key: nothing was written now.
    pub duplicate: bool,
    /// What may not be as it was meant: a recipient that there is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Where one event went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventReceipt {
    /// Type of the aggregate.
    pub aggregate_type: String,
    /// Id of the aggregate.
    pub aggregate_id: String,
    /// Id of the event.
    pub event_id: String,
    /// Place in the domain.
    pub position: u64,
    /// Place in the aggregate, which is the aggregate's version now.
    pub version: u64,
    /// When it was committed (RFC 3339).
    pub recorded_at: String,
    /// The event digest, in hex.
    pub digest: String,
}

/// Body of the requests that may carry a remark.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteRequest {
    /// A remark for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Expect {
    /// Whether nothing is expected.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

impl Serialize for Expect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => serializer.serialize_str("any"),
            Self::None => serializer.serialize_str("none"),
            Self::Existing => serializer.serialize_str("existing"),
            Self::Version(version) => serializer.serialize_u64(*version),
        }
    }
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Expect;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"any\", \"none\", \"existing\" or a version number")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Expect, E> {
                match text {
                    "any" => Ok(Expect::Any),
                    "none" => Ok(Expect::None),
                    "existing" => Ok(Expect::Existing),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_u64<E: de::Error>(self, version: u64) -> Result<Expect, E> {
                Ok(Expect::Version(version))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl PartialSchema for Expect {
    fn schema() -> RefOr<Schema> {
        let word = Object::builder().schema_type(Type::String).enum_values(Some(["any", "none", "existing"]));
        let version = Object::builder().schema_type(Type::Integer).minimum(Some(0));
        OneOf::builder().item(word).item(version).description(Some("Which version the aggregate must have")).into()
    }
}

impl ToSchema for Expect {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_is_a_word_or_a_number() {
        for (text, expect) in [
            (r#""any""#, Expect::Any),
            (r#""none""#, Expect::None),
            (r#""existing""#, Expect::Existing),
            ("7", Expect::Version(7)),
        ] {
            assert_eq!(serde_json::from_str::<Expect>(text).unwrap(), expect);
            assert_eq!(serde_json::to_string(&expect).unwrap(), text);
        }
        for bad in ["-1", "1.5", r#""7""#, "null", "[]"] {
            assert!(serde_json::from_str::<Expect>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_payload_keeps_its_bytes() {
        let text =
            r#"{"events":[{"aggregate_type":"a","aggregate_id":"b","event_type":"c","payload":{ "x" : 1.50 }}]}"#;
        let request: AppendRequest = serde_json::from_str(text).unwrap();
        assert_eq!(request.events[0].payload.as_ref().unwrap().get(), r#"{ "x" : 1.50 }"#);
        assert_eq!(serde_json::to_string(&request).unwrap(), text);
    }
}
