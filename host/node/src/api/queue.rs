//! What plugins have parked: aggregates of which an event cannot be handled.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiError,
    extract::{EntryId, InDomain, NoParams, Params, PluginName},
};
use crate::{
    grant::Grant,
    node::Node,
    plugins::{Parked, ParkedDetail},
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
