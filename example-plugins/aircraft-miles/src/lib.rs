//! Which aircraft fly farthest.
//!
//! The lesson: a second table as an ordered index. `miles` answers "how far has this one flown", and to rank the aircraft
//! it would have to be read as a whole. `ranking` holds the same numbers in its keys, the largest first, so that the ten
//! best are the first ten rows. Both change in one call, hence together or not at all.

use std::cmp::Reverse;

use eventdbx_plugin_sdk::*;
use serde::Deserialize;
use serde_json::json;

/// From tail numbers to miles.
const MILES: Table<String, u64> = Table::new("miles");

/// Miles, the most first, and tail numbers.
const RANKING: Table<(Reverse<u64>, String), ()> = Table::new("ranking");

/// Sums over all aircraft; the one row is `miles`.
const TOTALS: Table<String, u64> = Table::new("totals");

/// The most that `top` returns.
const MOST: u16 = 1000;

/// What a flight says once it was scheduled. Of some the aircraft is not known.
#[derive(Deserialize)]
struct Flight<'a> {
    tail_number: Option<&'a str>,
    distance_miles: u64,
}

/// What `top` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Top {
    #[serde(default = "ten")]
    n: u16,
}

fn ten() -> u16 {
    10
}

/// The plugin; it takes no configuration.
pub struct AircraftMiles;

impl ReadModel for AircraftMiles {
    type Config = NoConfig;

    fn describe() -> Descriptor {
        let top = json!({
            "type": "object",
            "properties": {"n": {"type": "integer", "minimum": 0, "maximum": MOST, "default": ten()}},
            "additionalProperties": false,
        });
        Descriptor::new()
            .aggregate_types(["flight"])
            .event_types(["flight_arrived"])
            .state()
            .table(MILES)
            .table(RANKING)
            .table(TOTALS)
            .query(QueryDeclaration::new("top").params(top))
            .query("total")
    }

    fn start(_config: NoConfig, _context: &StartContext) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn handle(&self, event: &Event<'_>, tables: &mut Tables<'_>) -> Result<(), HandleError> {
        let Flight { tail_number: Some(aircraft), distance_miles } = event.state()? else {
            return Err(HandleError::skip("no-aircraft", "the flight does not say which aircraft flew it"));
        };
        let before = tables.get(MILES, aircraft)?.unwrap_or_default();
        let after = before + distance_miles;
        tables.put(MILES, aircraft, &after)?;
        tables.remove(RANKING, (Reverse(before), aircraft));
        tables.put(RANKING, (Reverse(after), aircraft), &())?;
        tables.update(TOTALS, "miles", |total| *total += distance_miles)?;
        Ok(())
    }

    fn query(&self, query: &Query<'_>, tables: &Tables<'_>) -> Result<Answer, QueryError> {
        match query.name() {
            "top" => {
                let Top { n } = query.params()?;
                let best = tables.scan(RANKING, Keys::all()).take(n.min(MOST).into());
                let best = best.map(|row| row.map(|((Reverse(miles), aircraft), ())| (aircraft, miles)));
                Answer::new(&best.collect::<Result<Vec<_>, _>>()?)
            }
            "total" => Answer::new(&tables.get(TOTALS, "miles")?.unwrap_or_default()),
            _ => Err(QueryError::UnknownQuery),
        }
    }
}

export_read_model!(AircraftMiles);

#[cfg(test)]
#[path = "../../flights.rs"]
mod flights;

#[cfg(test)]
mod tests {
    use eventdbx_plugin_sdk::testing::{Draft, Log, Runner};

    use super::*;

    fn arrival(log: &mut Log, aircraft: Option<&str>, miles: u64) {
        let flight = format!("flight-{}", log.len());
        let scheduled = match aircraft {
            Some(aircraft) => json!({"tail_number": aircraft, "distance_miles": miles}),
            None => json!({"distance_miles": miles}),
        };
        log.append(Draft::new("flight", &flight, "flight_scheduled").payload(scheduled));
        log.append(Draft::new("flight", &flight, "flight_arrived"));
    }

    #[test]
    fn ranks_by_miles_and_ties_by_name() {
        let mut log = Log::new();
        for (aircraft, miles) in [("N2", 300), ("N1", 200), ("N3", 500), ("N1", 100)] {
            arrival(&mut log, Some(aircraft), miles);
        }
        let mut model = Runner::<AircraftMiles>::new();
        model.deliver(&log);
        assert_eq!(model.query("top", json!({})), Ok(json!([["N3", 500], ["N1", 300], ["N2", 300]])));
        assert_eq!(model.query("top", json!({"n": 1})), Ok(json!([["N3", 500]])));
        assert_eq!(model.query("total", json!({})), Ok(json!(1100)));
    }

    #[test]
    fn a_flight_without_an_aircraft_is_left_out() {
        let mut log = Log::new();
        arrival(&mut log, None, 700);
        arrival(&mut log, Some("N1"), 50);
        let mut model = Runner::<AircraftMiles>::new();
        model.deliver(&log);
        assert_eq!(model.query("total", json!({})), Ok(json!(50)));
        assert_eq!(model.skipped(), 1);
    }

    #[test]
    fn a_day_in_new_york() {
        let (log, expected) = flights::day();
        let mut model = Runner::<AircraftMiles>::new();
        model.deliver(&log);
        assert_eq!(model.query("top", json!({"n": 10})).as_ref(), Ok(&expected["aircraft_miles_top10"]));
        assert_eq!(model.query("total", json!({})).as_ref(), Ok(&expected["aircraft_miles_total"]));
    }
}
