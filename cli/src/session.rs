//! Where a command works: the data directory, the domain, the format, and the connection to the daemon.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use eventdbx_node::{
    client::{Client, ClientError},
    wire::ErrorBody,
};
use hyper::{Method, StatusCode};

use crate::{
    checkout::{DEFAULT, Memory},
    fail::{Failure, Kind},
    output::Format,
};

/// What the global options say.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) data_dir: PathBuf,
    pub(crate) domain: String,
    /// The domain was named for this command, and is not the one that is checked out.
    pub(crate) pinned: bool,
    pub(crate) format: Format,
}

impl Session {
    /// Resolves the data directory: as given, else below `$XDG_DATA_HOME`, else below the home directory; and the domain:
    /// as given, else the one that is checked out, else `default`.
    pub(crate) fn new(data_dir: Option<PathBuf>, domain: Option<String>, format: Format) -> anyhow::Result<Self> {
        let data_dir = match data_dir {
            Some(dir) => std::path::absolute(dir)?,
            None => default_data_dir().ok_or_else(|| {
                Failure::new(Kind::Usage, "there is no home directory to keep data in")
                    .hint("name a directory: --data-dir DIR, or DBX_DATA_DIR")
            })?,
        };
        let domain = domain.filter(|domain| !domain.is_empty());
        let pinned = domain.is_some();
        let domain = match domain {
            Some(domain) => Some(domain),
            None => Memory::of(&data_dir).map(|memory| memory.read()).transpose()?.flatten(),
        };
        Ok(Self { data_dir, domain: domain.unwrap_or_else(|| DEFAULT.to_owned()), pinned, format })
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.data_dir.join("dbx.sock")
    }

    pub(crate) async fn connect(&self) -> Result<Client, ClientError> {
        Client::connect(&self.socket()).await
    }

    /// A path below `/v1/domains/DOMAIN`.
    pub(crate) fn at<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Target {
        segments.into_iter().fold(Target::new("/v1/domains").segment(&self.domain), Target::segment)
    }

    pub(crate) async fn get(&self, target: impl AsRef<str>) -> Result<String, ClientError> {
        self.call(Method::GET, target.as_ref(), Bytes::new()).await
    }

    pub(crate) async fn post(&self, target: impl AsRef<str>, body: &impl serde::Serialize) -> anyhow::Result<String> {
        Ok(self.call(Method::POST, target.as_ref(), serde_json::to_vec(body)?.into()).await?)
    }

    /// Sends a request on a connection of its own; the answer is JSON text, or empty where there is nothing to say.
    pub(crate) async fn call(&self, method: Method, target: &str, body: Bytes) -> Result<String, ClientError> {
        Ok(self.exchange(method, target, body).await?.1)
    }

    /// The same, with the status of a success, where it tells more than the answer.
    pub(crate) async fn exchange(
        &self,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Result<(StatusCode, String), ClientError> {
        let (status, answer) = self.connect().await?.request(method, target, body).await?;
        if status.is_success() {
            return Ok((status, String::from_utf8_lossy(&answer).into_owned()));
        }
        Err(Self::refusal(status, &answer))
    }

    /// What an answer says that is no success.
    pub(crate) fn refusal(status: StatusCode, answer: &[u8]) -> ClientError {
        match serde_json::from_slice::<ErrorBody>(answer) {
            Ok(refusal) => ClientError::Refused(Box::new(refusal.error)),
            Err(source) => ClientError::Unreadable { status, source },
        }
    }
}

fn default_data_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data_home = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    data_home.map(|dir: PathBuf| Path::join(&dir, "eventdbx"))
}

/// Path and query of a request, with everything escaped that could be taken for something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    text: String,
    queried: bool,
}

impl Target {
    pub(crate) fn new(root: &str) -> Self {
        Self { text: root.to_owned(), queried: false }
    }

    pub(crate) fn segment(mut self, segment: &str) -> Self {
        self.text.push('/');
        escape(segment, &mut self.text);
        self
    }

    /// Adds `name=value`, when there is a value.
    pub(crate) fn query(mut self, name: &str, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            self.text.push(if self.queried { '&' } else { '?' });
            self.queried = true;
            self.text.push_str(name);
            self.text.push('=');
            escape(&value.to_string(), &mut self.text);
        }
        self
    }

    /// Adds `name=true`, when it is set.
    pub(crate) fn flag(self, name: &str, set: bool) -> Self {
        self.query(name, set.then_some(true))
    }
}

impl AsRef<str> for Target {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

fn escape(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.:$~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_given_escapes_its_place_in_the_path() {
        let target = Target::new("/v1").segment("a/b?c=d é").query("after", Some("x/y&z")).flag("system", true);
        assert_eq!(target.as_ref(), "/v1/a%2Fb%3Fc%3Dd%20%C3%A9?after=x%2Fy%26z&system=true");
        assert_eq!(Target::new("/v1").query("x", None::<u64>).flag("y", false).as_ref(), "/v1");
    }
}
