//! What an instance carries beside its memory: who it may call, what it has used, what it has written.
//!
//! Invariant: everything in here that belongs to one call is reset when the next begins.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::component::ResourceTable;

use crate::{
    descriptor::Table,
    host::Host,
    http::{self, Http},
    limits::{Limit, Limits},
    logs::LogBudget,
    memory::Memory,
    metrics::Metrics,
    network::NetworkTime,
    outcome::{Halt, Trap, Usage},
    writes::Writes,
};

/// What an instance is doing; it decides what it may call, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// `describe` or `check-config`: every import traps.
    Describe,
    /// Instantiation and `init`: reads and logs.
    Start,
    /// `handle-batch`: everything.
    Batch,
    /// `query`: reads and logs.
    Query,
    /// `incoming-handler.handle`: logs, and what a gateway may ask of its domain.
    Request,
}

impl Phase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Describe => "`describe` or `check-config`",
            Self::Start => "`init`",
            Self::Batch => "`handle-batch`",
            Self::Query => "a query",
            Self::Request => "a request",
        }
    }

    fn cpu(self) -> Limit {
        match self {
            Self::Describe | Self::Start => Limit::StartCpu,
            Self::Batch => Limit::BatchCpu,
            Self::Query => Limit::QueryCpu,
            Self::Request => Limit::GatewayCpu,
        }
    }

    fn wall(self) -> Limit {
        match self {
            Self::Describe | Self::Start => Limit::StartWall,
            Self::Batch => Limit::BatchWall,
            Self::Query => Limit::QueryWall,
            Self::Request => Limit::GatewayWall,
        }
    }
}

/// The data of one wasmtime store.
pub(crate) struct CallState {
    pub(crate) phase: Phase,
    /// None where every import traps.
    pub(crate) host: Option<Box<dyn Host>>,
    pub(crate) tables: Arc<[Table]>,
    pub(crate) limits: Limits,
    pub(crate) memory: Memory,
    pub(crate) writes: Writes,
    pub(crate) metrics: Metrics,
    pub(crate) logs: LogBudget,
    pub(crate) host_calls: u64,
    /// Handles that the guest holds, those of closed connections included.
    pub(crate) handles: ResourceTable,
    pub(crate) connections_open: usize,
    pub(crate) network: NetworkTime,
    pub(crate) http: Http,
    /// Calls of the interface `client`.
    pub(crate) client_calls: u64,
    cpu_at_start: Duration,
    started: Instant,
}

impl CallState {
    pub(crate) fn new(host: Option<Box<dyn Host>>, tables: Arc<[Table]>, limits: Limits) -> Self {
        Self {
            phase: Phase::Describe,
            host,
            memory: Memory::new(&limits),
            writes: Writes::new(tables.len()),
            tables,
            handles: http::handles(&limits),
            limits,
            metrics: Metrics::default(),
            logs: LogBudget::default(),
            host_calls: 0,
            connections_open: 0,
            network: NetworkTime::default(),
            http: Http::default(),
            client_calls: 0,
            cpu_at_start: thread_cpu(),
            started: Instant::now(),
        }
    }

    /// A call begins.
    pub(crate) fn begin(&mut self, phase: Phase) {
        self.phase = phase;
        self.host_calls = 0;
        self.network.begin();
        self.http = Http::default();
        self.client_calls = 0;
        self.cpu_at_start = thread_cpu();
        self.started = Instant::now();
    }

    /// A call has ended: tells what it cost.
    pub(crate) fn end(&mut self) -> Usage {
        if let Some(host) = self.host.as_deref_mut() {
            self.logs.finish(host);
        }
        Usage {
            cpu: thread_cpu().saturating_sub(self.cpu_at_start),
            wall: self.started.elapsed(),
            memory_bytes: self.memory.bytes(),
            host_calls: self.host_calls,
        }
    }

    /// Called on each tick of the clock while the guest runs: may it go on?
    pub(crate) fn tick(&self) -> Result<(), Halt> {
        let cpu = thread_cpu().saturating_sub(self.cpu_at_start);
        self.spent(self.phase.cpu(), "of CPU time", cpu)?;
        self.spent(self.phase.wall(), "by the clock", self.started.elapsed())
    }

    fn spent(&self, limit: Limit, of: &str, time: Duration) -> Result<(), Halt> {
        if time.as_millis() < u128::from(limit.of(&self.limits)) {
            return Ok(());
        }
        let what = format!("the plugin was still busy in {} after {} ms {of}", self.phase.name(), time.as_millis());
        Err(Halt::Trapped(Trap::broke(limit, &self.limits, what)))
    }
}

/// CPU time that this thread has used so far.
fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}
