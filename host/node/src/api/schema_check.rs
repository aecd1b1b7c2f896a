//! History against a schema: what a schema would refuse, and which one would refuse nothing. Both walk all events of a
//! type, end when their caller has gone or the daemon stops, and change nothing.

use std::{ops::ControlFlow, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use eventdbx_store::{AggregateType, Schema};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    ApiError,
    extract::{InDomain, NoParams, OfKind, Params, TextBody},
    ndjson::{self, NDJSON},
    schemas,
};
use crate::{
    grant::Grant,
    node::{DomainNode, Node},
    schemas::{Check, infer},
    wire::{CheckReply, ErrorCode, InferredSchema},
};

/// Lines of progress that wait for the client to read them; more are left out, since each one tells all.
const PROGRESS_LINES: usize = 16;

/// Says what of the history a schema would refuse
///
/// The body is a schema document; without one the active schema is meant. Each event is checked as it was written, in
/// order, and each aggregate once more as it stands. The answer is streamed: lines of progress, then the report.
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/schemas/{type}/check",
    tag = "schemas",
    params(("d" = String, Path, description = "Domain"), ("type" = String, Path, description = "Type of the aggregates")),
    request_body(content = Object, description = "The schema document, or nothing"),
    responses((status = 200, description = "Progress", body = CheckReply, content_type = "application/x-ndjson"))
)]
pub(super) async fn check_schema(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfKind(kind): OfKind,
    _: Params<NoParams>,
    TextBody(text): TextBody,
) -> Result<Response, ApiError> {
    let (schema, version) = schema_of(&domain, &kind, &text)?;
    let (replies, body) = mpsc::channel::<Bytes>(PROGRESS_LINES);
    tokio::spawn(async move {
        let (stop, lines) = (node.stop.clone(), replies.clone());
        let check = move || {
            let progress = |progress| {
                // NOTE: a full channel loses a line of progress; a closed one means that nobody reads.
                drop(lines.try_send(ndjson::line(&CheckReply::Progress(progress))));
                going(!lines.is_closed() && !stop.is_cancelled())
            };
            Check::run(&domain.log, &kind, schema, version, progress)
        };
        let last = match node.blocking(check).await {
            Ok(Some(report)) => CheckReply::Report(report),
            Ok(None) => CheckReply::Error(stopping().into_body()),
            Err(error) => CheckReply::Error(error.into_body()),
        };
        drop(replies.send(ndjson::line(&last)).await);
    });
    let body = Body::from_stream(ReceiverStream::new(body).map(Ok::<_, std::convert::Infallible>));
    Ok(([(CONTENT_TYPE, NDJSON)], body).into_response())
}

/// The schema that was sent, or the active one with its version.
fn schema_of(domain: &DomainNode, kind: &AggregateType, text: &str) -> Result<(Arc<Schema>, Option<u32>), ApiError> {
    if text.is_empty() {
        let book = domain.log.schemas();
        let active = book.active(kind).ok_or_else(|| schemas::no_active(&book, kind))?;
        return Ok((Arc::clone(&active.schema), Some(active.version)));
    }
    Ok((Arc::new(Schema::new(schemas::document_of(&domain.log, kind, text)?)), None))
}

/// Proposes a schema that accepts everything that there is of a type
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/schemas/{type}/infer",
    tag = "schemas",
    params(("d" = String, Path, description = "Domain"), ("type" = String, Path, description = "Type of the aggregates")),
    responses((status = 200, description = "The proposal", body = InferredSchema))
)]
pub(super) async fn infer_schema(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfKind(kind): OfKind,
    _: Params<NoParams>,
) -> Result<Json<InferredSchema>, ApiError> {
    let stop = node.stop.clone();
    let (caller, asked) = mpsc::channel::<()>(1);
    let work = move || infer(&domain.log, &kind, || going(!caller.is_closed() && !stop.is_cancelled()));
    let inferred = node.blocking(work).await;
    // It is dropped with this request, which is how the walk learns that its caller has gone.
    drop(asked);
    inferred?.map(Json).ok_or_else(stopping)
}

fn going(on: bool) -> ControlFlow<()> {
    if on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

fn stopping() -> ApiError {
    ApiError::new(ErrorCode::Unavailable, "the daemon is stopping")
}
