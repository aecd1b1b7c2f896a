//! What a subscription is: asked for, checked, kept.

use std::{ops::RangeInclusive, time::Duration};

use eventdbx_store::{Micros, Position, plugindb::Generation};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::limits;
use crate::{
    api::ApiError,
    plugins::{
        PayloadMode,
        source::{Selection, Source},
    },
    wire::{ErrorCode, SubscriptionRequest},
};

/// A subscription, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Definition {
    pub(super) types: Vec<String>,
    pub(super) ids: Vec<String>,
    pub(super) events: Vec<String>,
    pub(super) payload_mode: PayloadMode,
    /// First position that is wanted.
    pub(super) from: Position,
    pub(super) ack_timeout_ms: u64,
    pub(super) max_attempts: u32,
    pub(super) created_at: Micros,
    pub(super) created_by: String,
    pub(super) generation: Generation,
}

/// A request that was checked.
pub(super) struct Checked {
    pub(super) mode: PayloadMode,
    pub(super) from: Position,
    pub(super) ack_timeout_ms: u64,
    pub(super) max_attempts: u32,
}

impl Checked {
    /// Checks a request against what there is; every reason is told.
    pub(super) fn new(request: &SubscriptionRequest, source: &Source) -> Result<Self, ApiError> {
        let head = source.domain().head().position;
        let mut reasons = Vec::new();
        let mut fault = |path: &str, code: &str, message: String| reasons.push(ApiError::reason(path, code, message));
        let most = limits::GLOBS;
        for (path, globs) in [("types", &request.types), ("ids", &request.ids), ("events", &request.events)] {
            if globs.len() > most {
                fault(path, "too-many", format!("there are {} globs; the limit GLOBS is {most}", globs.len()));
            }
        }
        let mode = match request.payload_mode.as_deref().unwrap_or(PayloadMode::All.as_str()).parse() {
            Ok(mode) if source.has_mode(mode) => mode,
            Ok(mode) => {
                let message = format!("this domain has no payload mode {mode}: `dbx plugin mode list` shows them");
                fault("payload_mode", "unknown-mode", message);
                PayloadMode::All
            }
            Err(error) => {
                fault("payload_mode", "unknown-mode", format!("{error}"));
                PayloadMode::All
            }
        };
        let from = match first(request.from.as_deref().unwrap_or("beginning"), head) {
            Ok(from) => from,
            Err(message) => {
                fault("from", "no-such-place", message);
                Position::new(1)
            }
        };
        let timeout = request.ack_timeout_ms.unwrap_or(u64::try_from(limits::ACK_TIMEOUT.as_millis()).unwrap_or(0));
        if !limits::ACK_TIMEOUTS.contains(&timeout) {
            fault("ack_timeout_ms", "out-of-range", between(&limits::ACK_TIMEOUTS));
        }
        let attempts = request.max_attempts.unwrap_or(limits::ATTEMPTS);
        if !limits::MAX_ATTEMPTS.contains(&attempts) {
            fault("max_attempts", "out-of-range", between(&limits::MAX_ATTEMPTS));
        }
        let selection = Selection::new(&request.types, &request.ids, &request.events, mode);
        match selection {
            Ok(_) if reasons.is_empty() => Ok(Self { mode, from, ack_timeout_ms: timeout, max_attempts: attempts }),
            Ok(_) => Err(refused(reasons)),
            Err(globs) => {
                reasons.extend(globs.into_iter().map(|glob| ApiError::reason("globs", "bad-glob", glob)));
                Err(refused(reasons))
            }
        }
    }
}

impl Definition {
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    pub(super) fn selection(&self) -> Result<Selection, Vec<String>> {
        Selection::new(&self.types, &self.ids, &self.events, self.payload_mode)
    }

    pub(super) fn ack_timeout(&self) -> Duration {
        Duration::from_millis(self.ack_timeout_ms)
    }

    /// What the log says of its creation.
    pub(super) fn announcement(&self) -> String {
        let Self { types, ids, events, payload_mode, from, ack_timeout_ms, max_attempts, .. } = self;
        json!({
            "types": types, "ids": ids, "events": events, "payload_mode": payload_mode, "from": from,
            "ack_timeout_ms": ack_timeout_ms, "max_attempts": max_attempts,
        })
        .to_string()
    }
}

/// The first position that is wanted.
fn first(from: &str, head: Position) -> Result<Position, String> {
    match from {
        "beginning" => Ok(Position::new(1)),
        "end" => Ok(head.next()),
        text => match text.parse::<u64>() {
            Ok(position) if (1..=head.next().get()).contains(&position) => Ok(Position::new(position)),
            Ok(position) => Err(format!("{position} lies beyond the log, whose next position is {}", head.next())),
            Err(_) => Err(format!("{text:?} is no place in the log: take beginning, end or a position")),
        },
    }
}

fn between<T: std::fmt::Display>(range: &RangeInclusive<T>) -> String {
    format!("it must lie between {} and {}", range.start(), range.end())
}

fn refused(reasons: Vec<crate::wire::Reason>) -> ApiError {
    ApiError::new(ErrorCode::Refused, "the subscription cannot be made").reasons(reasons)
}
