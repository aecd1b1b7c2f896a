//! Listing aggregates: by name or in an order, filtered by what they are now.

use std::sync::Arc;

use axum::{Json, extract::State};
use eventdbx_store::{AggregatePlace, AggregateQuery, AggregateRef, Subject};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    api::{
        ApiError, convert,
        cursor::{self, QueryId},
        extract::{InDomain, Params},
        paging,
        selection::SelectionText,
        sight::Sight,
    },
    grant::Grant,
    node::{DomainNode, Node},
    wire::{Aggregates, ErrorCode},
};

/// Which aggregates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Only of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Only those that pass, as they are now: a filter expression, e.g. `state.total > 100 AND version > 1`.
    filter: Option<String>,
    /// In this order, e.g. `updated_at desc, state.total`; equals by type and id. Each page then reads all aggregates of
    /// the type. Without it: by type and id.
    sort: Option<String>,
    /// Only those whose last event was recorded at this time or later (RFC 3339, or a date, which begins in UTC).
    since: Option<String>,
    /// Only those whose last event was recorded before this time.
    until: Option<String>,
    /// `next` of the page before, with all else as it was there.
    cursor: Option<String>,
    /// Begin after this one (`type/id`); without `cursor` and `sort`.
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
    /// With the fields that schemas hide, for those who may see them.
    #[serde(default)]
    hidden: bool,
}

impl ListParams {
    fn selection(&self) -> SelectionText<'_> {
        let Self { filter, sort, since, until, .. } = self;
        SelectionText {
            filter: filter.as_deref(),
            sort: sort.as_deref(),
            since: since.as_deref(),
            until: until.as_deref(),
        }
    }

    fn query_id(&self, domain: &DomainNode) -> QueryId {
        let flags = format!("{} {}", self.archived, self.system);
        let [filter, sort, since, until] = self.selection().parts();
        QueryId::of("aggregates", &domain.name, &[self.kind.as_deref(), Some(&flags), filter, sort, since, until])
    }

    fn query(&self, id: QueryId) -> Result<AggregateQuery, ApiError> {
        if self.after.is_some() && (self.cursor.is_some() || self.sort.is_some()) {
            return Err(ApiError::new(ErrorCode::BadRequest, "`after` excludes `cursor` and `sort`"));
        }
        let selection = self.selection().read(Subject::Aggregates)?;
        let after = match (&self.cursor, &self.after) {
            (Some(cursor), _) => Some(cursor::read::<AggregatePlace>(id, cursor)?),
            (None, after) => after.as_ref().map(|after| after.parse::<AggregateRef>()).transpose()?.map(Into::into),
        };
        Ok(AggregateQuery {
            kind: self.kind.as_ref().map(|kind| kind.parse()).transpose()?,
            filter: selection.filter,
            since: selection.since,
            until: selection.until,
            sort: selection.sort,
            after,
            limit: paging::rows(self.limit)?,
            archived: self.archived,
            system: self.system,
            states: self.include_state,
        })
    }
}

/// Lists aggregates, by type and id or in an order
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/aggregates",
    tag = "aggregates",
    params(("d" = String, Path, description = "Domain"), ListParams),
    responses((status = 200, description = "A page, which may be short where more follows", body = Aggregates))
)]
pub(crate) async fn list_aggregates(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    Params(params): Params<ListParams>,
) -> Result<Json<Aggregates>, ApiError> {
    let id = params.query_id(&domain);
    let query = params.query(id)?;
    let sight = Sight::new(&grant, params.hidden)?;
    let read = move || {
        let view = sight.of(&domain);
        view.permits(query.kind.as_ref(), query.filter.as_ref(), query.sort.as_ref())?;
        let page = domain.log.aggregates(&query)?;
        let next = page.last.filter(|_| page.more).map(|last| cursor::write(id, &last));
        let rows = page.rows.iter().map(|aggregate| convert::aggregate_row(aggregate, &view));
        Ok(Aggregates { rows: rows.collect::<Result<_, _>>()?, next })
    };
    node.blocking(read).await.map(Json)
}
