//! When the airports are busy: departures by airport and local hour.
//!
//! The lesson: keys with several parts. A table keyed by (airport, hour) sorts by airport and then by hour, so that the
//! hours of one airport stand together and are read without touching the others.

use std::collections::BTreeMap;

use eventdbx_plugin_sdk::*;
use serde::Deserialize;
use serde_json::json;

/// From airport and local hour to how many flights departed.
const DEPARTURES: Table<(String, u8), u64> = Table::new("departures");

/// What a flight that has departed says.
#[derive(Deserialize)]
struct Departed<'a> {
    origin: &'a str,
    /// When it really departed, as RFC 3339 with the offset of the airport: the hour in it is the local one.
    departed_at: &'a str,
}

impl Departed<'_> {
    fn local_hour(&self) -> Option<u8> {
        let (_date, time) = self.departed_at.split_once('T')?;
        time.get(..2)?.parse().ok().filter(|hour| *hour < 24)
    }
}

/// What `departures` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    airport: Option<String>,
}

/// The plugin; it takes no configuration.
pub struct AirportHours;

impl ReadModel for AirportHours {
    type Config = NoConfig;

    fn describe() -> Descriptor {
        let params = json!({
            "type": "object",
            "properties": {"airport": {"type": "string", "description": "only this one"}},
            "additionalProperties": false,
        });
        Descriptor::new()
            .aggregate_types(["flight"])
            .event_types(["flight_departed"])
            .state()
            .table(DEPARTURES)
            .query(QueryDeclaration::new("departures").params(params))
    }

    fn start(_config: NoConfig, _context: &StartContext) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn handle(&self, event: &Event<'_>, tables: &mut Tables<'_>) -> Result<(), HandleError> {
        let flight: Departed<'_> = event.state()?;
        let no_hour = || HandleError::poison("bad-time", "departed_at has no hour");
        let hour = flight.local_hour().ok_or_else(no_hour)?;
        tables.update(DEPARTURES, (flight.origin, hour), |count| *count += 1)?;
        Ok(())
    }

    fn query(&self, query: &Query<'_>, tables: &Tables<'_>) -> Result<Answer, QueryError> {
        match query.name() {
            "departures" => {
                let params: Params = query.params()?;
                let keys = match params.airport.as_deref() {
                    Some(airport) => Keys::with_first(airport),
                    None => Keys::all(),
                };
                let mut departures = BTreeMap::new();
                for row in tables.scan(DEPARTURES, keys) {
                    let ((airport, hour), count) = row?;
                    departures.insert(format!("{airport} {hour:02}"), count);
                }
                Answer::new(&departures)
            }
            _ => Err(QueryError::UnknownQuery),
        }
    }
}

export_read_model!(AirportHours);

#[cfg(test)]
#[path = "../../flights.rs"]
mod flights;

#[cfg(test)]
mod tests {
    use eventdbx_plugin_sdk::testing::{Draft, Log, Runner};

    use super::*;

    fn departure(log: &mut Log, flight: &str, origin: &str, time: &str) {
        log.append(
            Draft::new("flight", flight, "flight_departed").payload(json!({"origin": origin, "departed_at": time})),
        );
    }

    #[test]
    fn counts_by_airport_and_local_hour() {
        let mut log = Log::new();
        departure(&mut log, "1", "JFK", "2013-01-01T05:59:00-05:00");
        departure(&mut log, "2", "JFK", "2013-01-02T05:00:00-05:00");
        departure(&mut log, "3", "EWR", "2013-01-01T23:10:00-05:00");
        let mut model = Runner::<AirportHours>::new();
        model.deliver(&log);
        assert_eq!(model.query("departures", json!({})), Ok(json!({"EWR 23": 1, "JFK 05": 2})));
        assert_eq!(model.query("departures", json!({"airport": "JFK"})), Ok(json!({"JFK 05": 2})));
    }

    #[test]
    fn what_it_cannot_read_it_refuses() {
        let mut log = Log::new();
        departure(&mut log, "1", "JFK", "yesterday");
        let Err((1, HandleError::Poison(failure))) = Runner::<AirportHours>::new().try_deliver(&log).map(drop) else {
            panic!("it was handled")
        };
        assert_eq!(failure.code, "bad-time");
        let asked = Runner::<AirportHours>::new().query("departures", json!({"airprot": "JFK"}));
        assert!(matches!(asked, Err(QueryError::BadParams(_))), "{asked:?}");
    }

    #[test]
    fn a_day_in_new_york() {
        let (log, expected) = flights::day();
        let mut model = Runner::<AirportHours>::new();
        assert_eq!(model.deliver(&log).query("departures", json!({})).as_ref(), Ok(&expected["departures_by_hour"]));
    }
}
