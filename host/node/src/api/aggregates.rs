//! Reading aggregates, and setting them aside.

use std::sync::Arc;

use axum::{Json, extract::State};
use eventdbx_store::{Aggregate, AggregateQuery, AggregateRef, AppendError, EventQuery, Receipt, Version};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ApiError, convert,
    extract::{InDomain, JsonBody, NoParams, OfAggregate, Params},
    paging,
};
use crate::{
    grant::Grant,
    node::{DomainNode, Node},
    wire::{AggregateRow, AggregateView, Aggregates, AppendResponse, Events, NoteRequest},
};

/// Which aggregates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    /// Only of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// The last row of the page before, as `type/id`.
    after: Option<String>,
    /// Most rows of the page; never more than 1000.
    limit: Option<usize>,
    /// Archived ones too.
    #[serde(default)]
    archived: bool,
    /// EventDBX's own too.
    #[serde(default)]
    system: bool,
    /// With their states.
    #[serde(default)]
    include_state: bool,
}

/// Which state of an aggregate.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewParams {
    /// As it was right after this version.
    version: Option<u64>,
    /// With its events up to there.
    #[serde(default)]
    include_events: bool,
    /// Most events; never more than 1000.
    limit: Option<usize>,
}

/// Which part of a history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryParams {
    /// First version, included. Without it: the first of all, or with `reverse` the last.
    from: Option<u64>,
    /// Most rows of the page; never more than 1000.
    limit: Option<usize>,
    /// From the last to the first.
    #[serde(default)]
    reverse: bool,
}

/// Lists aggregates in the order of type and id
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/aggregates",
    tag = "aggregates",
    params(("d" = String, Path, description = "Domain"), ListParams),
    responses((status = 200, description = "A page", body = Aggregates))
)]
pub(super) async fn list_aggregates(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    Params(params): Params<ListParams>,
) -> Result<Json<Aggregates>, ApiError> {
    let query = AggregateQuery {
        kind: params.kind.map(|kind| kind.parse()).transpose()?,
        after: params.after.map(|after| after.parse()).transpose()?,
        limit: paging::rows(params.limit)?,
        archived: params.archived,
        system: params.system,
    };
    let read = move || {
        let page = domain.log.aggregates(&query)?;
        let next = page.rows.last().filter(|_| page.more).map(|last| last.name.to_string());
        let row = |aggregate: &Aggregate| {
            let state = params.include_state.then(|| convert::raw(&aggregate.state)).transpose()?;
            Ok(AggregateRow { state, ..convert::aggregate_row(aggregate) })
        };
        Ok(Aggregates { rows: page.rows.iter().map(row).collect::<Result<_, ApiError>>()?, next })
    };
    node.blocking(read).await.map(Json)
}

/// Reads an aggregate with its state
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/aggregates/{type}/{id}",
    tag = "aggregates",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregate"),
        ("id" = String, Path, description = "Id of the aggregate"),
        ViewParams
    ),
    responses((status = 200, description = "The aggregate", body = AggregateView))
)]
pub(super) async fn get_aggregate(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfAggregate(name): OfAggregate,
    Params(params): Params<ViewParams>,
) -> Result<Json<AggregateView>, ApiError> {
    node.blocking(move || view(&domain, &name, &params)).await.map(Json)
}

