//! Counts events by type: the smallest plugin that does something. Copy this folder to begin one of your own.
//!
//! It needs no more than an event's type, which every delivery has, so that an operator may install it with the leanest
//! payload mode (`--payload-mode extensions-only`). As it declares that it can use every part, any other will do as well.

use std::collections::BTreeMap;

use eventdbx_plugin_sdk::*;

/// From the type of an event to how many there were.
const COUNTS: Table<String, u64> = Table::new("counts");

/// The plugin; it takes no configuration.
pub struct EventCounter;

impl ReadModel for EventCounter {
    type Config = NoConfig;

    fn describe() -> Descriptor {
        Descriptor::new().every_part().table(COUNTS).query("counts")
    }

    fn start(_config: NoConfig, _context: &StartContext) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn handle(&self, event: &Event<'_>, tables: &mut Tables<'_>) -> Result<(), HandleError> {
        tables.update(COUNTS, event.event_type(), |count| *count += 1)?;
        Ok(())
    }

    fn query(&self, query: &Query<'_>, tables: &Tables<'_>) -> Result<Answer, QueryError> {
        match query.name() {
            "counts" => {
                let counts: BTreeMap<_, _> = tables.scan(COUNTS, Keys::all()).collect::<Result<_, _>>()?;
                Answer::new(&counts)
            }
            _ => Err(QueryError::UnknownQuery),
        }
    }
}

export_read_model!(EventCounter);

#[cfg(test)]
mod tests {
    use eventdbx_plugin_sdk::testing::{Draft, Log, Runner};
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_by_type() {
        let mut log = Log::new();
        log.append(Draft::new("flight", "AA1", "flight_departed"));
        log.append(Draft::new("flight", "AA1", "flight_arrived"));
        log.append(Draft::new("flight", "UA2", "flight_departed"));
        let mut counter = Runner::<EventCounter>::new();
        counter.deliver(&log);
        assert_eq!(counter.query("counts", json!({})), Ok(json!({"flight_departed": 2, "flight_arrived": 1})));
    }

    #[test]
    fn needs_no_payload_and_goes_on_where_it_stopped() {
        let mut counter = Runner::<EventCounter>::new().extensions_only();
        let mut log = Log::new();
        for expected in 1..=3 {
            log.append(Draft::new("order", "1", "order_changed").payload(json!({"n": expected})));
            counter.deliver(&log);
            assert_eq!(counter.query("counts", json!({})), Ok(json!({"order_changed": expected})));
        }
    }
}
