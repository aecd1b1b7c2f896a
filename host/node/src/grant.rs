//! Who asks, and what they may: the typed argument that every handler takes.
//!
//! A [`Grant`] has no public fields. A request gets its grant where its connection is accepted, from what the kernel says
//! about the peer, and from nowhere else: a handler that does not name a `Grant` among its arguments cannot act, and no
//! handler can make one up (a test holds that against the sources of the API). Tokens and scopes will be further ways to
//! get a grant; the handlers stay as they are.

use std::{fs, sync::Arc};

use axum::{extract::FromRequestParts, http::request::Parts};
use eventdbx_store::DomainName;
use tokio::net::UnixStream;

use crate::{api::ApiError, wire::ErrorCode};

/// What the holder may do. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    actor: Arc<str>,
}

/// A peer that may not use the socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    /// Another user.
    #[error("user {uid} may not use this socket: it belongs to user {owner}")]
    OtherUser {
        /// Who connected.
        uid: u32,
        /// Whom the daemon belongs to.
        owner: u32,
    },
    /// The kernel did not say who it is.
    #[error("the peer of the socket is not known: {0}")]
    Unknown(#[source] std::io::Error),
}

impl Grant {
    /// The grant of whoever owns the data directory: everything. For the socket that only the owner can open, and for
    /// programs that embed the node and have opened the directory themselves.
    #[must_use]
    pub fn owner(actor: &str) -> Self {
        Self { actor: actor.into() }
    }

    /// The grant of a peer of the owner's socket, by its credentials (`SO_PEERCRED`).
    pub(crate) fn of_peer(stream: &UnixStream) -> Result<Self, PeerError> {
        let uid = stream.peer_cred().map_err(PeerError::Unknown)?.uid();
        let owner = rustix::process::geteuid().as_raw();
        if uid != owner && uid != 0 {
            return Err(PeerError::OtherUser { uid, owner });
        }
        Ok(Self::owner(&user_name(uid)))
    }

    /// Whether the holder may see the fields that schemas hide. The owner may; tokens will say it for others.
    #[must_use]
    pub fn may_see_hidden(&self) -> bool {
        true
    }

    /// Whether the holder may read a domain. The owner may read all; tokens will say it for others.
    #[must_use]
    pub fn may_read(&self, _: &DomainName) -> bool {
        true
    }

    /// Who asks, as it is written into events.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }
}

impl<S: Sync> FromRequestParts<S> for Grant {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let grant = parts.extensions.get::<Self>().cloned();
        grant.ok_or_else(|| ApiError::new(ErrorCode::Denied, "this connection has no grant"))
    }
}

/// Name of a user as the host's table of users has it, else `uid:N`.
fn user_name(uid: u32) -> String {
    let table = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&table, uid).map_or_else(|| format!("uid:{uid}"), str::to_owned)
}

/// Looks a user up in a table of lines `name:password:uid:…`. A name that would not be readable in a log is passed over.
fn name_in(table: &str, uid: u32) -> Option<&str> {
    let name = table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })?;
    let readable = !name.is_empty() && name.len() <= 32 && name.bytes().all(|b| b.is_ascii_graphic());
    readable.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_where_the_table_knows_it() {
        let table = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbad name:x:7:7::/:\n";
        assert_eq!(name_in(table, 1000), Some("alice"));
        assert_eq!(name_in(table, 0), Some("root"));
        assert_eq!(name_in(table, 7), None);
        assert_eq!(name_in(table, 12), None);
    }

    #[tokio::test]
    async fn the_peer_of_a_socket_pair_is_this_user() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let uid = rustix::process::geteuid().as_raw();
        assert_eq!(Grant::of_peer(&ours).unwrap().actor(), user_name(uid));
    }
}
