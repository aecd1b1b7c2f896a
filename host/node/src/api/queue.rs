//! What plugins have parked: aggregates of which an event cannot be handled.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::{
    ApiError,
    extract::{EntryId, InDomain, JsonBody, NoParams, Params, PluginName},
};
use crate::{
    grant::Grant,
    node::Node,
    plugins::{Capsule, Parked, ParkedDetail},
};

/// What a plugin has parked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Queue {
    rows: Vec<Parked>,
}

/// How many entries were dealt with.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Dealt {
    entries: usize,
}

/// Lists what a plugin has parked
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/plugins/{name}/queue",
    tag = "queue",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin")),
    responses((status = 200, description = "The entries", body = Queue))
)]
pub(super) async fn list_queue(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    _: Params<NoParams>,
) -> Result<Json<Queue>, ApiError> {
    node.blocking(move || Ok(Queue { rows: domain.plugins.queue(&grant, &name)? })).await.map(Json)
}

/// Reads one parked entry with its deliveries
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/plugins/{name}/queue/{entry}",
    tag = "queue",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin"), ("entry" = String, Path, description = "Id of the entry")),
    responses((status = 200, description = "The entry", body = ParkedDetail))
)]
pub(super) async fn get_entry(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    EntryId(entry): EntryId,
    _: Params<NoParams>,
) -> Result<Json<ParkedDetail>, ApiError> {
    node.blocking(move || Ok(domain.plugins.queue_entry(&grant, &name, &entry)?)).await.map(Json)
}

/// Delivers what is parked again
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/plugins/{name}/queue/{entry}/retry",
    tag = "queue",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin"), ("entry" = String, Path, description = "Id of the entry, or `all`")),
    responses((status = 200, description = "How many entries are through", body = Dealt))
)]
pub(super) async fn retry_entry(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    EntryId(entry): EntryId,
    _: Params<NoParams>,
) -> Result<Json<Dealt>, ApiError> {
    node.blocking(move || Ok(Dealt { entries: domain.plugins.queue_retry(&grant, &name, &entry)? })).await.map(Json)
}

/// Gives up what is parked
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/plugins/{name}/queue/{entry}/discard",
    tag = "queue",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin"), ("entry" = String, Path, description = "Id of the entry, or `all`")),
    responses((status = 200, description = "How many entries were given up", body = Dealt))
)]
pub(super) async fn discard_entry(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    EntryId(entry): EntryId,
    _: Params<NoParams>,
) -> Result<Json<Dealt>, ApiError> {
    node.blocking(move || Ok(Dealt { entries: domain.plugins.queue_discard(&grant, &name, &entry)? })).await.map(Json)
}

/// The payload that an event is to be delivered with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EditRequest {
    /// Whatever the event could have been written with: an object, or the operations of a JSON Patch.
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
}

/// Which event.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct CapsuleParams {
    /// The first event of this parked entry; none: what the plugin is given next.
    entry: Option<String>,
}

/// Has the first event of an entry delivered with another payload
///
/// The log keeps its own payload, and a rebuild reads that one.
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/plugins/{name}/queue/{entry}/edit",
    tag = "queue",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin"), ("entry" = String, Path, description = "Id of the entry")),
    request_body = EditRequest,
    responses((status = 200, description = "The entry", body = Parked))
)]
pub(super) async fn edit_entry(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    EntryId(entry): EntryId,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<EditRequest>,
) -> Result<Json<Parked>, ApiError> {
    let edit = move || Ok(domain.plugins.queue_edit(&grant, &name, &entry, request.payload.get())?);
    node.blocking(edit).await.map(Json)
}

/// Makes a failure capsule: the batch, the configuration without its secrets, the rows that were read
///
/// The batch is handed over once more for it, and nothing that comes of that is kept.
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/plugins/{name}/capsule",
    tag = "queue",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin"), CapsuleParams),
    responses((status = 200, description = "The capsule", body = Capsule))
)]
pub(super) async fn get_capsule(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    Params(params): Params<CapsuleParams>,
) -> Result<Json<Capsule>, ApiError> {
    node.blocking(move || Ok(domain.plugins.capsule(&grant, &name, params.entry.as_deref())?)).await.map(Json)
}
