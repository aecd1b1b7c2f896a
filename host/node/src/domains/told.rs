//! What the log of `default` tells of the domains: who made them and who deleted them, in `$domain/NAME`.

use eventdbx_store::{AggregateRef, AppendError, Domain, DomainName, EventQuery};
use serde_json::json;

use super::deletion::Deletion;
use crate::api::ApiError;

const CREATED: &str = "$domain_created";
const DELETED: &str = "$domain_deleted";

/// Whoever finds a domain at start that the log does not know.
const NOBODY: &str = "eventdbx";

/// Tells that a domain was made.
pub(super) fn created(log: &Domain, name: &DomainName, actor: &str) -> Result<(), ApiError> {
    tell(log, name, CREATED, &json!({ "domain": name }).to_string(), actor).map_err(ApiError::from)
}

/// Tells that a domain was deleted, unless that is the last thing that was told of it.
pub(super) fn deleted(log: &Domain, name: &DomainName, deletion: &Deletion) -> Result<(), AppendError> {
    if last(log, name).as_deref() == Some(DELETED) {
        return Ok(());
    }
    let Deletion { position, root, reason, .. } = deletion;
    let mut payload = json!({ "domain": name, "position": position, "root": root, "reason": reason });
    if let Some(members) = payload.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    tell(log, name, DELETED, &payload.to_string(), &deletion.actor)
}

/// Tells of a domain that lies in the data directory, if nothing tells of it: it was put there from outside, or a crash
/// came between its making and the telling. A log that takes no writes does not keep the domain from being served.
pub(super) fn found(log: &Domain, name: &DomainName) {
    if last(log, name).as_deref() == Some(CREATED) {
        return;
    }
    let payload = json!({ "domain": name, "found": true }).to_string();
    if let Err(error) = tell(log, name, CREATED, &payload, NOBODY) {
        tracing::warn!(domain = %name, %error, "the log does not tell of the domain");
    }
}

fn tell(log: &Domain, name: &DomainName, event: &str, payload: &str, actor: &str) -> Result<(), AppendError> {
    log.record(&history(name), event, payload, actor).map(drop)
}

/// Type of the last event that tells of a domain.
fn last(log: &Domain, name: &DomainName) -> Option<String> {
    let query =
        EventQuery { aggregate: Some(history(name)), reverse: true, limit: 1, system: true, ..EventQuery::default() };
    let page = log.events(&query).ok()?;
    page.rows.first().map(|event| event.header.event_type.to_string())
}

/// # Panics
///
/// Never: the name of a domain is the id of an aggregate.
fn history(name: &DomainName) -> AggregateRef {
    AggregateRef::new("$domain", name.as_str()).expect("the name of a domain is the id of an aggregate")
}
