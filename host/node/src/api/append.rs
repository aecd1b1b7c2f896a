//! Writing events.

use axum::Json;

use super::{
    ApiError, convert,
    extract::{InDomain, JsonBody, NoParams, Params},
    recipients,
};
use crate::{
    append,
    grant::Grant,
    wire::{AppendRequest, AppendResponse},
};

/// Writes events: all of them or none
///
/// An event that names plugins or subscriptions which there are not is written all the same; the answer warns of them.
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/append",
    tag = "events",
    params(("d" = String, Path, description = "Domain")),
    request_body = AppendRequest,
    responses((status = 200, description = "Written, or known already by its key", body = AppendResponse))
)]
pub(super) async fn append_events(
    grant: Grant,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<AppendRequest>,
) -> Result<Json<AppendResponse>, ApiError> {
    let warnings = recipients::warnings(&domain, &request.events);
    let draft = convert::draft(request, &grant)?;
    let receipt = append::append(&domain.log, draft).await?;
    Ok(Json(AppendResponse { warnings, ..convert::receipt(&receipt) }))
}
