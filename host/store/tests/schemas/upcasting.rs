//! Old events in today's shape.

use eventdbx_store::{AggregateRef, BodyKind, Domain, Draft, Event, NewEvent, Version};
use serde_json::{Value, json};

use crate::support::{Place, document, kind};

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
    assert_eq!(domain.upcast(&first), None);

    let upcasts = json!([{"from": 1, "rename": {"/sum": "/total"}, "default": {"/currency": "EUR"}}]);
    domain.put_schema(order(&json!({"total": text, "currency": text}), &upcasts), "alice", None).expect("writes");
    let second = append(&domain, BodyKind::Payload, &json!({"total": "3"}));
    let shape = |event: &Event| domain.upcast(event).map(|json| json.to_string());
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
