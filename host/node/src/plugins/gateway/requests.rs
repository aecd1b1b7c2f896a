//! What became of the requests to a gateway, since the daemon started.

use std::{collections::BTreeMap, sync::Mutex};

use eventdbx_sandbox::{Metrics, Usage};
use serde::Serialize;
use utoipa::ToSchema;

use super::DomainGrants;
use crate::plugins::{figures, lock};

/// What a gateway may do, and what became of its requests.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GatewayStatus {
    /// What it may do in its domain.
    pub grants: DomainGrants,
    /// Requests that it was given, since the daemon started.
    pub requests: u64,
    /// Those of them that it did not answer.
    pub failed: u64,
    /// Requests that were turned away because too many waited.
    pub turned_away: u64,
}

/// Counts the requests of a gateway.
#[derive(Default)]
pub(in crate::plugins) struct Requests(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    requests: u64,
    failed: u64,
    turned_away: u64,
    cpu_micros: u64,
    metrics: BTreeMap<String, f64>,
}

impl Requests {
    pub(super) fn count(&self, answered: bool, usage: &Usage, metrics: Metrics) {
        let mut counted = lock(&self.0);
        counted.requests += 1;
        counted.failed += u64::from(!answered);
        counted.cpu_micros += u64::try_from(usage.cpu.as_micros()).unwrap_or(u64::MAX);
        // As elsewhere: what a call counted that failed does not count.
        if answered {
            figures::take_in(&mut counted.metrics, metrics);
        }
    }

    pub(super) fn not_started(&self) {
        let mut counted = lock(&self.0);
        counted.requests += 1;
        counted.failed += 1;
    }

    pub(super) fn turned_away(&self) {
        lock(&self.0).turned_away += 1;
    }

    pub(in crate::plugins) fn traps(&self) -> u64 {
        lock(&self.0).failed
    }

    pub(in crate::plugins) fn cpu_ms(&self) -> u64 {
        lock(&self.0).cpu_micros / 1000
    }

    pub(in crate::plugins) fn metrics(&self) -> BTreeMap<String, f64> {
        lock(&self.0).metrics.clone()
    }

    pub(in crate::plugins) fn status(&self, grants: &DomainGrants) -> GatewayStatus {
        let Counted { requests, failed, turned_away, .. } = *lock(&self.0);
        GatewayStatus { grants: grants.clone(), requests, failed, turned_away }
    }
}
