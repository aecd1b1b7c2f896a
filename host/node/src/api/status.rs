//! The daemon itself: health, status, figures, shutdown, and its own description.

use std::{fs, sync::Arc};

use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;

use super::{
    ApiError, domains,
    extract::{NoParams, Params},
};
use crate::{
    domains::{DEFAULT, Slot},
    grant::Grant,
    node::{DomainNode, Node},
    wire::{DomainStats, ErrorCode, Health, RunState, StatsResponse, StatusResponse},
};

/// The OpenAPI document, as it is sent.
#[derive(Clone)]
pub(super) struct Document(pub(super) Bytes);

/// Does the process answer?
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "daemon",
    responses((status = 200, description = "It does", body = Health))
)]
pub(super) async fn live(_: Grant, _: Params<NoParams>) -> Json<Health> {
    Json(Health { status: "ok".to_owned(), problems: Vec::new() })
}

/// Does the daemon take requests?
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "daemon",
    responses(
        (status = 200, description = "It does; `degraded`: but for a domain other than `default`", body = Health),
        (status = 503, description = "It does not", body = Health)
    )
)]
pub(super) async fn ready(_: Grant, State(node): State<Arc<Node>>, _: Params<NoParams>) -> Response {
    let (mut problems, mut ready) = (Vec::new(), true);
    if node.stop.is_cancelled() {
        problems.push("the daemon is stopping".to_owned());
        ready = false;
    }
    for (name, slot) in node.domains.slots() {
        let problem = match slot {
            Slot::Open(domain) => domain.problem().map(|reason| format!("domain {name}: {reason}")),
            Slot::Failed(failure) => Some(format!("domain {name}: {}", failure.reason)),
            Slot::Deleting => (name.as_str() == DEFAULT).then(|| "domain default is being emptied".to_owned()),
            Slot::Creating => None,
        };
        // One domain that is ill is no reason to keep clients from the others.
        ready &= problem.is_none() || name.as_str() != DEFAULT;
        problems.extend(problem);
    }
    let (code, status) = match (ready, problems.is_empty()) {
        (true, true) => (StatusCode::OK, "ok"),
        (true, false) => (StatusCode::OK, "degraded"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    (code, Json(Health { status: status.to_owned(), problems })).into_response()
}

/// What the daemon is and serves
#[utoipa::path(
    get,
    path = "/v1/status",
    tag = "daemon",
    responses((status = 200, description = "Its status", body = StatusResponse))
)]
pub(super) async fn status(
    grant: Grant,
    State(node): State<Arc<Node>>,
    _: Params<NoParams>,
) -> Result<Json<StatusResponse>, ApiError> {
    let inner = Arc::clone(&node);
    let read = move || Ok(domains::statuses(&inner, &grant));
    Ok(Json(StatusResponse {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: node.started_at.to_rfc3339(),
        uptime_seconds: node.uptime().as_secs(),
        data_dir: node.data_dir.display().to_string(),
        domains: node.blocking(read).await?,
        state: if node.stop.is_cancelled() { RunState::Stopping } else { RunState::Running },
    }))
}

/// Figures of the process and of every domain
#[utoipa::path(
    get,
    path = "/v1/stats",
    tag = "daemon",
    responses((status = 200, description = "Its figures", body = StatsResponse))
)]
pub(super) async fn stats(
    grant: Grant,
    State(node): State<Arc<Node>>,
    _: Params<NoParams>,
) -> Result<Json<StatsResponse>, ApiError> {
    let inner = Arc::clone(&node);
    let read = move || inner.domains.opened().iter().map(|domain| domain_stats(domain, &grant)).collect();
    Ok(Json(StatsResponse { memory_bytes: resident_bytes(), domains: node.blocking(read).await? }))
}

fn domain_stats(domain: &DomainNode, grant: &Grant) -> Result<DomainStats, ApiError> {
    let stats = domain.log.stats();
    let plugins = domain.plugins.list(grant);
    let plugins = plugins.iter().map(serde_json::value::to_raw_value).collect::<Result<_, _>>();
    Ok(DomainStats {
        name: domain.name.to_string(),
        events: stats.events,
        aggregates: stats.aggregates,
        disk_bytes: stats.disk_bytes,
        queued: stats.queued as u64,
        commits: stats.commits,
        commit_micros: stats.commit_micros,
        plugins: plugins.map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))?,
    })
}

/// Resident memory of this process, from the second field of `/proc/self/statm`; 0 where the system does not tell.
pub(crate) fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

/// Stops the daemon, once the requests in flight are done
#[utoipa::path(
    post,
    path = "/v1/shutdown",
    tag = "daemon",
    responses((status = 202, description = "It stops"))
)]
pub(super) async fn shutdown(grant: Grant, State(node): State<Arc<Node>>, _: Params<NoParams>) -> StatusCode {
    tracing::info!(actor = grant.actor(), "asked to stop");
    node.stop.cancel();
    StatusCode::ACCEPTED
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "daemon",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json"))
)]
pub(super) async fn openapi(_: Grant, Extension(Document(text)): Extension<Document>, _: Params<NoParams>) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}
