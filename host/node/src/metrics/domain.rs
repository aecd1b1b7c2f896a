//! Metrics of each domain's log.

use std::sync::Arc;

use eventdbx_store::{COMMIT_BOUNDS, Stats};

use super::text::{Kind, Text, float};
use crate::{node::DomainNode, timing::Timed};

type Family = (&'static str, Kind, &'static str, fn(&Stats) -> f64);

const FAMILIES: &[Family] = &[
    ("eventdbx_domain_events_total", Kind::Counter, "Events in the log.", |stats| float(stats.events)),
    ("eventdbx_domain_aggregates", Kind::Gauge, "Aggregates, archived ones included.", |stats| float(stats.aggregates)),
    ("eventdbx_domain_commits_total", Kind::Counter, "Commits since the domain was opened.", |stats| {
        float(stats.commits)
    }),
    ("eventdbx_domain_commit_seconds_total", Kind::Counter, "Time that writing and syncing commits took.", |stats| {
        float(stats.commit_micros) / 1e6
    }),
    ("eventdbx_domain_queued_requests", Kind::Gauge, "Requests that wait for the committer.", |stats| {
        float(stats.queued as u64)
    }),
    ("eventdbx_domain_disk_bytes", Kind::Gauge, "Bytes of the log on disk.", |stats| float(stats.disk_bytes)),
];

pub(super) fn write(text: &mut Text, domains: &[Arc<DomainNode>]) {
    let stats: Vec<_> = domains.iter().map(|domain| (domain.name.as_str(), domain.log.stats())).collect();
    for (name, kind, help, value) in FAMILIES {
        text.family(name, *kind, help);
        for (domain, stats) in &stats {
            text.sample(&[("domain", domain)], value(stats));
        }
    }
    text.family(
        "eventdbx_domain_commit_duration_seconds",
        Kind::Histogram,
        "Time that writing and syncing a commit took, since the domain was opened.",
    );
    let bounds = COMMIT_BOUNDS.map(|bound| bound.as_secs_f64());
    for (domain, stats) in &stats {
        let timed = Timed { counts: stats.commit_times.clone(), seconds: float(stats.commit_micros) / 1e6 };
        text.histogram(&[("domain", domain)], &bounds, &timed);
    }
    text.family("eventdbx_domain_writes_stopped", Kind::Gauge, "Whether a domain takes no writes after a failed one.");
    for domain in domains {
        text.sample(&[("domain", domain.name.as_str())], u8::from(domain.problem().is_some()).into());
    }
}
