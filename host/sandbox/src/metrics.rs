//! What a plugin counts during a call.

use std::collections::BTreeMap;

use crate::{
    limits::{Limit, Limits, NAME_BYTES},
    outcome::{Halt, Lie, Trap},
};

/// Counters and gauges of one call. They are handed out with its writes, so that a call that is thrown away and repeated
/// counts once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// What is to be added, by name.
    pub counters: BTreeMap<String, u64>,
    /// The last value, by name.
    pub gauges: BTreeMap<String, f64>,
}

impl Metrics {
    pub(crate) fn add(&mut self, name: String, value: u32, limits: &Limits) -> Result<(), Halt> {
        self.admit(&name, limits)?;
        let sum = self.counters.entry(name).or_default();
        *sum = sum.saturating_add(value.into());
        Ok(())
    }

    pub(crate) fn set(&mut self, name: String, value: f64, limits: &Limits) -> Result<(), Halt> {
        self.admit(&name, limits)?;
        self.gauges.insert(name, value);
        Ok(())
    }

    fn admit(&self, name: &str, limits: &Limits) -> Result<(), Halt> {
        if self.counters.contains_key(name) || self.gauges.contains_key(name) {
            return Ok(());
        }
        check_name(name)?;
        if (self.counters.len() + self.gauges.len()) as u64 >= limits.metric_names {
            let what = format!("the plugin uses one more metric in this call, {name:?}");
            return Err(Halt::Trapped(Trap::broke(Limit::MetricNames, limits, what)));
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), Halt> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.len() <= NAME_BYTES && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain) {
        return Ok(());
    }
    Err(Halt::Lied(Lie::BadName {
        what: "the metric",
        name: name.chars().take(NAME_BYTES).collect(),
        rule: "lower-case letters, digits and _, beginning with a letter, at most 64",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_add_up_and_gauges_keep_the_last_value() {
        let (mut metrics, limits) = (Metrics::default(), Limits::default());
        metrics.add("seen".to_owned(), 2, &limits).unwrap();
        metrics.add("seen".to_owned(), 3, &limits).unwrap();
        metrics.set("level".to_owned(), 0.5, &limits).unwrap();
        metrics.set("level".to_owned(), 0.25, &limits).unwrap();
        assert_eq!(metrics.counters["seen"], 5);
        assert_eq!(metrics.gauges["level"], 0.25);
    }

    #[test]
    fn a_new_name_beyond_the_limit_traps_and_a_known_one_does_not() {
        let (mut metrics, limits) = (Metrics::default(), Limits { metric_names: 1, ..Limits::default() });
        metrics.add("a".to_owned(), 1, &limits).unwrap();
        metrics.add("a".to_owned(), 1, &limits).unwrap();
        let Err(Halt::Trapped(trap)) = metrics.add("b".to_owned(), 1, &limits) else { panic!("one name too many") };
        assert_eq!(trap.limit(), Some(Limit::MetricNames));
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        let (mut metrics, limits) = (Metrics::default(), Limits::default());
        for name in ["", "Upper", "0digit", "with space", "ünicode"] {
            assert!(metrics.add(name.to_owned(), 1, &limits).is_err(), "{name:?}");
        }
    }
}
