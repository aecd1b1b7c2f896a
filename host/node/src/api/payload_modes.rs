//! Payload modes: those that are built in, and those that were made for a domain.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiError,
    extract::{InDomain, JsonBody, NoParams, Params, PayloadModeName},
};
use crate::{
    grant::Grant,
    node::Node,
    plugins::{ModeRequest, ModeView},
};

/// Payload modes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PayloadModes {
    rows: Vec<ModeView>,
}

/// Lists the payload modes of a domain
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/payload-modes",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 200, description = "Those that are built in, then its own", body = PayloadModes))
)]
pub(super) async fn list_payload_modes(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
) -> Result<Json<PayloadModes>, ApiError> {
    node.blocking(move || Ok(PayloadModes { rows: domain.plugins.modes(&grant) })).await.map(Json)
}

/// Reads one payload mode
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/payload-modes/{mode}",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("mode" = String, Path, description = "Name of the mode")),
    responses((status = 200, description = "The mode", body = ModeView))
)]
pub(super) async fn get_payload_mode(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PayloadModeName(mode): PayloadModeName,
    _: Params<NoParams>,
) -> Result<Json<ModeView>, ApiError> {
    node.blocking(move || Ok(domain.plugins.mode(&grant, &mode)?)).await.map(Json)
}

/// Makes a payload mode, or makes it anew: then it holds for those who use it from their next batch on
#[utoipa::path(
    put,
    path = "/v1/domains/{d}/payload-modes/{mode}",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("mode" = String, Path, description = "Name of the mode")),
    request_body = ModeRequest,
    responses((status = 200, description = "The mode", body = ModeView))
)]
pub(super) async fn put_payload_mode(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PayloadModeName(mode): PayloadModeName,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<ModeRequest>,
) -> Result<Json<ModeView>, ApiError> {
    node.blocking(move || Ok(domain.plugins.set_mode(&grant, &mode, &request)?)).await.map(Json)
}

/// Removes a payload mode that no plugin uses
#[utoipa::path(
    delete,
    path = "/v1/domains/{d}/payload-modes/{mode}",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("mode" = String, Path, description = "Name of the mode")),
    responses((status = 204, description = "It is gone"))
)]
pub(super) async fn remove_payload_mode(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PayloadModeName(mode): PayloadModeName,
    _: Params<NoParams>,
) -> Result<StatusCode, ApiError> {
    node.blocking(move || Ok(domain.plugins.remove_mode(&grant, &mode)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
