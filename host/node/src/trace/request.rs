//! The span of a request.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};

use crate::node::Node;

/// Makes a span of each request, and leaves it to the handler as the parent of what it does. A layer of the router.
pub(crate) async fn trace(
    State(node): State<Arc<Node>>,
    matched: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = matched.as_ref().map_or("other", MatchedPath::as_str);
    let span = node.tracer.request(request.method().as_str(), route, request.headers());
    request.extensions_mut().insert(span.parent());
    let response = next.run(request).await;
    let status = response.status();
    span.number("http.response.status_code", status.as_u16().into());
    if status.is_server_error() {
        span.failed("server error");
    }
    response
}
