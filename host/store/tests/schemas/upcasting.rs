//! Old events in today's shape.

use std::sync::{Arc, Mutex};

use eventdbx_store::{
    AggregateRef, BodyKind, Domain, Draft, Event, NewEvent, SchemaDocument, Version,
    schema::{
        ExtensionFailure, Extensions, Judgement, Known, Objection, OldEvent, Params, ProposedEvent, Provided, Provider,
        TypedValue, Written,
    },
};
use serde_json::{Value, json};

use crate::support::{Place, document, kind};

/// The shapes of events under the active schema, as texts.
fn shapes(domain: &Domain, events: &[&Event]) -> Result<Vec<Option<String>>, ExtensionFailure> {
    let written: Vec<_> =
        events.iter().map(|it| Written { header: &it.header, payload: it.body.payload.as_str() }).collect();
    let shapes = domain.upcast(&domain.schemas(), &written)?;
    Ok(shapes.into_iter().map(|shape| shape.map(|json| json.to_string())).collect())
}

fn order(fields: &Value, upcasts: &Value) -> eventdbx_store::SchemaDocument {
    document(&json!({"aggregate": "order", "fields": fields, "upcasts": upcasts}))
}

fn append(domain: &Domain, body_kind: BodyKind, body: &Value) -> Event {
    let event = NewEvent { body_kind, ..NewEvent::new("order", "o-1", "changed", &body.to_string()) };
    let receipt = domain.append(Draft::one(event, "alice")).expect("appends");
    domain.event(receipt.events[0].event_id).expect("reads").expect("there")
}

