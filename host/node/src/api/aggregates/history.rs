//! The history of one aggregate.

use std::sync::Arc;

use axum::{Json, extract::State};
use eventdbx_store::{AggregateRef, EventQuery};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    api::{
        ApiError,
        cursor::QueryId,
        events::{self, Paged},
        extract::{InDomain, OfAggregate, Params},
        selection::SelectionText,
        sight::Sight,
    },
    grant::Grant,
    node::Node,
    wire::Events,
};

/// Which part of a history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryParams {
    /// Only events that pass: a filter expression, e.g. `event_type = 'order_paid' AND payload.total > 100`.
    filter: Option<String>,
    /// In this order, e.g. `occurred_at desc`; equals by version. Each page then reads the whole history,
    /// unless the order begins with `recorded_at`, `position` or `version`.
    sort: Option<String>,
    /// Only events recorded at this time or later (RFC 3339, or a date, which begins in UTC).
    since: Option<String>,
    /// Only events recorded before this time.
    until: Option<String>,
    /// `next` of the page before, with all else as it was there.
    cursor: Option<String>,
    /// First version, included; without `cursor` and `sort`. Without it: the first of all, or with `reverse` the last.
    from: Option<u64>,
    /// Most rows of the page; never more than 1000.
    limit: Option<usize>,
    /// From the last to the first; without `sort`.
    #[serde(default)]
    reverse: bool,
    /// With the fields that schemas hide, for those who may see them.
    #[serde(default)]
    hidden: bool,
    /// Old events in the shape that the active schema gives them: renamed, and completed with defaults.
    #[serde(default)]
    upcast: bool,
}

impl HistoryParams {
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
    responses((status = 200, description = "A page, which may be short where more follows", body = Events))
)]
pub(crate) async fn list_history(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfAggregate(name): OfAggregate,
    Params(params): Params<HistoryParams>,
) -> Result<Json<Events>, ApiError> {
    let sight = Sight::new(&grant, params.hidden)?.upcast(params.upcast);
    let paged = params.paged();
    let reverse = params.reverse.to_string();
    let [filter, sort, since, until] = paged.selection.parts();
    let name_text = name.to_string();
    let parts = [Some(name_text.as_str()), Some(&reverse), filter, sort, since, until];
    let id = QueryId::of("history", &domain.name, &parts);
    let base = all_of(&name, None, 1);
    let query = paged.query(id, base)?;
    let read = move || {
        let page = events::page(&domain, &query, id, &sight.of(&domain))?;
        if page.rows.is_empty() && domain.log.aggregate(&name)?.is_none() {
            return Err(ApiError::not_found(format_args!("aggregate {name}")));
        }
        Ok(page)
    };
    node.blocking(read).await.map(Json)
}

/// The events of an aggregate, its archivings included: they count as versions.
pub(super) fn all_of(name: &AggregateRef, from: Option<u64>, limit: usize) -> EventQuery {
    EventQuery { aggregate: Some(name.clone()), from, limit, system: true, ..EventQuery::default() }
}
