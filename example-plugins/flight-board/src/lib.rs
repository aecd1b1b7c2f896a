//! A small REST face over a domain of flights: `GET /airports/JFK/hours` asks the read model `airport-hours`,
//! `GET /flights/ID` reads an aggregate, and `POST /flights/ID/notes` writes an event.
//!
//! The lesson: whoever asks needs to know nothing of EventDBX. Answers of a read model are shaped for them; what they write
//! is checked by the schemas of the domain, whose reasons `?` hands back; and with `after=POSITION`, which each write
//! answers, they read what they have written.

use std::collections::BTreeMap;

use eventdbx_plugin_sdk::{gateway::*, *};
use serde::Deserialize;
use serde_json::{Value, json};

/// The read model that is asked.
const HOURS: &str = "airport-hours";

/// A note on a flight.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    text: String,
}

/// The plugin; it takes no configuration.
pub struct FlightBoard;

impl Gateway for FlightBoard {
    type Config = NoConfig;

    fn describe() -> Descriptor {
        let wanted = ["query=airport-hours", "read=flight", "append=flight"];
        wanted.into_iter().fold(Descriptor::new(), Descriptor::capability)
    }

    fn start(_: NoConfig, _: &StartContext) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn answer(&self, request: &Incoming, client: &dyn Client) -> Result<Reply, Reply> {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (request.method(), segments.as_slice()) {
            ("GET", ["airports", airport, "hours"]) => hours(request, airport, client),
            ("GET", ["flights", id]) => flight(id, client),
            ("POST", ["flights", id, "notes"]) => note(request, id, client),
            (_, ["airports", _, "hours"] | ["flights", _] | ["flights", _, "notes"]) => {
                Err(Reply::error(405, "this is not done here"))
            }
            _ => Err(Reply::error(404, "there are /airports/CODE/hours, /flights/ID and /flights/ID/notes")),
        }
    }
}

/// Departures by local hour: `{"airport": "JFK", "hours": {"06": 31, …}}`.
fn hours(request: &Incoming, airport: &str, client: &dyn Client) -> Result<Reply, Reply> {
    let after = match request.param("after") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| Reply::error(400, "`after` is a position, which is a number"))?),
    };
    let answer = client.query(HOURS, "departures", &json!({ "airport": airport }), None, after)?;
    let departures: BTreeMap<String, u64> = answer.json()?;
    let hour = |key: &str| key.rsplit_once(' ').map_or(key, |(_, hour)| hour).to_owned();
    let hours: BTreeMap<_, _> = departures.iter().map(|(key, count)| (hour(key), count)).collect();
    Ok(Reply::json(200, &json!({ "airport": airport, "hours": hours, "as_of": answer.as_of })))
}

/// A flight as it is now; its version stands in the header `etag`.
fn flight(id: &str, client: &dyn Client) -> Result<Reply, Reply> {
    let flight = client.aggregate("flight", id)?;
    Ok(Reply::json_text(200, flight.state).with_header("etag", format!("\"{}\"", flight.version)))
}

/// Writes a note; with `if-match`, only to the version that its writer has seen.
fn note(request: &Incoming, id: &str, client: &dyn Client) -> Result<Reply, Reply> {
    let Note { text } = request.json()?;
    let seen = request.header("if-match").map(|text| text.trim_matches('"').parse());
    let expected = match seen.transpose() {
        Ok(version) => version.map_or(Expectation::Existing, Expectation::Exactly),
        Err(_) => return Err(Reply::error(400, "`if-match` is an etag of the flight")),
    };
    let event = NewEvent::new("flight", id, "flight_noted").payload(&json!({ "note": text })).expect(expected);
    let appended = client.append(vec![event], request.header("idempotency-key"))?;
    let position = appended.receipts.first().map_or(Value::Null, |receipt| receipt.position.into());
    Ok(Reply::json(201, &json!({ "position": position })))
}

export_gateway!(FlightBoard);

#[cfg(test)]
mod tests {
    use eventdbx_plugin_sdk::testing::Front;

    use super::*;

    fn front() -> Front<FlightBoard> {
        let front = Front::<FlightBoard>::new(&json!({}));
        front.domain().answers(HOURS, "departures", |params| {
            assert_eq!(params, &json!({ "airport": "JFK" }));
            json!({ "JFK 06": 31, "JFK 07": 12 })
        });
        let flight = NewEvent::new("flight", "UA1", "flight_departed").payload(&json!({ "origin": "JFK" }));
        front.domain().append(vec![flight], None).unwrap();
        front
    }

    fn body(reply: &Reply) -> Value {
        serde_json::from_slice(reply.body()).unwrap()
    }

    #[test]
    fn a_read_model_is_asked_and_its_answer_is_shaped() {
        let reply = front().call(&Incoming::new("GET", "/airports/JFK/hours?after=1"));
        assert_eq!(body(&reply), json!({ "airport": "JFK", "hours": { "06": 31, "07": 12 }, "as_of": 1 }));
        assert_eq!(front().call(&Incoming::new("GET", "/airports/JFK/hours?after=x")).code(), 400);
    }

    #[test]
    fn a_note_is_written_to_the_version_that_its_writer_has_seen() {
        let front = front();
        let read = front.call(&Incoming::new("GET", "/flights/UA1"));
        assert_eq!((body(&read), read.header("etag")), (json!({ "origin": "JFK" }), Some("\"1\"")));
        let note = |etag: &str| {
            let request = Incoming::new("POST", "/flights/UA1/notes").with_header("if-match", etag);
            front.call(&request.with_body(r#"{"text": "late"}"#))
        };
        assert_eq!(body(&note("\"1\"")), json!({ "position": 2 }));
        assert_eq!(body(&note("\"1\""))["version"], 2);
        assert_eq!(body(&front.call(&Incoming::new("GET", "/flights/UA1")))["note"], "late");
    }

    #[test]
    fn what_is_not_there_and_what_does_not_fit_is_said() {
        let front = front();
        let status =
            |method: &str, path: &str, text: &str| front.call(&Incoming::new(method, path).with_body(text)).code();
        assert_eq!(status("GET", "/", ""), 404);
        assert_eq!(status("GET", "/flights/none", ""), 404);
        assert_eq!(status("DELETE", "/flights/UA1", ""), 405);
        assert_eq!(status("POST", "/flights/UA1/notes", "{}"), 400);
        assert_eq!(status("POST", "/flights/none/notes", r#"{"text": "x"}"#), 409);
    }
}