fn view(domain: &DomainNode, name: &AggregateRef, params: &ViewParams) -> Result<AggregateView, ApiError> {
    let missing = || ApiError::not_found(format_args!("aggregate {name}"));
    let aggregate = domain.log.aggregate(name)?.ok_or_else(missing)?;
    let row = convert::aggregate_row(&aggregate);
    let (version, updated_at, state) = match params.version {
        None => (row.version, row.updated_at, aggregate.state),
        Some(version) => {
            let missing = || ApiError::not_found(format_args!("version {version} of {name}"));
            let state = domain.log.state_at(name, Version::new(version))?.ok_or_else(missing)?;
            let event = history(domain, name, Some(version), 1, false)?.rows.pop().ok_or_else(missing)?;
            (version, event.recorded_at, state)
        }
    };
    let events = if params.include_events {
        let limit = paging::rows(params.limit)?;
        let mut events = history(domain, name, None, limit, false)?.rows;
        events.retain(|event| event.version <= version);
        Some(events)
    } else {
        None
    };
    Ok(AggregateView {
        aggregate_type: row.aggregate_type,
        aggregate_id: row.aggregate_id,
        version,
        archived: row.archived,
        created_at: row.created_at,
        updated_at,
        root: row.root,
        state: convert::raw(&state)?,
        events,
    })
}

/// Reads the history of an aggregate
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/aggregates/{type}/{id}/events",
    tag = "aggregates",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregate"),
        ("id" = String, Path, description = "Id of the aggregate"),
        HistoryParams
    ),
    responses((status = 200, description = "A page; `next` is a version", body = Events))
)]
pub(super) async fn list_history(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfAggregate(name): OfAggregate,
    Params(params): Params<HistoryParams>,
) -> Result<Json<Events>, ApiError> {
    let limit = paging::rows(params.limit)?;
    let read = move || {
        let page = history(&domain, &name, params.from, limit, params.reverse)?;
        if page.rows.is_empty() && domain.log.aggregate(&name)?.is_none() {
            return Err(ApiError::not_found(format_args!("aggregate {name}")));
        }
        Ok(page)
    };
    node.blocking(read).await.map(Json)
}

/// A page of the history of an aggregate, its archivings included: they count as versions.
fn history(
    domain: &DomainNode,
    name: &AggregateRef,
    from: Option<u64>,
    limit: usize,
    reverse: bool,
) -> Result<Events, ApiError> {
    let query = EventQuery { kind: None, aggregate: Some(name.clone()), from, reverse, limit, system: true };
    let page = domain.log.events(&query)?;
    let next = paging::next(page.rows.last().map(|event| event.header.version.get()), page.more, reverse);
    Ok(Events { rows: page.rows.iter().map(convert::event).collect::<Result<_, _>>()?, next })
}

/// Archives an aggregate: it can be read, but lists hide it and nothing more is written to it
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/aggregates/{type}/{id}/archive",
    tag = "aggregates",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregate"),
        ("id" = String, Path, description = "Id of the aggregate")
    ),
    request_body = NoteRequest,
    responses((status = 200, description = "Archived", body = AppendResponse))
)]
pub(super) async fn archive_aggregate(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfAggregate(name): OfAggregate,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<NoteRequest>,
) -> Result<Json<AppendResponse>, ApiError> {
    let write = move || written(&name, domain.log.archive(&name, grant.actor(), request.note.as_deref()));
    Ok(Json(convert::receipt(&node.blocking(write).await?)))
}

/// Takes an aggregate back from the archive
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/aggregates/{type}/{id}/restore",
    tag = "aggregates",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregate"),
        ("id" = String, Path, description = "Id of the aggregate")
    ),
    request_body = NoteRequest,
    responses((status = 200, description = "Restored", body = AppendResponse))
)]
pub(super) async fn restore_aggregate(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfAggregate(name): OfAggregate,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<NoteRequest>,
) -> Result<Json<AppendResponse>, ApiError> {
    let write = move || written(&name, domain.log.restore(&name, grant.actor(), request.note.as_deref()));
    Ok(Json(convert::receipt(&node.blocking(write).await?)))
}

/// What became of an archiving or restoring.
fn written(name: &AggregateRef, outcome: Result<Receipt, AppendError>) -> Result<Receipt, ApiError> {
    match outcome {
        Err(AppendError::WrongVersion { actual, .. }) if actual.get() == 0 => {
            Err(ApiError::not_found(format_args!("aggregate {name}")))
        }
        outcome => Ok(outcome?),
    }
}
