//! Counters and gauges that a plugin keeps for those who watch it.

use std::collections::BTreeMap;

use eventdbx_sandbox::Metrics;

/// Names that are kept of one plugin: each is a time series for whoever collects them.
const NAMES: usize = 64;

/// Takes in what a call counted. What has a new name and no room is left out.
pub(super) fn take_in(kept: &mut BTreeMap<String, f64>, metrics: Metrics) {
    let has_room = |kept: &BTreeMap<String, f64>, name: &str| kept.len() < NAMES || kept.contains_key(name);
    for (name, added) in metrics.counters {
        if has_room(kept, &name) {
            #[expect(clippy::cast_precision_loss, reason = "a counter beyond 2^53 may lose its last digit")]
            let added = added as f64;
            *kept.entry(name).or_default() += added;
        }
    }
    for (name, value) in metrics.gauges {
        if has_room(kept, &name) {
            kept.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_add_up_over_calls_and_names_are_bounded() {
        let call = |from: usize| {
            let counters = (from..from + 40).map(|n| (format!("n{n:03}"), 2)).collect();
            let gauges = [("level".to_owned(), 0.5)].into();
            Metrics { counters, gauges }
        };
        let mut kept = BTreeMap::new();
        take_in(&mut kept, call(0));
        take_in(&mut kept, call(0));
        assert_eq!((kept["n000"], kept["level"], kept.len()), (4.0, 0.5, 41));
        (1..100).for_each(|n| take_in(&mut kept, call(40 * n)));
        assert_eq!(kept.len(), NAMES, "a plugin that makes up names costs no more");
    }
}
