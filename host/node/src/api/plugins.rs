//! Plugins: their components, their lives, their answers.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use eventdbx_store::Position;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    ApiError,
    extract::{BodyLimit, InDomain, JsonBody, NoParams, Params, PluginName, QueryName},
};
use crate::{
    grant::Grant,
    node::Node,
    plugins::{ComponentInfo, DropInView, InstallRequest, PluginStatus, QueryAnswer, Uninstalled},
    wire::{ErrorCode, QueryRequest},
};

/// How long a query waits for its position when the request does not say.
const DEFAULT_WAIT: Duration = Duration::from_secs(10);

/// How long a query may wait at most.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The plugins of a domain, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Plugins {
    rows: Vec<PluginStatus>,
}

/// Takes a component into a domain, without installing it
///
/// The body is the component, or a core module that carries its component type. Nothing of it runs but its description of
/// itself.
#[utoipa::path(
    put,
    path = "/v1/domains/{d}/components",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain")),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses((status = 200, description = "What it says of itself, and its hash", body = ComponentInfo))
)]
pub(super) async fn add_component(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
    request: Request,
) -> Result<Json<ComponentInfo>, ApiError> {
    let limit = BodyLimit { bytes: node.settings.component_mib << 20, name: "daemon.component_mib" };
    let wasm = limit.read(request).await?;
    node.blocking(move || Ok(domain.plugins.add_component(&grant, &wasm)?)).await.map(Json)
}

/// Lists the plugins
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/plugins",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 200, description = "How they stand", body = Plugins))
)]
pub(super) async fn list_plugins(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
) -> Result<Json<Plugins>, ApiError> {
    node.blocking(move || Ok(Plugins { rows: domain.plugins.list(&grant) })).await.map(Json)
}

/// Installs a component that was taken in before, and starts it
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/plugins",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain")),
    request_body = InstallRequest,
    responses((status = 201, description = "How it stands", body = PluginStatus))
)]
pub(super) async fn install_plugin(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<InstallRequest>,
) -> Result<(StatusCode, Json<PluginStatus>), ApiError> {
    let status = node.blocking(move || Ok(domain.plugins.install(&grant, request)?)).await?;
    Ok((StatusCode::CREATED, Json(status)))
}

/// How one plugin stands
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/plugins/{name}",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin")),
    responses((status = 200, description = "How it stands", body = PluginStatus))
)]
pub(super) async fn get_plugin(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    _: Params<NoParams>,
) -> Result<Json<PluginStatus>, ApiError> {
    node.blocking(move || Ok(domain.plugins.status(&grant, &name)?)).await.map(Json)
}

/// How a plugin is uninstalled.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct UninstallParams {
    /// Even if something depends on it, which then does without.
    force: bool,
}

/// Stops a plugin and deletes its tables
#[utoipa::path(
    delete,
    path = "/v1/domains/{d}/plugins/{name}",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin"), UninstallParams),
    responses((status = 200, description = "It is gone, and what went with it", body = Uninstalled))
)]
pub(super) async fn uninstall_plugin(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    Params(UninstallParams { force }): Params<UninstallParams>,
) -> Result<Json<Uninstalled>, ApiError> {
    node.blocking(move || Ok(domain.plugins.uninstall(&grant, &name, force)?)).await.map(Json)
}

/// What stands in the drop-in folder, and what became of it
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/drop-in",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 200, description = "The folder, if the domain has one", body = DropInView))
)]
pub(super) async fn get_drop_in(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
) -> Result<Json<DropInView>, ApiError> {
    node.blocking(move || Ok(domain.plugins.drop_in(&grant))).await.map(Json)
}

/// Starts a plugin that is disabled or stopped: it goes on where it was
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/plugins/{name}/enable",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin")),
    responses((status = 200, description = "How it stands", body = PluginStatus))
)]
pub(super) async fn enable_plugin(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    _: Params<NoParams>,
) -> Result<Json<PluginStatus>, ApiError> {
    node.blocking(move || Ok(domain.plugins.enable(&grant, &name)?)).await.map(Json)
}

/// Stops a plugin; it keeps its place and its tables
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/plugins/{name}/disable",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin")),
    responses((status = 200, description = "How it stands", body = PluginStatus))
)]
pub(super) async fn disable_plugin(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    _: Params<NoParams>,
) -> Result<Json<PluginStatus>, ApiError> {
    node.blocking(move || Ok(domain.plugins.disable(&grant, &name)?)).await.map(Json)
}

/// Asks a plugin
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/plugins/{name}/queries/{query}",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin"), ("query" = String, Path, description = "Name of the query")),
    request_body = QueryRequest,
    responses((status = 200, description = "Its answer", body = QueryAnswer))
)]
pub(super) async fn query_plugin(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    QueryName(query): QueryName,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<QueryRequest>,
) -> Result<Json<QueryAnswer>, ApiError> {
    let timeout = request.timeout_ms.map_or(DEFAULT_WAIT, Duration::from_millis);
    if timeout > LONGEST_WAIT {
        let message = format!("`timeout_ms` must be at most {}", LONGEST_WAIT.as_millis());
        return Err(ApiError::new(ErrorCode::BadRequest, message));
    }
    let wait = request.wait.map(|position| (Position::new(position), timeout));
    let ask = move || {
        let params = request.params.as_ref().map_or("{}", |params| params.get());
        Ok(domain.plugins.query(&grant, &name, &query, params, request.cursor.as_deref(), wait)?)
    };
    node.blocking(ask).await.map(Json)
}
