//! Reading events of the whole domain: by page, by id, and as they come.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};
use eventdbx_store::{AggregateRef, AggregateType, EventId, EventQuery};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ApiError, convert,
    extract::{EventIdText, InDomain, Params},
    follow::Follower,
    history,
    ndjson::NDJSON,
    paging,
    sight::Sight,
};
use crate::{
    grant::Grant,
    node::{DomainNode, Node},
    wire::{ErrorCode, Event, Events},
};

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct EventParams {
    /// Only of this aggregate type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Only of this aggregate; needs `type`.
    id: Option<String>,
    /// First position, included. Without it: the first of all, or with `reverse` the last.
    from: Option<u64>,
    /// Most rows of the page; never more than 1000.
    limit: Option<usize>,
    /// From the last to the first.
    #[serde(default)]
    reverse: bool,
    /// EventDBX's own events too.
    #[serde(default)]
    system: bool,
    /// Do not end: one event per line (NDJSON), history first, then each event as it is committed, none left out and none
    /// twice. Without `limit` and `reverse`.
    #[serde(default)]
    follow: bool,
    /// With the fields that schemas hide, for those who may see them.
    #[serde(default)]
    hidden: bool,
}

/// How to show an event.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct OneEventParams {
    /// With the fields that schemas hide, for those who may see them.
    #[serde(default)]
    hidden: bool,
}

/// Which events, with names that are checked.
#[derive(Clone)]
pub(super) enum Scope {
    All,
    Kind(AggregateType),
    Aggregate(AggregateRef),
}

impl EventParams {
    fn scope(&self) -> Result<Scope, ApiError> {
        match (&self.kind, &self.id) {
            (None, None) => Ok(Scope::All),
            (Some(kind), None) => Ok(Scope::Kind(kind.parse()?)),
            (Some(kind), Some(id)) => Ok(Scope::Aggregate(AggregateRef::new(kind, id)?)),
            (None, Some(_)) => Err(ApiError::new(ErrorCode::BadRequest, "`id` needs `type`")),
        }
    }
}

/// Reads events by position, or follows them
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/events",
    tag = "events",
    params(("d" = String, Path, description = "Domain"), EventParams),
    responses((status = 200, description = "A page, or with `follow` one event per line", content(
        (Events = "application/json"),
        (Event = "application/x-ndjson")
    )))
)]
pub(super) async fn list_events(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    Params(params): Params<EventParams>,
) -> Result<Response, ApiError> {
    let scope = params.scope()?;
    let sight = Sight::new(&grant, params.hidden)?;
    if params.follow {
        if params.reverse || params.limit.is_some() {
            return Err(ApiError::new(ErrorCode::BadRequest, "`follow` excludes `reverse` and `limit`"));
        }
        let follower = Follower::new(node, domain, scope, params.from.unwrap_or(1), params.system, sight);
        return Ok(([(CONTENT_TYPE, NDJSON)], Body::from_stream(follower.stream())).into_response());
    }
    let page = node.blocking(move || page(&domain, &params, scope, sight)).await?;
    Ok(Json(page).into_response())
}

fn page(domain: &DomainNode, params: &EventParams, scope: Scope, sight: Sight) -> Result<Events, ApiError> {
    let limit = paging::rows(params.limit)?;
    let base = EventQuery { reverse: params.reverse, limit, system: params.system, ..EventQuery::default() };
    let query = match scope {
        Scope::All => EventQuery { from: params.from, ..base },
        Scope::Kind(kind) => EventQuery { kind: Some(kind), from: params.from, ..base },
        Scope::Aggregate(name) => {
            let from = match params.from {
                None => None,
                Some(position) => match history::version_from(&domain.log, &name, position, params.reverse)? {
                    None => return Ok(Events { rows: Vec::new(), next: None }),
                    version => version,
                },
            };
            EventQuery { aggregate: Some(name), from, ..base }
        }
    };
    let found = domain.log.events(&query)?;
    let next = paging::next(found.rows.last().map(|event| event.header.position.get()), found.more, params.reverse);
    let view = sight.of(domain);
    Ok(Events { rows: found.rows.iter().map(|event| convert::event(event, &view)).collect::<Result<_, _>>()?, next })
}

/// Reads one event
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/events/{event_id}",
    tag = "events",
    params(
        ("d" = String, Path, description = "Domain"),
        ("event_id" = String, Path, description = "Id of the event"),
        OneEventParams
    ),
    responses((status = 200, description = "The event", body = Event))
)]
pub(super) async fn get_event(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    EventIdText(text): EventIdText,
    Params(params): Params<OneEventParams>,
) -> Result<Json<Event>, ApiError> {
    let id: EventId = text.parse()?;
    let sight = Sight::new(&grant, params.hidden)?;
    let read = move || match domain.log.event(id)? {
        Some(event) => convert::event(&event, &sight.of(&domain)),
        None => Err(ApiError::not_found(format_args!("event {id}"))),
    };
    node.blocking(read).await.map(Json)
}
