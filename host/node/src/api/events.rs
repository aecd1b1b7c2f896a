//! Reading events of the whole domain: by page, by id, and as they come.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};
use eventdbx_store::{AggregateRef, AggregateType, EventId, EventQuery, Subject, limits::PAGE_ROWS};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ApiError, convert,
    cursor::{self, QueryId},
    extract::{EventIdText, InDomain, Params},
    follow::Follower,
    history,
    ndjson::NDJSON,
    paging,
    selection::SelectionText,
    sight::{Sight, View},
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
    /// Only events that pass: a filter expression, e.g. `event_type = 'order_paid' AND payload.total > 100`.
    filter: Option<String>,
    /// In this order, e.g. `occurred_at desc, payload.total`; equals by position. Each page then reads all events between
    /// the bounds, unless the order begins with `recorded_at` or `position`.
    sort: Option<String>,
    /// Only events recorded at this time or later (RFC 3339, or a date, which begins in UTC). What is before is not read.
    since: Option<String>,
    /// Only events recorded before this time.
    until: Option<String>,
    /// `next` of the page before, with all else as it was there.
    cursor: Option<String>,
    /// First position, included; without `cursor` and `sort`. Without it: the first of all, or with `reverse` the last.
    from: Option<u64>,
    /// Most rows of the page; never more than 1000.
    limit: Option<usize>,
    /// From the last to the first; without `sort`.
    #[serde(default)]
    reverse: bool,
    /// EventDBX's own events too.
    #[serde(default)]
    system: bool,
    /// Do not end: one event per line (NDJSON), history first, then each event as it is committed, none left out and none
    /// twice. Without `limit`, `reverse`, `sort`, `until` and `cursor`.
    #[serde(default)]
    follow: bool,
    /// With the fields that schemas hide, for those who may see them.
    #[serde(default)]
    hidden: bool,
    /// Old events in the shape that the active schema gives them: renamed, and completed with defaults.
    #[serde(default)]
    upcast: bool,
}

/// How to show an event.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct OneEventParams {
    /// With the fields that schemas hide, for those who may see them.
    #[serde(default)]
    hidden: bool,
    /// Old events in the shape that the active schema gives them: renamed, and completed with defaults.
    #[serde(default)]
    upcast: bool,
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

    fn paged(&self) -> Paged<'_> {
        let Self { filter, sort, since, until, cursor, .. } = self;
        let selection = SelectionText {
            filter: filter.as_deref(),
            sort: sort.as_deref(),
            since: since.as_deref(),
            until: until.as_deref(),
        };
        Paged { selection, cursor: cursor.as_deref(), from: self.from, limit: self.limit, reverse: self.reverse }
    }

    fn query_id(&self, domain: &DomainNode) -> QueryId {
        let flags = format!("{} {}", self.reverse, self.system);
        let [filter, sort, since, until] = self.paged().selection.parts();
        let parts = [self.kind.as_deref(), self.id.as_deref(), Some(&flags), filter, sort, since, until];
        QueryId::of("events", &domain.name, &parts)
    }

    fn follower(
        &self,
        node: Arc<Node>,
        domain: Arc<DomainNode>,
        scope: Scope,
        sight: Sight,
    ) -> Result<Follower, ApiError> {
        if self.reverse || self.limit.is_some() || self.sort.is_some() || self.until.is_some() || self.cursor.is_some()
        {
            let what = "`follow` excludes `reverse`, `limit`, `sort`, `until` and `cursor`";
            return Err(ApiError::new(ErrorCode::BadRequest, what));
        }
        let selection = self.paged().selection.read(Subject::Events)?;
        let wanted = EventQuery {
            filter: selection.filter,
            since: selection.since,
            system: self.system,
            limit: PAGE_ROWS,
            ..EventQuery::default()
        };
        Ok(Follower::new(node, domain, scope, self.from.unwrap_or(1), wanted, sight))
    }
}

