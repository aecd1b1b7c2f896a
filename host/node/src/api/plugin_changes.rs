//! Changing installed plugins while they run: configuration, pause, upgrade, rollback.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};

use super::{
    ApiError,
    extract::{InDomain, JsonBody, NoParams, Params, PluginName},
};
use crate::{
    grant::Grant,
    node::Node,
    plugins::{ConfigRequest, ConfigView, PluginStatus, RollbackRequest, UpgradeRequest},
};

/// How a plugin is configured, without what is secret
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/plugins/{name}/config",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin")),
    responses((status = 200, description = "Mode, selector and configuration", body = ConfigView))
)]
pub(super) async fn get_plugin_config(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    _: Params<NoParams>,
) -> Result<Json<ConfigView>, ApiError> {
    node.blocking(move || Ok(domain.plugins.config(&grant, &name)?)).await.map(Json)
}

/// Changes mode, selector or configuration between two batches; what is absent stays as it is
#[utoipa::path(
    patch,
    path = "/v1/domains/{d}/plugins/{name}/config",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin")),
    request_body = ConfigRequest,
    responses((status = 200, description = "What holds from the cursor on", body = ConfigView))
)]
pub(super) async fn configure_plugin(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<ConfigRequest>,
) -> Result<Json<ConfigView>, ApiError> {
    node.blocking(move || Ok(domain.plugins.configure(&grant, &name, request)?)).await.map(Json)
}

/// Stops delivery to a plugin between two batches; it answers queries on
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/plugins/{name}/pause",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin")),
    responses((status = 200, description = "How it stands", body = PluginStatus))
)]
pub(super) async fn pause_plugin(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    _: Params<NoParams>,
) -> Result<Json<PluginStatus>, ApiError> {
    node.blocking(move || Ok(domain.plugins.pause(&grant, &name)?)).await.map(Json)
}

/// Delivers to a paused plugin again, from where it stood
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/plugins/{name}/resume",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin")),
    responses((status = 200, description = "How it stands", body = PluginStatus))
)]
pub(super) async fn resume_plugin(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    _: Params<NoParams>,
) -> Result<Json<PluginStatus>, ApiError> {
    node.blocking(move || Ok(domain.plugins.resume(&grant, &name)?)).await.map(Json)
}

/// Lets another component, which was taken in before, take over a plugin
///
/// One that can go on with the stored tables does so between two batches. For any other, tables are built beside the live ones:
/// `rebuild` shows the progress.
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/plugins/{name}/upgrade",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin")),
    request_body = UpgradeRequest,
    responses((status = 202, description = "How it stands", body = PluginStatus))
)]
pub(super) async fn upgrade_plugin(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<UpgradeRequest>,
) -> Result<(StatusCode, Json<PluginStatus>), ApiError> {
    let status = node.blocking(move || Ok(domain.plugins.upgrade(&grant, &name, &request)?)).await?;
    Ok((StatusCode::ACCEPTED, Json(status)))
}

/// Goes back to a component that ran before, with the tables that were kept for it
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/plugins/{name}/rollback",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin")),
    request_body = RollbackRequest,
    responses((status = 202, description = "How it stands", body = PluginStatus))
)]
pub(super) async fn rollback_plugin(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<RollbackRequest>,
) -> Result<(StatusCode, Json<PluginStatus>), ApiError> {
    let status = node.blocking(move || Ok(domain.plugins.rollback(&grant, &name, request.to)?)).await?;
    Ok((StatusCode::ACCEPTED, Json(status)))
}
