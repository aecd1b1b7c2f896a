//! Requests to a domain that is being deleted: they get the patience that they get when the daemon stops, and no more.
//!
//! A client that stops in the middle of sending a body would otherwise keep the domain open for as long as it likes.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{MatchedPath, RawPathParams, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::domains::DOMAIN;
use crate::{domains, node::Node};

/// Answers a request, or breaks it off once its domain has waited long enough. What blocks a thread goes on to its end.
pub(super) async fn break_off(
    State(node): State<Arc<Node>>,
    matched: MatchedPath,
    params: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    let name = params.iter().find_map(|(key, value)| (key == "d").then_some(value));
    // Making and deleting a domain are not requests to it.
    let Some(name) = name.filter(|_| matched.as_str() != DOMAIN) else { return next.run(request).await };
    let Some(closing) = node.domains.closing(name) else { return next.run(request).await };
    let patience = Duration::from_secs(node.settings.shutdown_seconds);
    let out_of_patience = async {
        closing.cancelled().await;
        tokio::time::sleep(patience).await;
    };
    tokio::select! {
        response = next.run(request) => response,
        () = out_of_patience => domains::being_deleted(name).into_response(),
    }
}
