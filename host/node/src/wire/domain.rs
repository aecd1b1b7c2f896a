//! Domains: in short, in full, and their remotes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Every domain, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Domains {
    /// One entry for each.
    pub rows: Vec<DomainStatus>,
}

/// One domain in short. What is not known of one that is not served is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DomainStatus {
    /// Its name.
    pub name: String,
    /// Whether it is served.
    pub state: DomainState,
    /// Why it is not.
    pub reason: Option<String>,
    /// Position of its last event.
    pub position: Option<u64>,
    /// Root of its Merkle tree, in hex.
    pub root: Option<String>,
    /// `sync` or `os`.
    pub durability: Option<String>,
    /// Events in its log.
    pub events: Option<u64>,
    /// Aggregates.
    pub aggregates: Option<u64>,
    /// Installed plugins.
    pub plugins: Option<u64>,
}

/// Whether a domain is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DomainState {
    /// It is.
    Open,
    /// It did not open.
    Failed,
    /// It is being deleted.
    Deleting,
}

/// One domain in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DomainDetails {
    /// The same in short.
    #[serde(flatten)]
    pub status: DomainStatus,
    /// How strictly schemas hold: `off`, `default` or `strict`.
    pub mode: Option<String>,
    /// When it was made (RFC 3339).
    pub created_at: Option<String>,
    /// Bytes that its directory occupies on the disk.
    pub disk_bytes: u64,
    /// Its remote.
    pub remote: Option<RemoteView>,
}

/// What is told of a remote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemoteView {
    /// `HOST:PORT`.
    pub address: String,
    /// The first 16 bytes of the BLAKE3 hash of its public key as it is written in hex.
    pub key_fingerprint: String,
    /// When it was set (RFC 3339).
    pub set_at: String,
    /// Who set it.
    pub set_by: String,
}

/// A remote that is to be set. It has no `Debug`: a token must not be printed by mistake.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteRequest {
    /// `HOST:PORT`, or `[IPV6]:PORT`.
    pub address: String,
    /// Its public key: 64 hex digits.
    pub key: String,
    /// The token to show there. It is stored sealed and never given out.
    pub token: String,
}
