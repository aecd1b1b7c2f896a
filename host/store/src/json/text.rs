//! JSON text that was checked once and is kept byte for byte.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::{Map, Value, value::RawValue};

use super::{JsonFault, Shape, number, strict};

/// JSON text that was checked and is kept byte for byte as it was sent. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Arc<str>);

impl Json {
    /// Checks `text`: the grammar of RFC 8259, at most `max_bytes` long, nested at most
    /// [`JSON_DEPTH`](crate::limits::JSON_DEPTH) deep, with `shape` at the top. Refused besides: members that appear twice
    /// in their object, integers beyond ±(2^53−1), decimals that a double does not hold exactly, lone surrogates.
    ///
    /// # Errors
    ///
    /// The first fault of the text, with its place.
    pub fn parse<T>(text: T, shape: Shape, max_bytes: usize) -> Result<Self, JsonFault>
    where
        T: AsRef<str> + Into<Arc<str>>,
    {
        strict::check(text.as_ref(), shape, max_bytes)?;
        Ok(Self(text.into()))
    }

    /// Text that was checked before it was written to disk, or that we wrote ourselves.
    pub(crate) fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of the text, its numbers in the one form that folding works on.
    ///
    /// # Errors
    ///
    /// When the text is not JSON: it was checked once, so that is damage.
    pub fn value(&self) -> Result<Value, serde_json::Error> {
        let mut value = serde_json::from_str(&self.0)?;
        number::settle(&mut value);
        Ok(value)
    }

    /// The members of the object that the bytes of a canonical form are, read as [`value`](Self::value) reads them.
    pub(crate) fn members(canonical: &[u8]) -> Option<Map<String, Value>> {
        let mut value = serde_json::from_slice(canonical).ok()?;
        number::settle(&mut value);
        match value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The text without line breaks, so that it can stand in a line of NDJSON. They are whitespace wherever they occur.
    fn on_one_line(&self) -> Cow<'_, str> {
        if self.0.bytes().any(|byte| byte == b'\n' || byte == b'\r') {
            Cow::Owned(self.0.replace(['\n', '\r'], " "))
        } else {
            Cow::Borrowed(&self.0)
        }
    }
}

impl AsRef<str> for Json {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Shows the length alone: what a client wrote must not reach a log by way of `{:?}`.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.0.len())
    }
}

/// Embeds the text itself, its line breaks as spaces.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let line = self.on_one_line();
        let raw: &RawValue = serde_json::from_str(&line).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;

    fn object(text: &str) -> Json {
        Json::parse(text, Shape::Object, limits::PAYLOAD_BYTES).expect("valid")
    }

    #[test]
    fn text_is_kept_byte_for_byte() {
        let text = " {\"b\" : 1.50,\t\"a\":\"\\u00e9\"}\n";
        assert_eq!(object(text).as_str(), text);
        assert_eq!(object(text).to_string(), text);
    }

    #[test]
    fn debugging_shows_no_content() {
        assert_eq!(format!("{:?}", object(r#"{"secret":"s3cr3t"}"#)), "Json(19 bytes)");
    }

    #[test]
    fn serializing_embeds_the_text_on_one_line() {
        #[derive(Serialize)]
        struct Row {
            payload: Json,
        }
        let row = Row { payload: object("{\n  \"a\": 1.50,\r\n  \"b\": \"x\\ny\"\n}\n") };
        let line = serde_json::to_string(&row).expect("serializes");
        assert_eq!(line, "{\"payload\":{   \"a\": 1.50,    \"b\": \"x\\ny\" }}");
    }

    #[test]
    fn values_have_one_form_per_number() {
        let value = object(r#"{"a":1.0,"b":-0,"c":1e2,"d":0.5}"#).value().expect("valid");
        assert_eq!(value, serde_json::json!({"a": 1, "b": 0, "c": 100, "d": 0.5}));
    }
}