#[test]
fn an_old_event_reads_in_todays_shape_and_is_kept_as_it_was_written() {
    let place = Place::new();
    let domain = place.open();
    let text = json!({"type": "text"});
    let unchecked = append(&domain, BodyKind::Payload, &json!({"sum": "0"}));
    domain.put_schema(order(&json!({"sum": text}), &json!([])), "alice", None).expect("writes");
    let first = append(&domain, BodyKind::Payload, &json!({"sum": "1"}));
    let patch = append(&domain, BodyKind::Patch, &json!([{"op": "add", "path": "/sum", "value": "2"}]));
    let shape = |event: &Event| shapes(&domain, &[event]).expect("needs no extension").remove(0);
    assert_eq!(shape(&first), None);

    let upcasts = json!([{"from": 1, "rename": {"/sum": "/total"}, "default": {"/currency": "EUR"}}]);
    domain.put_schema(order(&json!({"total": text, "currency": text}), &upcasts), "alice", None).expect("writes");
    let second = append(&domain, BodyKind::Payload, &json!({"total": "3"}));
    assert_eq!(shape(&unchecked).as_deref(), Some(r#"{"currency":"EUR","total":"0"}"#));
    assert_eq!(shape(&first).as_deref(), Some(r#"{"currency":"EUR","total":"1"}"#));
    for as_it_is in [&patch, &second] {
        assert_eq!(shape(as_it_is), None);
    }
    // The state is folded from what was written.
    let name: AggregateRef = "order/o-1".parse().expect("a name");
    let state = domain.aggregate(&name).expect("reads").expect("exists").state;
    assert_eq!(state.as_str(), r#"{"sum":"2","total":"3"}"#);
    assert_eq!(domain.state_at(&name, Version::new(2)).expect("reads").expect("there").as_str(), r#"{"sum":"1"}"#);

    domain.activate_schema(&kind("order"), 1, "alice").expect("activates");
    assert_eq!((shape(&first), shape(&second)), (None, None), "nothing is turned back");
    domain.remove_schema(&kind("order"), "alice").expect("removes");
    assert_eq!(shape(&first), None);
}

/// Brings the upcaster `cents`: a number `total` becomes one hundred times as much.
struct Cents {
    /// How many events each crossing had.
    crossings: Mutex<Vec<usize>>,
    provided: Arc<Provided>,
}

impl Extensions for Cents {
    fn provided(&self) -> Arc<Provided> {
        Arc::clone(&self.provided)
    }

    fn judge(&self, _: &[TypedValue<'_>], _: &[ProposedEvent<'_>]) -> Result<Judgement, ExtensionFailure> {
        unreachable!("no schema here leaves values or events to it")
    }

    fn judge_params(&self, params: &[Params<'_>]) -> Result<Vec<Vec<Objection>>, ExtensionFailure> {
        Ok(params.iter().map(|_| Vec::new()).collect())
    }

    fn upcast(&self, events: &[OldEvent<'_>]) -> Result<Vec<Result<String, Objection>>, ExtensionFailure> {
        self.crossings.lock().expect("no panic").push(events.len());
        let cents = |event: &OldEvent<'_>| {
            let mut payload: Value = serde_json::from_str(&event.payload).expect("JSON");
            let factor: Value = serde_json::from_str(event.params).expect("JSON");
            match payload["total"].as_i64() {
                Some(-1) => Ok("[]".to_owned()),
                Some(total) => {
                    payload["total"] = json!(total * factor["factor"].as_i64().unwrap_or(100));
                    Ok(payload.to_string())
                }
                None => {
                    Err(Objection { path: "/total".into(), code: "no-total".into(), message: "says no total".into() })
                }
            }
        };
        Ok(events.iter().map(cents).collect())
    }
}

/// A domain with old events of two versions, and a schema that leaves them to `cents`.
fn with_cents(place: &Place, totals: &[Value]) -> (Domain, Arc<Cents>, Vec<Event>) {
    let domain = place.open();
    let provider = Provider { plugin: "money".into(), version: "1.0.0".into(), component: "c0ffee".into() };
    let provided = Provided { upcasters: [("cents".to_owned(), provider)].into(), ..Provided::default() };
    let cents = Arc::new(Cents { crossings: Mutex::default(), provided: Arc::new(provided) });
    domain.extend(Arc::clone(&cents) as Arc<dyn Extensions>);
    let anything = json!({"total": {"type": "json"}});
    domain.put_schema(order(&anything, &json!([])), "alice", None).expect("writes");
    let events = totals.iter().map(|total| append(&domain, BodyKind::Payload, &json!({"total": total}))).collect();
    let upcasts = json!([
        {"from": 1, "rename": {"/sum": "/total"}, "upcaster": "cents"},
        {"from": 2, "upcaster": "cents", "params": {"factor": 2}},
    ]);
    let document = json!({"aggregate": "order", "fields": {"total": {"type": "json"}}, "upcasts": upcasts});
    let document = SchemaDocument::parse_knowing(&document.to_string(), Known::Provided(&cents.provided));
    domain.put_schema(document.expect("valid"), "alice", None).expect("writes");
    (domain, cents, events)
}

#[test]
fn an_upcaster_is_asked_for_many_events_at_once_and_for_each_step_in_turn() {
    let place = Place::new();
    let totals: Vec<Value> = (0..600).map(|total| json!(total)).collect();
    let (domain, cents, events) = with_cents(&place, &totals);
    let uses = domain.schemas().active(&kind("order")).expect("a schema").uses.clone();
    assert_eq!(uses.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["cents"]);
    let shown = shapes(&domain, &events.iter().collect::<Vec<_>>()).expect("shapes");
    assert_eq!(shown[0], None, "nothing of it changes");
    for (total, shape) in shown.iter().enumerate().skip(1) {
        assert_eq!(shape.as_deref(), Some(format!(r#"{{"total":{}}}"#, total * 200).as_str()));
    }
    assert_eq!(*cents.crossings.lock().expect("no panic"), [256, 256, 88, 256, 256, 88]);
    let name: AggregateRef = "order/o-1".parse().expect("a name");
    let state = domain.aggregate(&name).expect("reads").expect("exists").state;
    assert_eq!(state.as_str(), r#"{"total":599}"#, "a state is folded from what was written");
}

#[test]
fn an_event_without_a_shape_is_told_with_its_place_and_never_passed_off() {
    let place = Place::new();
    let (domain, _, events) = with_cents(&place, &[json!(1), json!("much"), json!(-1)]);
    let failure = |event: &Event| shapes(&domain, &[event]).expect_err("no shape").to_string();
    let position = events[1].header.position;
    assert_eq!(
        failure(&events[1]),
        format!(
            "the extension money has no answer: its upcaster cents has no shape for the changed at position {position}: says no \
             total (no-total)"
        )
    );
    assert!(failure(&events[2]).contains("answers with no payload"), "{}", failure(&events[2]));
    assert!(shapes(&domain, &events.iter().collect::<Vec<_>>()).is_err(), "one of them spoils the whole");
    drop(domain);
    let domain = place.open();
    let gone = shapes(&domain, &[&events[0]]).expect_err("nobody brings it").to_string();
    assert!(gone.contains("the upcaster cents") && gone.contains("dbx plugin install"), "{gone}");
}
