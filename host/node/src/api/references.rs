//! References: followed from an aggregate to those that it names, and back to those that name it.

use std::sync::Arc;

use axum::{Json, extract::State};
use eventdbx_store::{AggregateNumber, AggregateRef, DomainName, schema::Link};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ApiError,
    cursor::{self, QueryId},
    extract::{InDomain, OfAggregate, Params},
    paging,
    sight::Sight,
};
use crate::{
    grant::Grant,
    node::{DomainNode, Node},
    wire::{ErrorCode, Raw, ReferenceStatus, Referrer, Referrers, ResolvedReference},
};

/// Most steps that references are followed.
const RESOLVE_DEPTH: usize = 8;
/// Most references of one answer that are followed.
const RESOLVED_REFERENCES: usize = 1000;

/// How far to follow references, if at all.
pub(super) fn depth(asked: Option<usize>) -> Result<Option<usize>, ApiError> {
    if asked.is_some_and(|depth| !(1..=RESOLVE_DEPTH).contains(&depth)) {
        let message = format!("`resolve` is a number of steps, from 1 to RESOLVE_DEPTH ({RESOLVE_DEPTH})");
        return Err(ApiError::new(ErrorCode::BadRequest, message));
    }
    Ok(asked)
}

/// Follows the references of a state.
pub(super) struct Resolver<'a> {
    node: &'a Node,
    grant: &'a Grant,
    sight: Sight,
    /// Aggregates on the way to the state at hand, that of the state included.
    above: Vec<(DomainName, AggregateRef)>,
    left: usize,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(node: &'a Node, grant: &'a Grant, sight: Sight) -> Self {
        Self { node, grant, sight, above: Vec::new(), left: RESOLVED_REFERENCES }
    }

    /// The references in the state of `name`, as it is shown to the caller, followed `depth` steps.
    pub(super) fn resolve(
        &mut self,
        domain: &DomainNode,
        name: &AggregateRef,
        state: &Raw,
        depth: usize,
    ) -> Result<Vec<ResolvedReference>, ApiError> {
        self.above.push((domain.name.clone(), name.clone()));
        let links = self.sight.of(domain).links(&name.kind, state).into_iter();
        let resolved = links.map(|link| self.follow(&domain.name, link, depth)).collect();
        self.above.pop();
        resolved
    }

    fn follow(&mut self, own: &DomainName, link: Link, depth: usize) -> Result<ResolvedReference, ApiError> {
        let domain = link.domain.unwrap_or_else(|| own.clone());
        let mut reference = ResolvedReference {
            path: link.pointer,
            domain: domain.to_string(),
            aggregate_type: link.target.kind.to_string(),
            aggregate_id: link.target.id.to_string(),
            status: ReferenceStatus::Found,
            version: None,
            archived: None,
            state: None,
            references: Vec::new(),
        };
        reference.status = if !self.grant.may_read(&domain) {
            ReferenceStatus::Forbidden
        } else if self.above.iter().any(|(one, name)| *one == domain && *name == link.target) {
            ReferenceStatus::Cycle
        } else if depth == 0 {
            ReferenceStatus::TooDeep
        } else if self.left == 0 {
            ReferenceStatus::TooMany
        } else {
            self.left -= 1;
            self.read(&domain, &link.target, depth, &mut reference)?
        };
        Ok(reference)
    }

    fn read(
        &mut self,
        domain: &DomainName,
        name: &AggregateRef,
        depth: usize,
        reference: &mut ResolvedReference,
    ) -> Result<ReferenceStatus, ApiError> {
        // One that is not there, or is being deleted, has no aggregates.
        let Ok(domain) = self.node.domains.get(domain.as_str()) else { return Ok(ReferenceStatus::Missing) };
        let Some(aggregate) = domain.log.aggregate(name)? else { return Ok(ReferenceStatus::Missing) };
        let state = self.sight.of(&domain).state(&name.kind, &aggregate.state)?;
        reference.references = self.resolve(&domain, name, &state, depth - 1)?;
        (reference.version, reference.archived) = (Some(aggregate.version.get()), Some(aggregate.archived));
        reference.state = Some(state);
        Ok(ReferenceStatus::Found)
    }
}

/// Which aggregates that refer to one.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ReferrersParams {
    /// Aggregates of this domain, which name the other one with its domain; without it: of the same domain.
    r#in: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Most rows of the page; never more than 1000.
    limit: Option<usize>,
    /// References in fields that schemas hide too, for those who may see them.
    #[serde(default)]
    hidden: bool,
}

/// Lists the aggregates whose state refers to this one, which need not exist
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/aggregates/{type}/{id}/referrers",
    tag = "aggregates",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregate"),
        ("id" = String, Path, description = "Id of the aggregate"),
        ReferrersParams
    ),
    responses((status = 200, description = "A page, which may be short where more follows", body = Referrers))
)]
pub(super) async fn list_referrers(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfAggregate(name): OfAggregate,
    Params(params): Params<ReferrersParams>,
) -> Result<Json<Referrers>, ApiError> {
    let sight = Sight::new(&grant, params.hidden)?;
    let source = match &params.r#in {
        Some(other) => node.domains.get(other)?,
        None => Arc::clone(&domain),
    };
    if !grant.may_read(&source.name) {
        return Err(ApiError::new(
            ErrorCode::Denied,
            format!("the domain {} is not shown to this caller", source.name),
        ));
    }
    let name_text = name.to_string();
    let id = QueryId::of("referrers", &domain.name, &[Some(&name_text), Some(source.name.as_str())]);
    let after = params.cursor.as_deref().map(|cursor| cursor::read::<u64>(id, cursor)).transpose()?;
    let limit = paging::rows(params.limit)?;
    let read = move || {
        let view = sight.of(&source);
        let page = source.log.referrers(Some(&domain.name), &name, after.map(AggregateNumber::new), limit)?;
        let rows = page.rows.into_iter().filter_map(|referrer| {
            let seen = referrer.links.into_iter().filter(|link| view.sees(link));
            let paths: Vec<_> = seen.map(|link| link.pointer).collect();
            // Who does not see the field is not told that there is something in it.
            (!paths.is_empty()).then(|| Referrer {
                aggregate_type: referrer.name.kind.to_string(),
                aggregate_id: referrer.name.id.to_string(),
                version: referrer.version.get(),
                archived: referrer.archived,
                paths,
            })
        });
        let next = page.last.filter(|_| page.more).map(|last| cursor::write(id, &last.get()));
        Ok(Referrers { rows: rows.collect(), next })
    };
    node.blocking(read).await.map(Json)
}
