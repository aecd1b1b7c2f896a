//! Metrics of each subscription.

use std::sync::Arc;

use super::text::{Kind, Text, float};
use crate::{grant::Grant, node::DomainNode, wire::Subscription};

type Family = (&'static str, Kind, &'static str, fn(&Subscription) -> f64);

const FAMILIES: &[Family] = &[
    ("eventdbx_subscription_acknowledged_total", Kind::Counter, "Deliveries that were acknowledged.", |subscription| {
        float(subscription.acknowledged)
    }),
    (
        "eventdbx_subscription_failures_total",
        Kind::Counter,
        "Deliveries that were refused, or not acknowledged in time.",
        |subscription| float(subscription.failures),
    ),
    (
        "eventdbx_subscription_timeouts_total",
        Kind::Counter,
        "Deliveries that were not acknowledged in time.",
        |subscription| float(subscription.timeouts),
    ),
    (
        "eventdbx_subscription_in_flight",
        Kind::Gauge,
        "Deliveries that wait for their acknowledgement.",
        |subscription| float(subscription.in_flight),
    ),
    ("eventdbx_subscription_members", Kind::Gauge, "Members that were heard of lately.", |subscription| {
        float(subscription.members.len() as u64)
    }),
    ("eventdbx_subscription_parked_aggregates", Kind::Gauge, "Aggregates that it has parked.", |subscription| {
        float(subscription.parked)
    }),
    ("eventdbx_subscription_lag_events", Kind::Gauge, "Positions that are not settled.", |subscription| {
        float(subscription.lag_events)
    }),
    (
        "eventdbx_subscription_lag_seconds",
        Kind::Gauge,
        "Age of the first position that is not settled.",
        |subscription| float(subscription.lag_ms) / 1e3,
    ),
];

pub(super) fn write(text: &mut Text, domains: &[Arc<DomainNode>], grant: &Grant) {
    let subscriptions: Vec<(&str, Subscription)> = domains
        .iter()
        .flat_map(|domain| domain.subscriptions.list(grant).into_iter().map(|one| (domain.name.as_str(), one)))
        .collect();
    for (name, kind, help, value) in FAMILIES {
        text.family(name, *kind, help);
        for (domain, subscription) in &subscriptions {
            text.sample(&[("domain", domain), ("subscription", &subscription.name)], value(subscription));
        }
    }
}
