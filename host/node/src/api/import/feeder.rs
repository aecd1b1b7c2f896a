//! The feeder: reads lines, checks them, and submits them in their order.

use std::sync::Arc;

use axum::body::Body;
use eventdbx_store::{BodyKind, Draft, Lane};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    InFlight, LINE_COST, WINDOW_BYTES,
    key::LineKeys,
    lines::{Line, Lines},
};
use crate::{
    api::{ApiError, convert, extract::malformed},
    append::{self, Outcome},
    grant::Grant,
    node::{DomainNode, Node},
    wire::{AppendEvent, ErrorCode, ImportLine},
};

pub(super) struct Feeder {
    node: Arc<Node>,
    domain: Arc<DomainNode>,
    grant: Grant,
    in_flight: mpsc::Sender<InFlight>,
    window: Arc<Semaphore>,
    lane: Lane,
    keys: LineKeys,
}

/// The collector has stopped at a line that was refused.
struct Stopped;

impl Feeder {
    pub(super) fn new(
        node: Arc<Node>,
        domain: Arc<DomainNode>,
        grant: Grant,
        in_flight: mpsc::Sender<InFlight>,
    ) -> Self {
        let window = Arc::new(Semaphore::new(WINDOW_BYTES as usize));
        Self { node, domain, grant, in_flight, window, lane: Lane::new(), keys: LineKeys::default() }
    }

    /// Feeds until the body ends, a line is refused, or the domain closes.
    pub(super) async fn run(mut self, body: Body) {
        let mut lines = Lines::new(body);
        let (stop, closing) = (self.node.stop.clone(), self.domain.closing.clone());
        drop(self.feed(&mut lines, &closing).await);
        // The collector ends when the last line in flight has its outcome.
        drop(self);
        stop.run_until_cancelled(lines.discard()).await;
    }

    async fn feed(&mut self, lines: &mut Lines, closing: &CancellationToken) -> Result<(), Stopped> {
        loop {
            match closing.run_until_cancelled(lines.next()).await {
                Some(Ok(Some(line))) => self.line(line).await?,
                Some(Ok(None)) => return Ok(()),
                Some(Err(error)) => return self.refuse(lines.number(), error).await,
                None => return self.refuse(lines.number() + 1, self.closed()).await,
            }
        }
    }

    async fn line(&mut self, line: Line) -> Result<(), Stopped> {
        let draft = match self.draft(&line) {
            Ok(draft) => draft,
            Err(error) => return self.refuse(line.number, error).await,
        };
        // A patch is evaluated against what the lines before it have made of its aggregate.
        if self.lane.is_broken() || draft.events.iter().any(|event| event.body_kind == BodyKind::Patch) {
            self.drain().await;
            self.lane = Lane::new();
        }
        let cost = u32::try_from(line.text.len()).unwrap_or(WINDOW_BYTES).clamp(LINE_COST, WINDOW_BYTES);
        let window = Arc::clone(&self.window).acquire_many_owned(cost).await.map_err(|_| Stopped)?;
        if self.in_flight.is_closed() {
            return Err(Stopped);
        }
        match self.domain.log.check(draft) {
            Ok(checked) => {
                let outcome: Outcome = append::submit(&self.domain.log, checked, Some(&self.lane));
                let in_flight = InFlight { line: line.number, outcome: Ok(outcome), window: Some(window) };
                self.in_flight.send(in_flight).await.map_err(|_| Stopped)
            }
            Err(error) => self.refuse(line.number, error.into()).await,
        }
    }

    fn draft(&mut self, line: &Line) -> Result<Draft, ApiError> {
        let line: ImportLine = serde_json::from_slice(&line.text).map_err(|error| malformed(&error))?;
        let (event, key) = split(line);
        let event = convert::new_event(event).map_err(|what| ApiError::new(ErrorCode::BadRequest, what))?;
        let key = match key {
            Some(key) => key,
            None => self.keys.derive(&event)?,
        };
        Ok(Draft::one(event, self.grant.actor()).with_key(&key))
    }

    /// Why no more lines are taken.
    fn closed(&self) -> ApiError {
        if !self.node.stop.is_cancelled() {
            return ApiError::new(ErrorCode::Unavailable, format!("domain {} is being deleted", self.domain.name));
        }
        ApiError::new(ErrorCode::Unavailable, "the daemon is stopping")
            .hint("import the same lines again: those that are written are found by their keys")
    }

    /// Waits until no line is in flight.
    async fn drain(&self) {
        drop(self.window.acquire_many(WINDOW_BYTES).await);
    }

    /// Puts a refusal behind the lines in flight, so that it is told after everything before it is kept, and stops.
    async fn refuse(&self, line: u64, error: ApiError) -> Result<(), Stopped> {
        drop(self.in_flight.send(InFlight { line, outcome: Err(error), window: None }).await);
        Err(Stopped)
    }
}

fn split(line: ImportLine) -> (AppendEvent, Option<String>) {
    let event = AppendEvent {
        aggregate_type: line.aggregate_type,
        aggregate_id: line.aggregate_id,
        event_type: line.event_type,
        payload: line.payload,
        patch: line.patch,
        metadata: line.metadata,
        extensions: line.extensions,
        note: line.note,
        occurred_at: line.occurred_at,
        emit: line.emit,
        publish: line.publish,
        expect: line.expect,
    };
    (event, line.key)
}
