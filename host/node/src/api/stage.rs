//! Staging: events are put aside, looked at, dropped, and committed all at once.

use std::sync::Arc;

use axum::{Json, extract::State};

use super::{
    ApiError, convert,
    extract::{InDomain, JsonBody, NoParams, Params, StageId},
    recipients,
};
use crate::{
    grant::Grant,
    node::Node,
    wire::{AppendResponse, CommitRequest, Dropped, ErrorCode, Stage, StageRequest},
};

/// Lists what is staged, in the order in which it will be written
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/stage",
    tag = "stage",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 200, description = "Everything that is staged", body = Stage))
)]
pub(super) async fn list_stage(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
) -> Result<Json<Stage>, ApiError> {
    node.blocking(move || domain.stage.list(&domain.log)).await.map(Json)
}

/// Puts events aside, behind those that are staged: all of them or none
///
/// They are checked with all that are staged before them, as the one request that they will be, and refused right away.
/// Versions that are expected are looked at only by the commit. A stage holds what one request may hold.
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/stage",
    tag = "stage",
    params(("d" = String, Path, description = "Domain")),
    request_body = StageRequest,
    responses((status = 200, description = "The new ones are staged", body = Stage))
)]
pub(super) async fn stage_events(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<StageRequest>,
) -> Result<Json<Stage>, ApiError> {
    let now = (node.clock)().to_rfc3339();
    let put = move || {
        let warnings = recipients::warnings(&domain, &request.events);
        let staged = domain.stage.put(&domain.log, request.events, &now, grant.actor())?;
        Ok(Stage { warnings, ..staged })
    };
    node.blocking(put).await.map(Json)
}

/// Drops everything that is staged
#[utoipa::path(
    delete,
    path = "/v1/domains/{d}/stage",
    tag = "stage",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 200, description = "Nothing is staged any more", body = Dropped))
)]
pub(super) async fn drop_stage(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
) -> Result<Json<Dropped>, ApiError> {
    node.blocking(move || domain.stage.drop_all(&domain.log)).await.map(Json)
}

/// Drops one staged event
#[utoipa::path(
    delete,
    path = "/v1/domains/{d}/stage/{id}",
    tag = "stage",
    params(("d" = String, Path, description = "Domain"), ("id" = u64, Path, description = "Stage id of the event")),
    responses((status = 200, description = "It is not staged any more", body = Dropped))
)]
pub(super) async fn drop_staged(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    StageId(text): StageId,
    _: Params<NoParams>,
) -> Result<Json<Dropped>, ApiError> {
    let not_an_id = |_| ApiError::new(ErrorCode::BadRequest, format!("{text:?} is not a stage id: 1, 2, 3 …"));
    let id = text.parse().map_err(not_an_id)?;
    node.blocking(move || domain.stage.drop_one(&domain.log, id)).await.map(Json)
}

/// Writes everything that is staged as one request: all of it or nothing
///
/// A refusal names each event by its stage id and leaves the stage as it was. A commit whose answer was lost is repeated:
/// as long as its outcome is unknown, the stage keeps its events and its key, and nothing is written twice.
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/stage/commit",
    tag = "stage",
    params(("d" = String, Path, description = "Domain")),
    request_body = CommitRequest,
    responses((status = 200, description = "Written, or known already by its key", body = AppendResponse))
)]
pub(super) async fn commit_stage(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<CommitRequest>,
) -> Result<Json<AppendResponse>, ApiError> {
    let commit = move || domain.stage.commit(&domain.log, request, grant.actor());
    Ok(Json(convert::receipt(&node.blocking(commit).await?)))
}
