//! Metrics of the daemon, for Prometheus and whatever reads its format.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};

use super::{
    ApiError,
    extract::{NoParams, Params},
};
use crate::{grant::Grant, metrics, node::Node};

/// Metrics of the process, its domains, plugins, subscriptions and requests
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "daemon",
    responses((status = 200, description = "The text format of Prometheus, 0.0.4", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(
    grant: Grant,
    State(node): State<Arc<Node>>,
    _: Params<NoParams>,
) -> Result<Response, ApiError> {
    let inner = Arc::clone(&node);
    let text = node.blocking(move || Ok(metrics::render(&inner, &grant))).await?;
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}
