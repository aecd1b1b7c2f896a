//! Domains: listed, made, deleted, and given a remote.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use eventdbx_store::DomainName;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ApiError, convert,
    extract::{DomainText, InDomain, JsonBody, NoParams, Params},
};
use crate::{
    domains::{self, Deleted, Remote, Slot},
    grant::Grant,
    node::{DomainNode, Node},
    wire::{DomainDetails, DomainState, DomainStatus, Domains, RemoteRequest, RemoteView},
};

/// The path of a domain itself.
pub(super) const DOMAIN: &str = "/v1/domains/{d}";

/// How to delete.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteParams {
    /// Although there are events in it, although it did not open, or although it is `default`, which is made anew.
    #[serde(default)]
    force: bool,
}

/// Lists the domains
#[utoipa::path(
    get,
    path = "/v1/domains",
    tag = "domains",
    responses((status = 200, description = "Every domain, by name", body = Domains))
)]
pub(super) async fn list_domains(
    grant: Grant,
    State(node): State<Arc<Node>>,
    _: Params<NoParams>,
) -> Result<Json<Domains>, ApiError> {
    let inner = Arc::clone(&node);
    node.blocking(move || Ok(Domains { rows: statuses(&inner, &grant) })).await.map(Json)
}

/// Tells of one domain, also where it did not open
#[utoipa::path(
    get,
    path = "/v1/domains/{d}",
    tag = "domains",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 200, description = "What there is to tell", body = DomainDetails))
)]
pub(super) async fn get_domain(
    grant: Grant,
    State(node): State<Arc<Node>>,
    DomainText(name): DomainText,
    _: Params<NoParams>,
) -> Result<Json<DomainDetails>, ApiError> {
    let inner = Arc::clone(&node);
    node.blocking(move || details(&inner, &name, &grant)).await.map(Json)
}

/// Makes a domain. One that exists is a conflict
#[utoipa::path(
    put,
    path = "/v1/domains/{d}",
    tag = "domains",
    params(("d" = String, Path, description = "Its name: lower-case letters, digits, - and _, beginning with a letter")),
    responses((status = 201, description = "It is made", body = DomainDetails))
)]
pub(super) async fn create_domain(
    grant: Grant,
    State(node): State<Arc<Node>>,
    DomainText(name): DomainText,
    _: Params<NoParams>,
) -> Result<(StatusCode, Json<DomainDetails>), ApiError> {
    let inner = Arc::clone(&node);
    let create = move || {
        inner.domains.create(&name, grant.actor())?;
        details(&inner, &name, &grant)
    };
    Ok((StatusCode::CREATED, Json(node.blocking(create).await?)))
}

/// Deletes a domain: its keys are destroyed first, then everything else
#[utoipa::path(
    delete,
    path = "/v1/domains/{d}",
    tag = "domains",
    params(("d" = String, Path, description = "Domain"), DeleteParams),
    responses(
        (status = 204, description = "It is gone"),
        (status = 202, description = "It goes once the requests in flight are done")
    )
)]
pub(super) async fn delete_domain(
    grant: Grant,
    State(node): State<Arc<Node>>,
    DomainText(name): DomainText,
    Params(params): Params<DeleteParams>,
) -> Result<StatusCode, ApiError> {
    match domains::delete(node, name, params.force, grant.actor().to_owned()).await? {
        Deleted::Gone => Ok(StatusCode::NO_CONTENT),
        Deleted::GoesOn => Ok(StatusCode::ACCEPTED),
    }
}

/// Sets the remote of a domain, in the place of the one before. Nothing contacts it yet
#[utoipa::path(
    put,
    path = "/v1/domains/{d}/remote",
    tag = "domains",
    params(("d" = String, Path, description = "Domain")),
    request_body = RemoteRequest,
    responses((status = 200, description = "What is told of it", body = RemoteView))
)]
pub(super) async fn set_remote(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<RemoteRequest>,
) -> Result<Json<RemoteView>, ApiError> {
    let remote = Remote::new(request, (node.clock)().to_rfc3339(), grant.actor())?;
    let set = move || {
        remote.set(&domain)?;
        Ok(remote.view())
    };
    node.blocking(set).await.map(Json)
}

/// Forgets the remote of a domain, with its token
#[utoipa::path(
    delete,
    path = "/v1/domains/{d}/remote",
    tag = "domains",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 204, description = "It is forgotten"))
)]
pub(super) async fn forget_remote(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
) -> Result<StatusCode, ApiError> {
    let forget = move || match Remote::forget(&domain, grant.actor())? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found(format_args!("remote of domain {}", domain.name))),
    };
    node.blocking(forget).await
}

/// Every domain in short.
pub(super) fn statuses(node: &Node, grant: &Grant) -> Vec<DomainStatus> {
    node.domains.slots().iter().map(|(name, slot)| status(name, slot, grant)).collect()
}

fn status(name: &DomainName, slot: &Slot, grant: &Grant) -> DomainStatus {
    let not_served = |state, reason| DomainStatus {
        name: name.to_string(),
        state,
        reason,
        position: None,
        root: None,
        durability: None,
        events: None,
        aggregates: None,
        plugins: None,
    };
    match slot {
        Slot::Open(domain) => {
            let (head, stats) = (domain.log.head(), domain.log.stats());
            DomainStatus {
                position: Some(head.position.get()),
                root: Some(head.root.to_string()),
                durability: Some(convert::durability(domain.log.durability()).to_owned()),
                events: Some(stats.events),
                aggregates: Some(stats.aggregates),
                plugins: Some(domain.plugins.list(grant).len() as u64),
                ..not_served(DomainState::Open, domain.problem())
            }
        }
        Slot::Failed(failure) => not_served(DomainState::Failed, Some(failure.reason.clone())),
        Slot::Creating | Slot::Deleting => not_served(DomainState::Deleting, None),
    }
}

fn details(node: &Node, name: &str, grant: &Grant) -> Result<DomainDetails, ApiError> {
    let slot = node.domains.slot(name).filter(|slot| !matches!(slot, Slot::Creating));
    let (Some(slot), Ok(name)) = (slot, name.parse::<DomainName>()) else {
        return Err(domains::missing(name));
    };
    let domain: Option<&DomainNode> = if let Slot::Open(domain) = &slot { Some(domain) } else { None };
    Ok(DomainDetails {
        status: status(&name, &slot, grant),
        mode: domain.map(|domain| domain.log.schemas().mode().to_string()),
        created_at: domain.map(|domain| domain.log.created_at().to_rfc3339()),
        disk_bytes: occupied(&node.domains.dir(&name)),
        remote: domain.map(Remote::of).transpose()?.flatten().map(|remote| remote.view()),
    })
}

/// Bytes that a directory occupies. Files that come and go meanwhile are counted or not.
fn occupied(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        // A journal is made as long as it may get, and occupies what was written.
        Some(if metadata.is_dir() { occupied(&entry.path()) } else { metadata.blocks() * 512 })
    });
    sizes.sum()
}
