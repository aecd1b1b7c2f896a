//! The record of a job, as it is kept in the plugins' database and told in the log.

use eventdbx_store::{
    Micros, Position,
    plugindb::{Counters, Generation},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{JobState, JobStatus, Plan, Span, TableDifference, Work};
use crate::plugins::PayloadMode;

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::plugins) struct JobRecord {
    pub(in crate::plugins) id: u64,
    pub(in crate::plugins) plugin: String,
    pub(in crate::plugins) actor: String,
    pub(in crate::plugins) work: Work,
    pub(in crate::plugins) span: Span,
    pub(in crate::plugins) payload_mode: PayloadMode,
    pub(in crate::plugins) rate: Option<u32>,
    /// The tables of the plugin, for a dry run: how they are called, and how their keys are shown.
    pub(in crate::plugins) tables: Vec<NamedTable>,
    pub(in crate::plugins) generation: Generation,
    pub(in crate::plugins) state: JobState,
    pub(in crate::plugins) reason: Option<String>,
    pub(in crate::plugins) progress: Progress,
    pub(in crate::plugins) started_at: Micros,
    pub(in crate::plugins) ended_at: Option<Micros>,
    pub(in crate::plugins) differences: Option<Vec<TableDifference>>,
}

/// A table, as people are told of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::plugins) struct NamedTable {
    pub(in crate::plugins) name: String,
    pub(in crate::plugins) key_format: String,
}

/// How far a job is. What counts while it runs is its generation's cursor; this is what people are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::plugins) struct Progress {
    pub(in crate::plugins) position: Position,
    pub(in crate::plugins) deliveries: u64,
    pub(in crate::plugins) skipped: u64,
    pub(in crate::plugins) left_out: u64,
    pub(in crate::plugins) parked: u64,
}

impl Progress {
    pub(super) fn new(position: Position, counters: Counters, parked: u64) -> Self {
        let Counters { deliveries, skipped, left_out, .. } = counters;
        Self { position, deliveries, skipped, left_out, parked }
    }
}

impl JobRecord {
    /// A job that is about to begin.
    pub(in crate::plugins) fn new(id: u64, plugin: &str, actor: &str, plan: Plan, generation: Generation) -> Self {
        let progress = Progress { position: plan.span.before(), ..Progress::default() };
        Self {
            id,
            plugin: plugin.to_owned(),
            actor: actor.to_owned(),
            work: plan.work,
            span: plan.span,
            payload_mode: plan.payload_mode,
            rate: plan.rate,
            tables: plan.tables,
            generation,
            state: JobState::Running,
            reason: None,
            progress,
            started_at: plan.now,
            ended_at: None,
            differences: None,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// What the log says when it begins.
    pub(in crate::plugins) fn announcement(&self) -> String {
        let Self { id, work, span, payload_mode, rate, .. } = self;
        json!({
            "job": id,
            "work": work,
            "aggregate_type": span.aggregate_type,
            "aggregate_id": span.aggregate_id,
            "from": span.from,
            "to": span.to,
            "payload_mode": payload_mode,
            "rate": rate,
        })
        .to_string()
    }

    /// What the log says when it has ended.
    pub(super) fn obituary(&self) -> String {
        let Self { id, state, reason, progress, .. } = self;
        json!({ "job": id, "outcome": state, "reason": reason, "deliveries": progress.deliveries }).to_string()
    }

    pub(in crate::plugins) fn told(&self, head: Position) -> JobStatus {
        let Self { span, progress, .. } = self;
        let end = if self.state == JobState::Running { head.max(progress.position) } else { progress.position };
        JobStatus {
            id: self.id,
            plugin: self.plugin.clone(),
            work: self.work,
            state: self.state,
            reason: self.reason.clone(),
            actor: self.actor.clone(),
            aggregate_type: span.aggregate_type.as_ref().map(ToString::to_string),
            aggregate_id: span.aggregate_id.as_ref().map(ToString::to_string),
            from: span.from.get(),
            to: span.to.unwrap_or(end).get(),
            position: progress.position.get(),
            payload_mode: self.payload_mode,
            rate: self.rate,
            deliveries: progress.deliveries,
            skipped: progress.skipped,
            left_out: progress.left_out,
            parked: progress.parked,
            generation: self.generation.get(),
            started_at: self.started_at.to_rfc3339(),
            ended_at: self.ended_at.map(Micros::to_rfc3339),
            differences: self.differences.clone(),
        }
    }
}
