//! What plugins logged: the last lines, and those that follow.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    ApiError,
    extract::{InDomain, Params, PluginName},
};
use crate::{
    domains,
    grant::Grant,
    node::{DomainNode, Node},
    plugins::{LogLine, logs::Tail},
    wire::ErrorCode,
};

/// Lines of a log when the request does not say.
const DEFAULT_LINES: usize = 100;
/// How long a request may wait for a line.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Lines of a plugin's log, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LogLines {
    rows: Vec<LogLine>,
    /// For `after`, to go on behind them.
    next: u64,
    /// Lines that were dropped between `after` and the first of them: a log is kept short.
    missed: u64,
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct LogParams {
    /// Most lines; none: 100.
    limit: Option<usize>,
    /// Only those behind the place that an earlier answer gave as `next`; none: the last ones.
    after: Option<u64>,
    /// How long to wait for one, in milliseconds; none: not at all.
    wait_ms: Option<u64>,
}

/// What a plugin logged, and what was logged about it
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/plugins/{name}/logs",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the plugin"), LogParams),
    responses((status = 200, description = "Lines, oldest first", body = LogLines))
)]
pub(super) async fn plugin_logs(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    PluginName(name): PluginName,
    Params(params): Params<LogParams>,
) -> Result<Json<LogLines>, ApiError> {
    let wait = Duration::from_millis(params.wait_ms.unwrap_or(0));
    if wait > LONGEST_WAIT {
        let message = format!("`wait_ms` must be at most {}", LONGEST_WAIT.as_millis());
        return Err(ApiError::new(ErrorCode::BadRequest, message));
    }
    let (limit, deadline) = (params.limit.unwrap_or(DEFAULT_LINES), Instant::now() + wait);
    let (closing, called) = (domain.closing.clone(), domain.name.clone());
    // While it sleeps it holds nothing that keeps the domain open.
    let waiting: Weak<DomainNode> = Arc::downgrade(&domain);
    drop(domain);
    loop {
        let domain = waiting.upgrade().filter(|_| node.stop.is_cancelled() || !closing.is_cancelled());
        let domain = domain.ok_or_else(|| domains::being_deleted(called.as_str()))?;
        let (Tail { lines, next, missed }, mut moves) =
            domain.plugins.logs_behind(&grant, &name, params.after, limit)?;
        drop(domain);
        if !lines.is_empty() || Instant::now() >= deadline || node.stop.is_cancelled() {
            return Ok(Json(LogLines { rows: lines, next, missed }));
        }
        tokio::select! {
            // Its sender goes with the plugin: the next round says what became of it.
            _ = moves.changed() => {}
            () = tokio::time::sleep_until(deadline.into()) => {}
            () = closing.cancelled() => {}
        }
    }
}
