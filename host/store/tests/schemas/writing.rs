//! What schemas and modes let through, and what a refusal says.

use eventdbx_store::{AppendError, BodyKind, Domain, Draft, Event, Mode, NewEvent};
use serde_json::{Value, json};

use crate::support::{Place, assert_sound, document, kind};

fn order() -> Value {
    json!({
        "aggregate": "order",
        "fields": {
            "total": {"type": "integer", "required": true, "range": {"min": 0}},
            "currency": {"type": "text", "required": true, "format": "currency"},
            "note": {"type": "text"},
            "address": {"type": "object", "properties": {
                "city": {"type": "text", "required": true}, "zip": {"type": "text"},
            }},
        },
    })
}

fn event(payload: &Value) -> NewEvent {
    NewEvent::new("order", "o-1", "order_changed", &payload.to_string())
}

fn patch(operations: &Value) -> NewEvent {
    NewEvent { body_kind: BodyKind::Patch, ..event(operations) }
}

fn draft(events: impl IntoIterator<Item = NewEvent>) -> Draft {
    Draft { events: events.into_iter().collect(), key: None, actor: "alice".into() }
}

fn append(domain: &Domain, payload: &Value) -> Result<(), Vec<String>> {
    told(domain.append(draft([event(payload)])))
}

/// `event index`, path and code of each reason.
fn told<T>(answer: Result<T, AppendError>) -> Result<(), Vec<String>> {
    match answer {
        Ok(_) => Ok(()),
        Err(AppendError::Refused(reasons)) => {
            Err(reasons.iter().map(|reason| format!("{} {} {}", reason.event, reason.path, reason.code)).collect())
        }
        Err(other) => panic!("not refused but: {other}"),
    }
}

fn refused<const N: usize>(reasons: [&str; N]) -> Result<(), Vec<String>> {
    Err(reasons.map(str::to_owned).to_vec())
}

fn with_schema(place: &Place) -> Domain {
    let domain = place.open();
    domain.put_schema(document(&order()), "alice", None).expect("writes");
    domain
}

fn last(domain: &Domain) -> Event {
    let row = domain.scan(domain.head().position).next().expect("a row");
    row.and_then(|sealed| sealed.open()).expect("opens")
}

#[test]
fn every_violation_of_every_event_is_reported_at_once() {
    let place = Place::new();
    let domain = with_schema(&place);
    let head = domain.head();
    let answer = told(domain.append(draft([
        event(&json!({"total": -1, "currency": "EURO", "colour": "red"})),
        event(&json!({"note": 7, "address": {"zip": 1}})),
    ])));
    assert_eq!(
        answer,
        refused([
            "0 /payload/colour unknown-field",
            "0 /payload/currency format",
            "0 /payload/total range",
            "1 /payload/address/zip type",
            "1 /payload/note type",
            "1 /payload/address/city required",
        ])
    );
    assert_eq!(domain.head(), head, "nothing was written");
}

#[test]
fn what_must_be_there_is_decided_by_payload_and_state() {
    let place = Place::new();
    let domain = with_schema(&place);
    let missing = refused(["0 /payload/currency required", "0 /payload/total required"]);
    assert_eq!(append(&domain, &json!({})), missing);
    assert_eq!(append(&domain, &json!({"total": 1})), refused(["0 /payload/currency required"]));
    // Later payloads of a request cannot make good for earlier ones, the other way round they can.
    let (one, both) = (event(&json!({"total": 1})), event(&json!({"total": 1, "currency": "EUR"})));
    assert_eq!(told(domain.append(draft([one.clone(), both.clone()]))), refused(["0 /payload/currency required"]));
    assert_eq!(told(domain.append(draft([both, one]))), Ok(()));
    // The state has what the payload leaves out.
    assert_eq!(append(&domain, &json!({"total": 2})), Ok(()));
    assert_eq!(append(&domain, &json!({"currency": null})), refused(["0 /payload/currency required"]));
    assert_eq!(append(&domain, &json!({"address": {"zip": "1"}})), refused(["0 /payload/address/city required"]));
    assert_eq!(append(&domain, &json!({"address": {"city": "Köln"}})), Ok(()));
    assert_eq!(append(&domain, &json!({"address": {"zip": "1"}})), Ok(()));
    assert_eq!(append(&domain, &json!({"address": null})), Ok(()));
    assert_eq!(append(&domain, &json!({"address": {"zip": "1"}})), refused(["0 /payload/address/city required"]));
    assert_sound(&domain);
}

#[test]
fn a_request_of_many_events_is_decided_alike() {
    let place = Place::new();
    let domain = with_schema(&place);
    let many = |first: Value| {
        let rest = (0..40).map(|n| event(&json!({"total": n})));
        draft(std::iter::once(event(&first)).chain(rest))
    };
    let Err(reasons) = told(domain.append(many(json!({"total": 1})))) else { panic!("not refused") };
    assert_eq!(reasons.len(), 41, "each event leaves the currency out");
    assert_eq!((&*reasons[0], &*reasons[40]), ("0 /payload/currency required", "40 /payload/currency required"));
    assert_eq!(told(domain.append(many(json!({"total": 1, "currency": "EUR"})))), Ok(()));
    assert_eq!(told(domain.append(many(json!({"note": "again"})))), Ok(()));
    assert_eq!(last(&domain).header.schema_version, 1);
    assert_sound(&domain);
}

