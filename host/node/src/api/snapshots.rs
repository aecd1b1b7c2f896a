//! Snapshots: taken on demand, listed, read, and held against what the events fold to.

use std::sync::Arc;

use axum::{Json, extract::State};
use eventdbx_store::{AggregateRef, Digest, Version};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ApiError,
    aggregates::written,
    convert,
    extract::{AtVersion, InDomain, NoParams, OfAggregate, Params},
    sight::{Sight, View},
};
use crate::{
    grant::Grant,
    node::{DomainNode, Node},
    wire::{SnapshotInfo, SnapshotReport, SnapshotView, Snapshots},
};

/// How to read a snapshot.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct SnapshotParams {
    /// With the fields that schemas hide, for those who may see them.
    #[serde(default)]
    hidden: bool,
}

/// Lists the snapshots of an aggregate
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/aggregates/{type}/{id}/snapshots",
    tag = "snapshots",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregate"),
        ("id" = String, Path, description = "Id of the aggregate")
    ),
    responses((status = 200, description = "All of them, the oldest version first", body = Snapshots))
)]
pub(super) async fn list_snapshots(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfAggregate(name): OfAggregate,
    _: Params<NoParams>,
) -> Result<Json<Snapshots>, ApiError> {
    let list = move || {
        let rows = domain.log.snapshots(&name)?;
        if rows.is_empty() && domain.log.aggregate(&name)?.is_none() {
            return Err(ApiError::not_found(format_args!("aggregate {name}")));
        }
        Ok(Snapshots { rows: rows.iter().map(convert::snapshot_info).collect() })
    };
    node.blocking(list).await.map(Json)
}

/// Takes a snapshot of an aggregate as it is now; where there is one of that version already, it is answered
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/aggregates/{type}/{id}/snapshots",
    tag = "snapshots",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregate"),
        ("id" = String, Path, description = "Id of the aggregate")
    ),
    responses((status = 200, description = "The snapshot of the version that it stands at", body = SnapshotInfo))
)]
pub(super) async fn take_snapshot(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfAggregate(name): OfAggregate,
    _: Params<NoParams>,
) -> Result<Json<SnapshotInfo>, ApiError> {
    let take = move || written(&name, domain.log.take_snapshot(&name, grant.actor()));
    Ok(Json(convert::snapshot_info(&node.blocking(take).await?)))
}

/// Reads a snapshot with the state that it holds
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/aggregates/{type}/{id}/snapshots/{version}",
    tag = "snapshots",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregate"),
        ("id" = String, Path, description = "Id of the aggregate"),
        ("version" = u64, Path, description = "Version of the aggregate"),
        SnapshotParams
    ),
    responses((status = 200, description = "The snapshot", body = SnapshotView))
)]
pub(super) async fn get_snapshot(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfAggregate(name): OfAggregate,
    AtVersion(version): AtVersion,
    Params(params): Params<SnapshotParams>,
) -> Result<Json<SnapshotView>, ApiError> {
    let sight = Sight::new(&grant, params.hidden)?;
    node.blocking(move || view(&domain, &name, version, &sight.of(&domain))).await.map(Json)
}

fn view(domain: &DomainNode, name: &AggregateRef, version: Version, shown: &View) -> Result<SnapshotView, ApiError> {
    let snapshot = domain.log.snapshot(name, version)?.ok_or_else(|| missing(name, version))?;
    let state = shown.state(&name.kind, &snapshot.state)?;
    // IMPORTANT: whoever has hash, salt and all other fields can try values of a hidden one until the hash fits.
    let whole = state.get() == snapshot.state.as_str();
    let SnapshotInfo { version, hash, recorded_at, position } = convert::snapshot_info(&snapshot.info);
    Ok(SnapshotView {
        aggregate_type: name.kind.to_string(),
        aggregate_id: name.id.to_string(),
        version,
        hash,
        salt: whole.then(|| Digest(snapshot.salt).to_string()),
        recorded_at,
        position,
        state,
    })
}

/// Holds a snapshot against what the events fold to, and against what the log records
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/aggregates/{type}/{id}/snapshots/{version}/verify",
    tag = "snapshots",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregate"),
        ("id" = String, Path, description = "Id of the aggregate"),
        ("version" = u64, Path, description = "Version of the aggregate")
    ),
    responses((status = 200, description = "What was found; no findings: all is well", body = SnapshotReport))
)]
pub(super) async fn verify_snapshot(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfAggregate(name): OfAggregate,
    AtVersion(version): AtVersion,
    _: Params<NoParams>,
) -> Result<Json<SnapshotReport>, ApiError> {
    let verify = move || {
        let findings = domain.log.verify_snapshot(&name, version)?.ok_or_else(|| missing(&name, version))?;
        Ok(SnapshotReport { version: version.get(), findings })
    };
    node.blocking(verify).await.map(Json)
}

fn missing(name: &AggregateRef, version: Version) -> ApiError {
    ApiError::not_found(format_args!("snapshot of {name} at version {version}"))
        .hint(format!("`dbx snapshots list {} {}` lists what there is", name.kind, name.id))
}
