//! Reading aggregates, and setting them aside.

pub(super) mod history;
pub(super) mod list;

use std::sync::Arc;

use axum::{Json, extract::State};
use eventdbx_store::{AggregateRef, AppendError, Version};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ApiError, convert,
    extract::{InDomain, JsonBody, NoParams, OfAggregate, Params},
    paging,
    references::{self, Resolver},
    selection,
    sight::{Sight, View},
};
use crate::{
    grant::Grant,
    node::{DomainNode, Node},
    wire::{AggregateView, AppendResponse, ErrorCode, NoteRequest},
};

/// Which state of an aggregate.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewParams {
    /// As it was right after this version.
    version: Option<u64>,
    /// As it was at this time (RFC 3339, or a date, which stands for its first instant in UTC): right after the last event
    /// that was recorded by then.
    at: Option<String>,
    /// With `at`: right after the last version that had happened by then, as the events' `occurred_at` says; an event
    /// without one happened when it was recorded.
    #[serde(default)]
    occurred: bool,
    /// With its events up to there.
    #[serde(default)]
    include_events: bool,
    /// Most events; never more than 1000.
    limit: Option<usize>,
    /// With what the references in the state lead to, followed so many steps, at most 8.
    resolve: Option<usize>,
    /// With the fields that schemas hide, for those who may see them.
    #[serde(default)]
    hidden: bool,
    /// Old events in the shape that the active schema gives them: renamed, and completed with defaults.
    #[serde(default)]
    upcast: bool,
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
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfAggregate(name): OfAggregate,
    Params(params): Params<ViewParams>,
) -> Result<Json<AggregateView>, ApiError> {
    let sight = Sight::new(&grant, params.hidden)?.upcast(params.upcast);
    let depth = references::depth(params.resolve)?;
    let resolving = Arc::clone(&node);
    let read = move || {
        let mut view = view(&domain, &name, &params, &sight.of(&domain))?;
        if let Some(depth) = depth {
            let mut resolver = Resolver::new(&resolving, &grant, sight);
            view.references = Some(resolver.resolve(&domain, &name, &view.state, depth)?);
        }
        Ok(view)
    };
    node.blocking(read).await.map(Json)
}

fn view(
    domain: &DomainNode,
    name: &AggregateRef,
    params: &ViewParams,
    shown: &View,
) -> Result<AggregateView, ApiError> {
    let missing = || ApiError::not_found(format_args!("aggregate {name}"));
    let aggregate = domain.log.aggregate(name)?.ok_or_else(missing)?;
    let (version, updated_at, state) = match wanted_version(domain, name, params)? {
        None => (aggregate.version.get(), aggregate.updated_at.to_rfc3339(), aggregate.state),
        Some(version) => {
            let missing = || ApiError::not_found(format_args!("version {version} of {name}"));
            let state = domain.log.state_at(name, version)?.ok_or_else(missing)?;
            let query = history::all_of(name, Some(version.get()), 1);
            let event = domain.log.events(&query)?.rows.pop().ok_or_else(missing)?;
            (version.get(), event.header.recorded_at.to_rfc3339(), state)
        }
    };
    let events = if params.include_events {
        let page = domain.log.events(&history::all_of(name, None, paging::rows(params.limit)?))?;
        let wanted = page.rows.iter().filter(|event| event.header.version.get() <= version);
        Some(convert::events(&wanted.collect::<Vec<_>>(), shown)?)
    } else {
        None
    };
    Ok(AggregateView {
        aggregate_type: name.kind.to_string(),
        aggregate_id: name.id.to_string(),
        version,
        archived: aggregate.archived,
        created_at: aggregate.created_at.to_rfc3339(),
        updated_at,
        root: aggregate.root.to_string(),
        state: shown.state(&name.kind, &state)?,
        events,
        references: None,
    })
}

/// The version that is asked for, by its number or by a time; none: the last.
fn wanted_version(domain: &DomainNode, name: &AggregateRef, params: &ViewParams) -> Result<Option<Version>, ApiError> {
    let refused = |what: &str| Err(ApiError::new(ErrorCode::BadRequest, what));
    match (params.version, &params.at) {
        (Some(_), Some(_)) => refused("`at` and `version` exclude each other"),
        (_, None) if params.occurred => refused("`occurred` needs `at`"),
        (version, None) => Ok(version.map(Version::new)),
        (None, Some(text)) => {
            let time = selection::time("at", text)?;
            let version = domain.log.version_at(name, time, params.occurred)?;
            let missing = || ApiError::not_found(format_args!("version of {name} by {text}: it came later"));
            version.ok_or_else(missing).map(Some)
        }
    }
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

/// What became of a write to an aggregate that must be there.
pub(super) fn written<T>(name: &AggregateRef, outcome: Result<T, AppendError>) -> Result<T, ApiError> {
    match outcome {
        Err(AppendError::WrongVersion { actual, .. }) if actual.get() == 0 => {
            Err(ApiError::not_found(format_args!("aggregate {name}")))
        }
        outcome => Ok(outcome?),
    }
}
