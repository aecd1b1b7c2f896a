//! The mode of a domain: how strictly what is written is held against schemas.

use std::sync::Arc;

use axum::{Json, extract::State};
use eventdbx_store::Mode;

use super::{
    ApiError,
    extract::{InDomain, JsonBody, NoParams, Params},
};
use crate::{
    grant::Grant,
    node::{DomainNode, Node},
    schemas::kinds_without_schema,
    wire::{ErrorCode, ModeRequest, ModeView},
};

/// Reads the mode
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/mode",
    tag = "schemas",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 200, description = "The mode", body = ModeView))
)]
pub(super) async fn get_mode(
    _: Grant,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
) -> Result<Json<ModeView>, ApiError> {
    let mode = domain.log.schemas().mode();
    Ok(Json(view(&domain, mode, mode, Vec::new())))
}

/// Switches the mode, between two commits; history is as it was
#[utoipa::path(
    put,
    path = "/v1/domains/{d}/mode",
    tag = "schemas",
    params(("d" = String, Path, description = "Domain")),
    request_body = ModeRequest,
    responses((status = 200, description = "The mode that holds now", body = ModeView))
)]
pub(super) async fn put_mode(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<ModeRequest>,
) -> Result<Json<ModeView>, ApiError> {
    let unknown = |error: eventdbx_store::ModeError| ApiError::new(ErrorCode::BadRequest, error.to_string());
    let mode: Mode = request.mode.parse().map_err(unknown)?;
    let switch = move || {
        let book = domain.log.schemas();
        domain.log.set_mode(mode, grant.actor())?;
        let kinds = if mode == Mode::Strict { kinds_without_schema(&domain.log, &book)? } else { Vec::new() };
        let warnings = kinds.iter().map(|kind| format!("{kind} has no schema: nothing more can be written to it"));
        Ok(view(&domain, mode, book.mode(), warnings.collect()))
    };
    node.blocking(switch).await.map(Json)
}

fn view(domain: &DomainNode, mode: Mode, previous: Mode, warnings: Vec<String>) -> ModeView {
    ModeView { domain: domain.name.to_string(), mode: mode.to_string(), previous: previous.to_string(), warnings }
}