#[test]
fn patches_are_checked_by_every_state_that_they_make() {
    let place = Place::new();
    let domain = with_schema(&place);
    append(&domain, &json!({"total": 1, "currency": "EUR"})).expect("appends");
    let set = |path: &str, value: Value| json!([{"op": "add", "path": path, "value": value}]);
    let remove = |path: &str| json!([{"op": "remove", "path": path}]);
    let answer = told(domain.append(draft([
        patch(&set("/total", json!("much"))),
        patch(&remove("/total")),
        event(&json!({"total": 5})),
        patch(&set("/total", json!(-5))),
    ])));
    assert_eq!(answer, refused(["0 /state/total type", "1 /state/total required", "3 /state/total range"]));
    // A patch that does not apply is told beside what others break.
    let answer = told(domain.append(draft([
        event(&json!({"total": "much"})),
        patch(&json!([{"op": "test", "path": "/total", "value": 7}])),
        patch(&remove("/currency")),
    ])));
    assert_eq!(answer, refused(["0 /payload/total type", "1 /patch/0 patch-does-not-apply"]));
    assert_eq!(told(domain.append(draft([patch(&set("/total", json!(7)))]))), Ok(()));
    assert_eq!(last(&domain).header.schema_version, 1);
    assert_sound(&domain);
}

#[test]
fn modes_say_what_a_schema_is_worth() {
    let place = Place::new();
    let domain = place.open();
    let anything = json!({"total": "much"});
    append(&domain, &anything).expect("no schema yet");
    assert_eq!(last(&domain).header.schema_version, 0);
    domain.put_schema(document(&order()), "alice", None).expect("writes");
    assert!(append(&domain, &anything).is_err());

    domain.set_mode(Mode::Off, "alice").expect("switches");
    append(&domain, &anything).expect("nothing is checked");
    assert_eq!(last(&domain).header.schema_version, 0);

    domain.set_mode(Mode::Strict, "alice").expect("switches");
    let other = || NewEvent::new("parcel", "p-1", "sent", "{}");
    let good = event(&json!({"total": 1, "currency": "EUR"}));
    assert_eq!(told(domain.append(draft([other()]))), refused(["0 /aggregate_type no-schema"]));
    let answer = told(domain.append(draft([other(), event(&anything)])));
    assert_eq!(
        answer,
        refused(["0 /aggregate_type no-schema", "1 /payload/total type", "1 /payload/currency required"])
    );
    told(domain.append(draft([good]))).expect("follows the schema");
    assert_eq!(last(&domain).header.schema_version, 1);

    // EventDBX's own events are never checked.
    let name = "order/o-1".parse().expect("a name");
    domain.archive(&name, "alice", None).expect("archives");
    domain.restore(&name, "alice", None).expect("restores");
    domain.record(&"$plugin/counter".parse().expect("a name"), "$plugin_installed", "{}", "alice").expect("records");
    domain.remove_schema(&kind("order"), "alice").expect("removes");
    assert_eq!(append(&domain, &json!({"total": 1})), refused(["0 /aggregate_type no-schema"]));
    domain.set_mode(Mode::Default, "alice").expect("switches");
    append(&domain, &anything).expect("no schema any more");
    assert_sound(&domain);
}

#[test]
fn a_locked_schema_takes_nothing_and_a_hidden_value_is_not_repeated() {
    let place = Place::new();
    let domain = place.open();
    let secret = json!({"aggregate": "order", "fields": {"pin": {"type": "integer", "hidden": true}}});
    domain.put_schema(document(&secret), "alice", None).expect("writes");
    let error = domain.append(draft([event(&json!({"pin": "s3cr3t"}))])).expect_err("no integer");
    assert!(!format!("{error} {error:?}").contains("s3cr3t"));
    let locked = json!({"aggregate": "order", "locked": true, "fields": {"pin": {"type": "integer"}}});
    domain.put_schema(document(&locked), "alice", None).expect("writes");
    assert_eq!(append(&domain, &json!({})), refused(["0 /payload schema-locked"]));
}

#[test]
fn a_request_that_was_written_is_known_whatever_holds_now() {
    let place = Place::new();
    let domain = place.open();
    let keyed = || draft([event(&json!({"anything": true})), event(&json!({"total": "much"}))]).with_key("k-1");
    let first = domain.append(keyed()).expect("no schema yet");
    domain.put_schema(document(&order()), "alice", None).expect("writes");
    domain.set_mode(Mode::Strict, "alice").expect("switches");
    for _ in 0..2 {
        let again = domain.append(keyed()).expect("known");
        assert!(again.duplicate);
        assert_eq!(again.events, first.events);
    }
    let other = draft([event(&json!({"anything": false}))]).with_key("k-1");
    assert!(matches!(domain.append(other), Err(AppendError::KeyReused { .. })));
}

#[test]
fn a_request_of_nothing_but_mistakes_does_not_grow_its_answer() {
    let place = Place::new();
    let domain = with_schema(&place);
    let wrong: serde_json::Map<String, Value> = (0..1000).map(|n| (format!("f{n}"), json!(n))).collect();
    let events = (0..50).map(|_| event(&Value::Object(wrong.clone())));
    let Err(reasons) = told(domain.append(draft(events))) else { panic!("not refused") };
    assert_eq!(reasons.len(), eventdbx_store::limits::VIOLATIONS);
}
