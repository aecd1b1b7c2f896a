//! Metrics of what transports reach: by target, as it was granted.

use super::{
    plugin::Plugins,
    text::{Kind, Text, float},
};
use crate::{outbound::TargetFigures, timing::BOUNDS};

/// What came of a request.
type Outcome = (&'static str, fn(&TargetFigures) -> u64);

const OUTCOMES: &[Outcome] =
    &[("ok", |figures| figures.ok), ("failed", |figures| figures.failed), ("not-asked", |figures| figures.not_asked)];

pub(super) fn write(text: &mut Text, plugins: &Plugins<'_>) {
    let targets =
        || plugins.iter().flat_map(|(domain, plugin)| plugin.targets.iter().map(move |it| (domain, plugin, it)));
    text.family("eventdbx_target_requests_total", Kind::Counter, "Requests and connections of a plugin to a target.");
    for (domain, plugin, target) in targets() {
        for (outcome, count) in OUTCOMES {
            let labels =
                [("domain", *domain), ("plugin", &plugin.name), ("target", &target.name), ("outcome", outcome)];
            text.sample(&labels, float(count(&target.figures)));
        }
    }
    let help = "Time that a request to a target took, or a connection until it stood.";
    text.family("eventdbx_target_request_duration_seconds", Kind::Histogram, help);
    for (domain, plugin, target) in targets() {
        let labels = [("domain", *domain), ("plugin", &plugin.name), ("target", &target.name)];
        text.histogram(&labels, &BOUNDS, &target.figures.took);
    }
    text.family(
        "eventdbx_target_circuit",
        Kind::Gauge,
        "Whether a target is asked: 1 for the state that its circuit is in, no other is there.",
    );
    for (domain, plugin, target) in targets() {
        // The same word as in its status.
        let circuit = serde_json::to_value(target.circuit).unwrap_or_default();
        let circuit = circuit.as_str().unwrap_or_default();
        let labels = [("domain", *domain), ("plugin", &plugin.name), ("target", &target.name), ("state", circuit)];
        text.sample(&labels, 1.0);
    }
}
