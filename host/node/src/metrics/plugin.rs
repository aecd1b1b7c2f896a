//! Metrics of each plugin. Its counters are those of its live generation: they begin anew when a rebuilt one takes over.

use std::sync::Arc;

use super::text::{Kind, Text, float};
use crate::{
    grant::Grant,
    node::DomainNode,
    plugins::{CallFigures, GatewayStatus, PluginStatus},
    timing::{BOUNDS, Timed},
};

type Family = (&'static str, Kind, &'static str, fn(&PluginStatus) -> f64);

const FAMILIES: &[Family] = &[
    ("eventdbx_plugin_batches_total", Kind::Counter, "Batches that were committed.", |plugin| float(plugin.batches)),
    ("eventdbx_plugin_deliveries_total", Kind::Counter, "Events that the plugin took.", |plugin| {
        float(plugin.deliveries)
    }),
    ("eventdbx_plugin_skipped_total", Kind::Counter, "Events that the plugin left out.", |plugin| {
        float(plugin.skipped)
    }),
    (
        "eventdbx_plugin_left_out_total",
        Kind::Counter,
        "Events kept from it, since their aggregate is parked.",
        |plugin| float(plugin.left_out),
    ),
    ("eventdbx_plugin_retries_total", Kind::Counter, "Times that it asked for a retry.", |plugin| {
        float(plugin.retries)
    }),
    ("eventdbx_plugin_traps_total", Kind::Counter, "Times that it broke a limit or crashed.", |plugin| {
        float(plugin.traps)
    }),
    ("eventdbx_plugin_cpu_seconds_total", Kind::Counter, "CPU time spent in the component.", |plugin| {
        float(plugin.cpu_ms) / 1e3
    }),
    ("eventdbx_plugin_parked_aggregates", Kind::Gauge, "Aggregates that it has parked.", |plugin| float(plugin.parked)),
    ("eventdbx_plugin_table_bytes", Kind::Gauge, "Bytes of its tables.", |plugin| float(plugin.table_bytes)),
    ("eventdbx_plugin_memory_peak_bytes", Kind::Gauge, "Most memory that one of its instances had.", |plugin| {
        float(plugin.calls.memory_bytes)
    }),
    ("eventdbx_plugin_lag_events", Kind::Gauge, "Positions still to scan.", |plugin| float(plugin.lag_events)),
    ("eventdbx_plugin_lag_seconds", Kind::Gauge, "Age of the first position still to scan.", |plugin| {
        float(plugin.lag_ms) / 1e3
    }),
];

type GatewayFamily = (&'static str, &'static str, fn(&GatewayStatus) -> u64);

/// What became of the requests to gateways.
const GATEWAYS: &[GatewayFamily] = &[
    ("eventdbx_gateway_requests_total", "Requests that a gateway was given.", |gateway| gateway.requests),
    ("eventdbx_gateway_failed_total", "Requests that it did not answer.", |gateway| gateway.failed),
    ("eventdbx_gateway_turned_away_total", "Requests for which there was no room to wait.", |gateway| {
        gateway.turned_away
    }),
];

type TimingFamily = (&'static str, &'static str, fn(&CallFigures) -> &Timed);

const TIMINGS: &[TimingFamily] = &[
    ("eventdbx_plugin_batch_duration_seconds", "Time that the component had a batch, whatever came of it.", |calls| {
        &calls.batches
    }),
    ("eventdbx_plugin_query_duration_seconds", "Time that the component had a query.", |calls| &calls.queries),
];

/// Plugins, by their domains.
pub(super) type Plugins<'a> = [(&'a str, PluginStatus)];

/// The plugins of all domains, as they stand now.
pub(super) fn of<'a>(domains: &'a [Arc<DomainNode>], grant: &Grant) -> Vec<(&'a str, PluginStatus)> {
    let of = |domain: &'a Arc<DomainNode>| {
        domain.plugins.list(grant).into_iter().map(|plugin| (domain.name.as_str(), plugin))
    };
    domains.iter().flat_map(of).collect()
}

pub(super) fn write(text: &mut Text, plugins: &Plugins<'_>) {
    text.family("eventdbx_plugin_info", Kind::Gauge, "What a plugin is; the value is 1.");
    for (domain, plugin) in plugins {
        let labels =
            [("domain", *domain), ("plugin", &plugin.name), ("kind", &plugin.kind), ("version", &plugin.version)];
        text.sample(&labels, 1.0);
    }
    text.family(
        "eventdbx_plugin_state",
        Kind::Gauge,
        "What a plugin is at: 1 for the state that it is in, no other is there.",
    );
    for (domain, plugin) in plugins {
        // The same word as in its status.
        let state = serde_json::to_value(plugin.state).unwrap_or_default();
        let state = state.as_str().unwrap_or_default();
        text.sample(&[("domain", domain), ("plugin", &plugin.name), ("state", state)], 1.0);
    }
    for (name, kind, help, value) in FAMILIES {
        text.family(name, *kind, help);
        for (domain, plugin) in plugins {
            text.sample(&[("domain", domain), ("plugin", &plugin.name)], value(plugin));
        }
    }
    for (name, help, value) in GATEWAYS {
        text.family(name, Kind::Counter, help);
        for (domain, plugin) in plugins {
            if let Some(gateway) = &plugin.gateway {
                text.sample(&[("domain", domain), ("plugin", &plugin.name)], float(value(gateway)));
            }
        }
    }
    for (name, help, timed) in TIMINGS {
        text.family(name, Kind::Histogram, help);
        for (domain, plugin) in plugins {
            text.histogram(&[("domain", domain), ("plugin", &plugin.name)], &BOUNDS, timed(&plugin.calls));
        }
    }
    text.family("eventdbx_plugin_user_value", Kind::Untyped, "A counter or gauge of the plugin's own, by its name.");
    for (domain, plugin) in plugins {
        for (name, value) in &plugin.metrics {
            text.sample(&[("domain", domain), ("plugin", &plugin.name), ("name", name)], *value);
        }
    }
}
