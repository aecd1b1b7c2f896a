//! Verification: read, open, recompute, compare.

use std::sync::Arc;

use axum::{Json, extract::State};
use eventdbx_store::AggregateRef;

use super::{
    ApiError, convert,
    extract::{InDomain, NoParams, OfAggregate, Params},
};
use crate::{
    grant::Grant,
    node::{DomainNode, Node},
    wire::VerifyReport,
};

/// Verifies a whole domain
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/verify",
    tag = "verify",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 200, description = "What was found; no findings: all is well", body = VerifyReport))
)]
pub(super) async fn verify_domain(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
) -> Result<Json<VerifyReport>, ApiError> {
    node.blocking(move || verify(&domain, None)).await.map(Json)
}

/// Verifies one aggregate
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/aggregates/{type}/{id}/verify",
    tag = "verify",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregate"),
        ("id" = String, Path, description = "Id of the aggregate")
    ),
    responses((status = 200, description = "What was found; no findings: all is well", body = VerifyReport))
)]
pub(super) async fn verify_aggregate(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfAggregate(name): OfAggregate,
    _: Params<NoParams>,
) -> Result<Json<VerifyReport>, ApiError> {
    node.blocking(move || verify(&domain, Some(&name))).await.map(Json)
}

fn verify(domain: &DomainNode, only: Option<&AggregateRef>) -> Result<VerifyReport, ApiError> {
    let report = domain.log.verify(only, &mut |_, _| {})?;
    let missing = || ApiError::not_found(only.map_or_else(|| "log".to_owned(), |name| format!("aggregate {name}")));
    report.map(convert::verify_report).ok_or_else(missing)
}