/// What pages of events have in common.
pub(super) struct Paged<'a> {
    pub(super) selection: SelectionText<'a>,
    pub(super) cursor: Option<&'a str>,
    pub(super) from: Option<u64>,
    pub(super) limit: Option<usize>,
    pub(super) reverse: bool,
}

impl Paged<'_> {
    /// The query of a page, on top of which aggregates and types it is about.
    pub(super) fn query(&self, id: QueryId, base: EventQuery) -> Result<EventQuery, ApiError> {
        let refused = |what: &str| Err(ApiError::new(ErrorCode::BadRequest, what));
        if self.from.is_some() && (self.cursor.is_some() || self.selection.sort.is_some()) {
            return refused("`from` excludes `cursor` and `sort`");
        }
        if self.reverse && self.selection.sort.is_some() {
            return refused("`reverse` and `sort` exclude each other: an order says `desc` itself");
        }
        let selection = self.selection.read(Subject::Events)?;
        Ok(EventQuery {
            filter: selection.filter,
            since: selection.since,
            until: selection.until,
            sort: selection.sort,
            from: self.from,
            after: self.cursor.map(|cursor| cursor::read::<u64>(id, cursor)).transpose()?,
            reverse: self.reverse,
            limit: paging::rows(self.limit)?,
            ..base
        })
    }
}

/// Reads events, by position or in an order, or follows them
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/events",
    tag = "events",
    params(("d" = String, Path, description = "Domain"), EventParams),
    responses((status = 200, description = "A page, which may be short where more follows, or with `follow` one event per line", content(
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
    let sight = Sight::new(&grant, params.hidden)?.upcast(params.upcast);
    if params.follow {
        let follower = params.follower(node, domain, scope, sight)?;
        return Ok(([(CONTENT_TYPE, NDJSON)], Body::from_stream(follower.stream())).into_response());
    }
    let id = params.query_id(&domain);
    let query = params.paged().query(id, EventQuery { system: params.system, ..EventQuery::default() })?;
    let read = move || match in_scope(&domain, scope, query)? {
        Some(query) => page(&domain, &query, id, &sight.of(&domain)),
        None => Ok(Events { rows: Vec::new(), next: None }),
    };
    let page = node.blocking(read).await?;
    Ok(Json(page).into_response())
}

/// The query with what it is about; none: there can be no such event.
fn in_scope(domain: &DomainNode, scope: Scope, query: EventQuery) -> Result<Option<EventQuery>, ApiError> {
    Ok(Some(match scope {
        Scope::All => query,
        Scope::Kind(kind) => EventQuery { kind: Some(kind), ..query },
        Scope::Aggregate(name) => {
            let from = match query.from {
                None => None,
                Some(position) => match history::version_from(&domain.log, &name, position, query.reverse)? {
                    None => return Ok(None),
                    version => version,
                },
            };
            EventQuery { aggregate: Some(name), from, ..query }
        }
    }))
}

/// The type of the aggregates that a query is about; none: of any.
pub(super) fn kind_of(query: &EventQuery) -> Option<&AggregateType> {
    query.kind.as_ref().or(query.aggregate.as_ref().map(|name| &name.kind))
}

/// The page that a query finds.
pub(super) fn page(domain: &DomainNode, query: &EventQuery, id: QueryId, view: &View) -> Result<Events, ApiError> {
    view.permits(kind_of(query), query.filter.as_ref(), query.sort.as_ref())?;
    let found = domain.log.events(query)?;
    let next = found.last.filter(|_| found.more).map(|last| cursor::write(id, &last));
    Ok(Events { rows: convert::events(&found.rows.iter().collect::<Vec<_>>(), view)?, next })
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
    let sight = Sight::new(&grant, params.hidden)?.upcast(params.upcast);
    let read = move || {
        let found = domain.log.event(id)?;
        let shown = convert::events(&found.iter().collect::<Vec<_>>(), &sight.of(&domain))?;
        shown.into_iter().next().ok_or_else(|| ApiError::not_found(format_args!("event {id}")))
    };
    node.blocking(read).await.map(Json)
}
