//! How much of the processor a plugin gets beside others that have work to do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much of the processor a plugin gets while others have work too. All of them run below what answers clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PluginPriority {
    /// Less than the others.
    Low,
    /// As the others do.
    #[default]
    Normal,
    /// More than the others.
    High,
}

impl PluginPriority {
    /// What is added to the nice value of its thread. Linux gives a thread about 1.25 times as much for each step: a plugin
    /// of one priority gets some three times as much as one of the next lower.
    pub(super) const fn nice(self) -> i32 {
        match self {
            Self::Low => 15,
            Self::Normal => 10,
            Self::High => 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_priority_gets_more_and_none_as_much_as_what_answers_clients() {
        let nice = |priority: PluginPriority| {
            let lowered = std::thread::spawn(move || {
                let of_thread = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
                let before = of_thread();
                crate::plugins::worker::lower_priority(priority);
                of_thread() - before
            });
            lowered.join().unwrap()
        };
        let [low, normal, high] = [PluginPriority::Low, PluginPriority::Normal, PluginPriority::High].map(nice);
        assert!(low > normal && normal > high && high > 0, "{low} {normal} {high}");
    }
}
