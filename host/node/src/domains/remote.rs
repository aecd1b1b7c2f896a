//! The remote of a domain: where its events will be pushed to and pulled from, and the token for it, sealed.
//!
//! It lies in the file `remote` of the domain's directory and opens in that domain only. The token goes in and is never
//! given out again; whoever asks is told a fingerprint of the key. Nothing contacts a remote yet.

use std::{fs, io, net::Ipv6Addr, path::PathBuf};

use eventdbx_store::{AggregateRef, AppendError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    node::DomainNode,
    private_file,
    wire::{RemoteRequest, RemoteView},
};

/// The file, in the directory of the domain.
const FILE: &str = "remote";
/// Longest token.
const REMOTE_TOKEN_BYTES: usize = 8192;
/// Longest address: a host name has at most 253 characters.
const REMOTE_ADDRESS_BYTES: usize = 260;

/// What is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct Remote {
    address: String,
    /// Public key, 64 hex digits.
    key: String,
    token: String,
    set_at: String,
    set_by: String,
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.token.zeroize();
    }
}

/// Why a remote is not taken, or not told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    /// Every rule that it breaks.
    #[error("{}", .0.join("; "))]
    Refused(Vec<String>),
    /// The log does not take the event that tells of it.
    #[error(transparent)]
    Log(#[from] AppendError),
    /// The file does not open: it is damaged, or another domain's.
    #[error("{} does not open: it is damaged, or another domain's", .0.display())]
    Unreadable(PathBuf),
    /// The disk says no.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Remote {
    /// Checks a remote that is to be set at this time.
    pub(crate) fn new(request: RemoteRequest, set_at: String, set_by: &str) -> Result<Self, RemoteError> {
        let RemoteRequest { address, key, token } = request;
        let remote = Self { address, key: key.to_ascii_lowercase(), token, set_at, set_by: set_by.to_owned() };
        let checks = [check_address(&remote.address), check_key(&remote.key), check_token(&remote.token)];
        let faults: Vec<_> = checks.into_iter().filter_map(Result::err).collect();
        if faults.is_empty() { Ok(remote) } else { Err(RemoteError::Refused(faults)) }
    }

    /// The remote of a domain, if it has one.
    pub(crate) fn of(domain: &DomainNode) -> Result<Option<Self>, RemoteError> {
        let path = domain.dir.join(FILE);
        let sealed = match fs::read(&path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(RemoteError::Disk { path, source }),
        };
        let opened = domain.log.open_remote(&sealed).map(Zeroizing::new);
        let remote = opened.and_then(|plain| serde_json::from_slice(&plain).ok());
        remote.map(Some).ok_or(RemoteError::Unreadable(path))
    }

    /// Makes it the remote of a domain, in the place of the one before.
    pub(crate) fn set(&self, domain: &DomainNode) -> Result<(), RemoteError> {
        let sealed = domain.log.seal_remote(&Zeroizing::new(serde_json::to_vec(self).unwrap_or_default()));
        let payload = json!({ "address": self.address, "key_fingerprint": self.fingerprint() }).to_string();
        domain.log.record(&history(), "$remote_set", &payload, &self.set_by)?;
        let path = domain.dir.join(FILE);
        private_file::replace(&path, &sealed).map_err(|source| RemoteError::Disk { path, source })
    }

    /// Forgets the remote of a domain; false: it has none.
    pub(crate) fn forget(domain: &DomainNode, actor: &str) -> Result<bool, RemoteError> {
        let path = domain.dir.join(FILE);
        if !path.exists() {
            return Ok(false);
        }
        domain.log.record(&history(), "$remote_removed", "{}", actor)?;
        fs::remove_file(&path).map(|()| true).map_err(|source| RemoteError::Disk { path, source })
    }

    /// What anybody who may see the domain is told.
    pub(crate) fn view(&self) -> RemoteView {
        RemoteView {
            address: self.address.clone(),
            key_fingerprint: self.fingerprint(),
            set_at: self.set_at.clone(),
            set_by: self.set_by.clone(),
        }
    }

    /// The first 16 bytes of the key's BLAKE3 hash: enough to compare by eye.
    fn fingerprint(&self) -> String {
        blake3::hash(self.key.as_bytes()).to_hex().chars().take(32).collect()
    }
}

/// # Panics
///
/// Never: it is a name.
fn history() -> AggregateRef {
    AggregateRef::new("$domain", "remote").expect("it is a name")
}

fn check_address(address: &str) -> Result<(), String> {
    let host_and_port = address.rsplit_once(':').filter(|_| address.len() <= REMOTE_ADDRESS_BYTES);
    let fits = host_and_port.is_some_and(|(host, port)| {
        let port_fits =
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
        let host_fits = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => {
                host.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
                    && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
            }
        };
        port_fits && host_fits
    });
    if fits { Ok(()) } else { Err(format!("the address {address:?} is not HOST:PORT or [IPV6]:PORT")) }
}

fn check_key(key: &str) -> Result<(), String> {
    let fits = key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    if fits { Ok(()) } else { Err("the public key of a remote is 64 hex digits (32 bytes)".to_owned()) }
}

/// The message never repeats the token.
fn check_token(token: &str) -> Result<(), String> {
    let fits =
        !token.is_empty() && token.len() <= REMOTE_TOKEN_BYTES && token.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return Ok(());
    }
    Err(format!("a token is 1 to REMOTE_TOKEN_BYTES = {REMOTE_TOKEN_BYTES} printable ASCII characters without spaces"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_host_and_a_port() {
        for good in ["replica.example.org:6363", "10.0.0.1:1", "[::1]:65535", "localhost:80"] {
            assert_eq!(check_address(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "host",
            "host:",
            ":1",
            "host:0",
            "host:65536",
            "host:+1",
            "::1:80",
            "[::1]",
            "-x:1",
            "a b:1",
            "http://a:1",
        ] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_fault_is_told_and_the_token_is_not() {
        let request =
            RemoteRequest { address: "nowhere".to_owned(), key: "abc".to_owned(), token: "se cret".to_owned() };
        let Err(error) = Remote::new(request, String::new(), "alice") else { panic!("three faults") };
        let message = error.to_string();
        assert!(message.contains("HOST:PORT") && message.contains("64 hex") && message.contains("token"), "{message}");
        assert!(!message.contains("se cret"), "{message}");
    }
}
