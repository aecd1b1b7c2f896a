//! Jobs: replays, as they go on beside live delivery.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    ApiError,
    extract::{InDomain, JobId, JsonBody, NoParams, Params, PluginName},
};
use crate::{
    grant::Grant,
    node::Node,
    plugins::{JobStatus, ReplayRequest},
    wire::ErrorCode,
};

/// Jobs, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Jobs {
    rows: Vec<JobStatus>,
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct JobParams {
    /// Also those that have ended, as far as they are kept.
    #[serde(default)]
    all: bool,
}

/// Begins to deliver the log, or a stretch of it, anew
///
/// The whole log goes into new tables that then replace the live ones; a stretch goes into the live tables of a plugin that
/// says that it is idempotent, and out of one that keeps none. A dry run only tells what would differ.
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/plugins/{name}/replay",
    tag = "jobs",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin")),
    request_body = ReplayRequest,
    responses((status = 202, description = "The job that does it", body = JobStatus))
)]
pub(super) async fn replay_plugin(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<ReplayRequest>,
) -> Result<(StatusCode, Json<JobStatus>), ApiError> {
    let job = node.blocking(move || Ok(domain.plugins.replay(&grant, &name, &request)?)).await?;
    Ok((StatusCode::ACCEPTED, Json(job)))
}

/// Lists the jobs that run
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/jobs",
    tag = "jobs",
    params(("d" = String, Path, description = "Domain"), JobParams),
    responses((status = 200, description = "The jobs, the latest first", body = Jobs))
)]
pub(super) async fn list_jobs(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    Params(params): Params<JobParams>,
) -> Result<Json<Jobs>, ApiError> {
    node.blocking(move || Ok(Jobs { rows: domain.plugins.jobs(&grant, params.all) })).await.map(Json)
}

/// How a job stands, and what it found
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/jobs/{job}",
    tag = "jobs",
    params(("d" = String, Path, description = "Domain"), ("job" = u64, Path, description = "Number of the job")),
    responses((status = 200, description = "How it stands", body = JobStatus))
)]
pub(super) async fn get_job(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    JobId(job): JobId,
    _: Params<NoParams>,
) -> Result<Json<JobStatus>, ApiError> {
    let id = number(&job)?;
    node.blocking(move || Ok(domain.plugins.job(&grant, id)?)).await.map(Json)
}

/// Calls a job off
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/jobs/{job}/cancel",
    tag = "jobs",
    params(("d" = String, Path, description = "Domain"), ("job" = u64, Path, description = "Number of the job")),
    responses((status = 200, description = "How it stood when it ended", body = JobStatus))
)]
pub(super) async fn cancel_job(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    JobId(job): JobId,
    _: Params<NoParams>,
) -> Result<Json<JobStatus>, ApiError> {
    let id = number(&job)?;
    node.blocking(move || Ok(domain.plugins.cancel(&grant, id)?)).await.map(Json)
}

fn number(text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_| ApiError::new(ErrorCode::BadRequest, format!("{text:?} is no job: jobs are numbers")))
}
