//! Headers and trailers.

use wasmtime::component::Resource;

use crate::{
    call::CallState,
    limits::Limit,
    outcome::{Halt, Trap},
    wire::wasi::http::types::{self as wire, HeaderError},
};

/// What a header costs the host besides its text.
const OVERHEAD: usize = 32;

/// Headers that belong to the connection and not to the message: a guest neither sees nor sets them.
const FORBIDDEN: [&str; 11] = [
    "connection",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Names, in small letters, and values, in their order.
#[derive(Debug, Clone, Default)]
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct Fields {
    entries: Vec<(String, Vec<u8>)>,
    immutable: bool,
}

impl Fields {
    /// What came with a message, without what is forbidden.
    pub(crate) fn received(entries: Vec<(String, Vec<u8>)>) -> Self {
        let small = entries.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        Self { entries: small.filter(|(name, _)| !is_forbidden(name)).collect(), immutable: true }
    }

    /// The same, for what cannot be changed any more.
    pub(super) fn frozen(mut self) -> Self {
        self.immutable = true;
        self
    }

    pub(super) fn into_entries(self) -> Vec<(String, Vec<u8>)> {
        self.entries
    }

    /// The length that a message says its body has; an error: it is none.
    pub(super) fn content_length(&self) -> Result<Option<u64>, ()> {
        let Some(value) = self.values("content-length").next() else { return Ok(None) };
        let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(|text| text.parse().ok()).map(Some).ok_or(())
    }

    pub(crate) fn weight(&self) -> usize {
        self.entries.iter().map(|(name, value)| name.len() + value.len() + OVERHEAD).sum()
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Vec<u8>> {
        self.entries.iter().filter(move |(known, _)| known == name).map(|(_, value)| value)
    }

    fn append(&mut self, name: &str, value: Vec<u8>) -> Result<(), HeaderError> {
        let name = self.writable(name)?;
        let sole = name == "content-length" && self.values(&name).next().is_some();
        if sole || value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
            return Err(HeaderError::InvalidSyntax);
        }
        self.entries.push((name, value));
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), HeaderError> {
        let name = self.writable(name)?;
        self.entries.retain(|(known, _)| *known != name);
        Ok(())
    }

    /// A name that may be written under, in small letters.
    fn writable(&self, name: &str) -> Result<String, HeaderError> {
        let name = name.to_ascii_lowercase();
        match (is_token(&name), is_forbidden(&name), self.immutable) {
            (_, _, true) => Err(HeaderError::Immutable),
            (false, ..) => Err(HeaderError::InvalidSyntax),
            (_, true, _) => Err(HeaderError::Forbidden),
            _ => Ok(name),
        }
    }
}

fn is_forbidden(name: &str) -> bool {
    FORBIDDEN.contains(&name)
}

/// A token, as RFC 9110 calls it.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

type Answer<T> = wasmtime::Result<Result<T, HeaderError>>;

impl wire::HostFields for CallState {
    fn new(&mut self) -> wasmtime::Result<Resource<Fields>> {
        self.hold(Fields::default())
    }

    fn from_list(&mut self, entries: Vec<(String, Vec<u8>)>) -> Answer<Resource<Fields>> {
        let mut fields = Fields::default();
        for (name, value) in entries {
            if let Err(error) = fields.append(&name, value) {
                return Ok(Err(error));
            }
        }
        self.check_headers(&fields)?;
        self.hold(fields).map(Ok)
    }

    fn get(&mut self, fields: Resource<Fields>, name: String) -> wasmtime::Result<Vec<Vec<u8>>> {
        Ok(self.handles.get(&fields)?.values(&name.to_ascii_lowercase()).cloned().collect())
    }

    fn has(&mut self, fields: Resource<Fields>, name: String) -> wasmtime::Result<bool> {
        Ok(self.handles.get(&fields)?.values(&name.to_ascii_lowercase()).next().is_some())
    }

    fn set(&mut self, fields: Resource<Fields>, name: String, values: Vec<Vec<u8>>) -> Answer<()> {
        self.change(&fields, |fields| {
            fields.remove(&name)?;
            values.into_iter().try_for_each(|value| fields.append(&name, value))
        })
    }

    fn delete(&mut self, fields: Resource<Fields>, name: String) -> Answer<()> {
        self.change(&fields, |fields| fields.remove(&name))
    }

    fn append(&mut self, fields: Resource<Fields>, name: String, value: Vec<u8>) -> Answer<()> {
        self.change(&fields, |fields| fields.append(&name, value))
    }

    fn entries(&mut self, fields: Resource<Fields>) -> wasmtime::Result<Vec<(String, Vec<u8>)>> {
        Ok(self.handles.get(&fields)?.entries.clone())
    }

    fn clone(&mut self, fields: Resource<Fields>) -> wasmtime::Result<Resource<Fields>> {
        let entries = self.handles.get(&fields)?.entries.clone();
        self.hold(Fields { entries, immutable: false })
    }

    fn drop(&mut self, fields: Resource<Fields>) -> wasmtime::Result<()> {
        self.handles.delete(fields)?;
        Ok(())
    }
}

impl CallState {
    /// Changes headers, all of it or nothing.
    fn change(
        &mut self,
        fields: &Resource<Fields>,
        change: impl FnOnce(&mut Fields) -> Result<(), HeaderError>,
    ) -> Answer<()> {
        let mut changed = self.handles.get(fields)?.clone();
        if let Err(error) = change(&mut changed) {
            return Ok(Err(error));
        }
        self.check_headers(&changed)?;
        *self.handles.get_mut(fields)? = changed;
        Ok(Ok(()))
    }

    fn check_headers(&self, fields: &Fields) -> Result<(), Halt> {
        let (limit, bytes) = (Limit::HttpHeaderBytes, fields.weight() as u64);
        if bytes <= limit.of(&self.limits) {
            return Ok(());
        }
        let what = format!("the plugin set headers of {bytes} bytes");
        Err(Halt::Trapped(Trap::broke(limit, &self.limits, what)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens_values_are_lines_and_what_is_the_connections_is_not_there() {
        let mut fields = Fields::default();
        assert!(fields.append("X-Thing", b"a".to_vec()).is_ok());
        assert!(fields.append("x-thing", b"b".to_vec()).is_ok());
        assert_eq!(fields.values("x-thing").count(), 2);
        assert!(matches!(fields.append("a b", Vec::new()), Err(HeaderError::InvalidSyntax)));
        assert!(matches!(fields.append("a", b"x\r\ny: z".to_vec()), Err(HeaderError::InvalidSyntax)));
        assert!(matches!(fields.append("Transfer-Encoding", b"chunked".to_vec()), Err(HeaderError::Forbidden)));
        assert!(fields.append("content-length", b"3".to_vec()).is_ok());
        assert!(matches!(fields.append("content-length", b"4".to_vec()), Err(HeaderError::InvalidSyntax)));
        assert_eq!(fields.content_length(), Ok(Some(3)));
        assert!(matches!(fields.frozen().append("a", Vec::new()), Err(HeaderError::Immutable)));
        let received = Fields::received(vec![("Connection".into(), b"close".to_vec()), ("A".into(), b"1".to_vec())]);
        assert_eq!(received.into_entries(), [("a".to_owned(), b"1".to_vec())]);
    }
}
