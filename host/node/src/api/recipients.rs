//! Who an event names as its recipients, and whether there is such a one.

use crate::{node::DomainNode, plugins::PayloadMode, wire::AppendEvent};

/// What is said of recipients that there are not. It is no refusal: plugins come and go, and one that is installed later
/// gets what names it from the log.
pub(super) fn warnings(domain: &DomainNode, events: &[AppendEvent]) -> Vec<String> {
    let mut warnings = Vec::new();
    for publish in events.iter().flat_map(|event| &event.publish) {
        let name = &publish.plugin;
        if !domain.plugins.has(name) && !domain.subscriptions.has(name) {
            warnings.push(format!("no plugin and no subscription is called {name}: until one is, nobody gets this"));
        }
        let mode = publish.mode.as_deref().and_then(|mode| mode.parse::<PayloadMode>().ok());
        if let Some(mode) = mode.filter(|mode| !domain.plugins.source().has_mode(*mode)) {
            let what = "gets no more of this than its identity";
            warnings.push(format!("this domain has no payload mode {mode}: until it has, {name} {what}"));
        }
    }
    // The events of a request name the same ones, as a rule.
    warnings.sort_unstable();
    warnings.dedup();
    warnings
}
