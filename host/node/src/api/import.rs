//! The import: one event per line in, progress out, many lines in flight.
//!
//! Each line is a request of its own with a key of its own, so an import that broke off is resumed by sending the same
//! lines again. Lines are committed in their order and the import stops at the first that is refused: *everything before it
//! is kept, nothing from it on is written*. That holds although lines are not waited for one by one: they go through a
//! [lane](eventdbx_store::Lane), in which the committer itself stops at the first line that it turns away.
//!
//! Two tasks share the work. The feeder reads, checks and submits; the collector takes the outcomes in the order of the
//! lines. Between them lie at most [`WINDOW_BYTES`] of lines.

mod collector;
mod feeder;
mod key;
mod lines;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use self::{collector::Collector, feeder::Feeder};
use super::{
    ApiError,
    extract::{InDomain, NoParams, Params},
    ndjson::NDJSON,
};
use crate::{
    append::Outcome,
    grant::Grant,
    node::Node,
    wire::{ImportLine, ImportReply},
};

/// Bytes of lines between the feeder and the committer: enough to fill a group, little enough for any machine.
const WINDOW_BYTES: u32 = 4 << 20;

/// What a short line counts for in the window, so that there are at most 1024 of them in it.
const LINE_COST: u32 = 4 << 10;

/// Lines of progress that wait for the client to read them; more are left out, since each one tells all.
const PROGRESS_LINES: usize = 16;

/// A line whose outcome is awaited.
struct InFlight {
    line: u64,
    outcome: Result<Outcome, ApiError>,
    window: Option<OwnedSemaphorePermit>,
}

/// Writes events, one per line
///
/// The answer is streamed: a line of progress after each group that is kept, then a last line that says how it ended. At
/// the first line that is refused the import stops: everything before it is kept, nothing from it on. A line without `key`
/// gets one from its content and its count among equal lines, so that the same file twice writes nothing twice.
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/import",
    tag = "events",
    params(("d" = String, Path, description = "Domain")),
    request_body(content = ImportLine, content_type = "application/x-ndjson", description = "One event per line"),
    responses((status = 200, description = "Progress", body = ImportReply, content_type = "application/x-ndjson"))
)]
pub(super) async fn import_events(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
    request: Request,
) -> Response {
    let (in_flight, outcomes) = mpsc::channel((WINDOW_BYTES / LINE_COST) as usize);
    let (replies, body) = mpsc::channel::<Bytes>(PROGRESS_LINES);
    let collector = Collector::new(Arc::clone(&domain), outcomes, replies);
    let feeder = Feeder::new(node, domain, grant, in_flight);
    tokio::spawn(feeder.run(request.into_body()));
    tokio::spawn(collector.run());
    let body = Body::from_stream(ReceiverStream::new(body).map(Ok::<_, std::convert::Infallible>));
    ([(CONTENT_TYPE, NDJSON)], body).into_response()
}
