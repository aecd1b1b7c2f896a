//! How punctual the airlines are.
//!
//! The lesson: an event need not say everything. An arrival does not say whose flight it was, but the *state* of the flight
//! does, which every delivery can bring: the state right after the event, in a replay years later too. So this model looks
//! nothing up and remembers no flight. It is installed with the payload mode `all`.

use std::collections::BTreeMap;

use eventdbx_plugin_sdk::*;
use serde::{Deserialize, Serialize};

/// What is told of a carrier.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Record {
    departed: u64,
    arrived: u64,
    arrival_delay_minutes_total: i64,
    cancelled: u64,
}

/// From carriers to their records.
const CARRIERS: Table<String, Record> = Table::new("carriers");

/// What a flight says in all its states.
#[derive(Deserialize)]
struct Flight<'a> {
    carrier: &'a str,
}

/// What an arrival says.
#[derive(Deserialize)]
struct Arrival {
    delay_minutes: i64,
}

/// The plugin; it takes no configuration.
pub struct Punctuality;

impl ReadModel for Punctuality {
    type Config = NoConfig;

    fn describe() -> Descriptor {
        Descriptor::new()
            .aggregate_types(["flight"])
            .event_types(["flight_departed", "flight_arrived", "flight_cancelled"])
            .payload()
            .state()
            .table(CARRIERS)
            .query("carriers")
    }

    fn start(_config: NoConfig, _context: &StartContext) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn handle(&self, event: &Event<'_>, tables: &mut Tables<'_>) -> Result<(), HandleError> {
        let flight: Flight<'_> = event.state()?;
        match event.event_type() {
            "flight_departed" => tables.update(CARRIERS, flight.carrier, |record| record.departed += 1)?,
            "flight_cancelled" => tables.update(CARRIERS, flight.carrier, |record| record.cancelled += 1)?,
            _ => {
                let arrival: Arrival = event.payload()?;
                tables.update(CARRIERS, flight.carrier, |record| {
                    record.arrived += 1;
                    record.arrival_delay_minutes_total += arrival.delay_minutes;
                })?;
            }
        }
        Ok(())
    }

    fn query(&self, query: &Query<'_>, tables: &Tables<'_>) -> Result<Answer, QueryError> {
        match query.name() {
            "carriers" => {
                let carriers: BTreeMap<_, _> = tables.scan(CARRIERS, Keys::all()).collect::<Result<_, _>>()?;
                Answer::new(&carriers)
            }
            _ => Err(QueryError::UnknownQuery),
        }
    }
}

export_read_model!(Punctuality);

#[cfg(test)]
#[path = "../../flights.rs"]
mod flights;

#[cfg(test)]
mod tests {
    use eventdbx_plugin_sdk::testing::{Draft, Log, Runner};
    use serde_json::json;

    use super::*;

    #[test]
    fn an_arrival_counts_for_the_carrier_that_the_schedule_named() {
        let mut log = Log::new();
        for (flight, carrier) in [("AA1", "AA"), ("UA2", "UA")] {
            log.append(Draft::new("flight", flight, "flight_scheduled").payload(json!({"carrier": carrier})));
        }
        log.append(Draft::new("flight", "AA1", "flight_departed").payload(json!({"delay_minutes": 2})));
        log.append(Draft::new("flight", "AA1", "flight_arrived").payload(json!({"delay_minutes": -7})));
        log.append(Draft::new("flight", "UA2", "flight_cancelled").payload(json!({"reason": "snow"})));
        let mut model = Runner::<Punctuality>::new();
        let expected = json!({
            "AA": {"departed": 1, "arrived": 1, "arrival_delay_minutes_total": -7, "cancelled": 0},
            "UA": {"departed": 0, "arrived": 0, "arrival_delay_minutes_total": 0, "cancelled": 1},
        });
        assert_eq!(model.deliver(&log).query("carriers", json!({})), Ok(expected));
    }

    #[test]
    fn a_flight_of_nobody_is_poison() {
        let mut log = Log::new();
        log.append(Draft::new("flight", "XX1", "flight_departed"));
        let Err((1, HandleError::Poison(failure))) = Runner::<Punctuality>::new().try_deliver(&log).map(drop) else {
            panic!("it was handled")
        };
        assert_eq!(failure.code, "unfit-state");
    }

    #[test]
    fn a_day_in_new_york() {
        let (log, expected) = flights::day();
        let mut model = Runner::<Punctuality>::new();
        assert_eq!(model.deliver(&log).query("carriers", json!({})).as_ref(), Ok(&expected["carriers"]));
    }
}
