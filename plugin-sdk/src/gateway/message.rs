//! Requests and answers.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::ClientError;

/// A request that came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Incoming {
    /// A request, for tests: its method, and its path with the query.
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), ..Self::default() }
    }

    /// With this header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// E.g. `POST`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path, below the place where the gateway is mounted. Begins with `/`; escapes are as they came.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The parts of the path, with escapes resolved. One that is no UTF-8 then stands as it came.
    pub fn segments(&self) -> Vec<String> {
        self.path().split('/').filter(|part| !part.is_empty()).map(|part| unescaped(part, false)).collect()
    }

    /// The value of a parameter of the query, with escapes resolved.
    pub fn param(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.filter(|(key, _)| unescaped(key, true) == name).map(|(_, value)| unescaped(value, true)).next()
    }

    /// The value of a header, whatever the case of its name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The body, byte for byte.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// The answer for whom it does not fit: 400, which quotes nothing of it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Reply> {
        let unfit = |error| Reply::error(400, &format!("the body does not fit: {}", crate::error::misfit(&error)));
        serde_json::from_slice(&self.body).map_err(unfit)
    }
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// An answer without a body.
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// An answer of JSON. What has no JSON form, such as a map with keys that are not text, becomes a 500.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self::bytes(status, "application/json", body),
            Err(error) => Self::error(500, &format!("the answer has no JSON form: {error}")),
        }
    }

    /// An answer of JSON that is text already.
    pub fn json_text(status: u16, body: impl Into<String>) -> Self {
        Self::bytes(status, "application/json", body.into())
    }

    /// An answer of bytes of a content type.
    pub fn bytes(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }.with_header("content-type", content_type)
    }

    /// `{"error": MESSAGE}`.
    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, &json!({ "error": message }))
    }

    /// With this header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Its status.
    pub fn code(&self) -> u16 {
        self.status
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Its body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// What a failed call to the domain is to whoever asked: the status that says the same.
impl From<ClientError> for Reply {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Denied(reason) => Self::error(403, &reason),
            ClientError::Refused(reasons) => {
                let reasons: Vec<_> = reasons
                    .iter()
                    .map(|it| json!({ "path": it.path, "code": it.code, "message": it.message }))
                    .collect();
                Self::json(422, &json!({ "error": "the domain refuses it", "reasons": reasons }))
            }
            ClientError::WrongVersion(actual) => {
                Self::json(409, &json!({ "error": "it changed meanwhile", "version": actual }))
            }
            ClientError::KeyReused => Self::error(409, "the same key came with another content before"),
            ClientError::Archived => Self::error(409, "it is archived"),
            ClientError::NotFound(what) => Self::error(404, &format!("there is no {what}")),
            ClientError::Busy(reason) => Self::error(503, &reason).with_header("retry-after", "1"),
            ClientError::OutcomeUnknown => Self::error(500, "it may have been written or not: ask again"),
            ClientError::Failed(reason) => Self::error(500, &reason),
        }
    }
}

/// Resolves `%XX`, and in a query `+`.
fn unescaped(text: &str, query: bool) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        match (byte, digits.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(escaped)) => {
                out.push(escaped);
                at += 3;
                continue;
            }
            (b'+', _) if query => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_taken_apart() {
        let request = Incoming::new("GET", "/a%2Fb//c%20d?x=1+2&y=%C3%A9&z").with_header("X-Id", "7");
        assert_eq!(request.path(), "/a%2Fb//c%20d");
        assert_eq!(request.segments(), ["a/b", "c d"]);
        let params = ["x", "y", "z", "w"].map(|name| request.param(name));
        assert_eq!(params, [Some("1 2".to_owned()), Some("é".to_owned()), Some(String::new()), None]);
        assert_eq!(request.header("x-id"), Some("7"));
        assert_eq!(Incoming::new("GET", "/%zz%4").segments(), ["%zz%4"]);
    }

    #[test]
    fn a_body_that_does_not_fit_is_not_quoted() {
        let refused = Incoming::new("POST", "/")
            .with_body("{\"n\": \"secret\"}")
            .json::<std::collections::BTreeMap<String, u8>>();
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), 400);
        assert!(!String::from_utf8_lossy(refused.body()).contains("secret"));
    }
}
