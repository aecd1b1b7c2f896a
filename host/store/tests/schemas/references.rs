//! References: what they ask for when they are written, who is found by them, and what becomes of them on archiving.

use eventdbx_store::{
    AggregateQuery, AggregateRef, AppendError, BodyKind, Domain, DomainName, Draft, EventQuery, Lane, NewEvent, State,
    SubmitError,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Place, assert_sound, document, kind};

fn order(customer: &Value) -> eventdbx_store::SchemaDocument {
    document(&json!({
        "aggregate": "order",
        "additional": true,
        "fields": {
            "customer": customer,
            "parent": {"type": "reference"},
            "ship": {"type": "object", "properties": {"to": {"type": "reference", "to": "place"}}},
        },
    }))
}

fn strong(on_archive: &str) -> Value {
    json!({"type": "reference", "to": "customer", "integrity": "strong", "on_archive": on_archive})
}

fn with_schema(place: &Place, customer: &Value) -> Domain {
    let domain = place.open();
    domain.put_schema(order(customer), "alice", None).expect("writes");
    domain
}

fn event(name: &str, payload: &Value) -> NewEvent {
    let (kind, id) = name.split_once('/').expect("a name");
    NewEvent::new(kind, id, "changed", &payload.to_string())
}

fn draft(events: impl IntoIterator<Item = NewEvent>) -> Draft {
    Draft { events: events.into_iter().collect(), key: None, actor: "alice".into() }
}

fn append(domain: &Domain, name: &str, payload: &Value) -> Result<(), String> {
    domain.append(draft([event(name, payload)])).map(drop).map_err(told)
}

fn patch(domain: &Domain, name: &str, operations: &Value) -> Result<(), String> {
    let event = NewEvent { body_kind: BodyKind::Patch, ..event(name, operations) };
    domain.append(draft([event])).map(drop).map_err(told)
}

fn archive(domain: &Domain, name: &str) -> Result<usize, String> {
    domain.archive(&self::name(name), "alice", None).map(|receipt| receipt.events.len()).map_err(told)
}

fn told(error: AppendError) -> String {
    match error {
        AppendError::Refused(reasons) => {
            let lines = reasons.iter().map(|reason| format!("{} {}: {}", reason.path, reason.code, reason.message));
            lines.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

fn name(text: &str) -> AggregateRef {
    text.parse().expect("a name")
}

/// Who refers to an aggregate, with where.
fn referrers(domain: &Domain, of: Option<&str>, to: &str) -> Vec<String> {
    let of: Option<DomainName> = of.map(|of| of.parse().expect("a name"));
    let page = domain.referrers(of.as_ref(), &name(to), None, 1000).expect("reads");
    assert!(!page.more);
    let shown = page.rows.iter().map(|row| {
        let places: Vec<&str> = row.links.iter().map(|link| link.pointer.as_str()).collect();
        format!("{} {}", row.name, places.join(" "))
    });
    shown.collect()
}

fn state(domain: &Domain, of: &str) -> String {
    domain.aggregate(&name(of)).expect("reads").expect("exists").state.to_string()
}

#[test]
fn a_strong_reference_leads_to_what_is_there() {
    let place = Place::new();
    let domain = with_schema(&place, &strong("restrict"));
    let missing = "/payload/customer reference: it refers to customer/c-1, which does not exist";
    assert_eq!(append(&domain, "order/o-1", &json!({"customer": "#c-1"})), Err(missing.to_owned()));
    append(&domain, "customer/c-1", &json!({})).expect("appends");
    append(&domain, "order/o-1", &json!({"customer": "#c-1", "parent": "#o-0"})).expect("appends");
    append(&domain, "order/o-1", &json!({"customer": "default#customer#c-1"})).expect("the own domain may be named");
    let elsewhere = append(&domain, "order/o-1", &json!({"customer": "shop#customer#c-1"}));
    assert!(elsewhere.expect_err("refused").contains("an aggregate of this domain"));

    let both = [event("order/o-2", &json!({"customer": "#c-2"})), event("customer/c-2", &json!({}))];
    domain.append(draft(both)).expect("a request may create what it refers to");

    let to = |id: &str| json!([{"op": "add", "path": "/customer", "value": id}]);
    let refused = patch(&domain, "order/o-1", &to("#c-9")).expect_err("refused");
    assert_eq!(refused, "/state/customer reference: it refers to customer/c-9, which does not exist");
    patch(&domain, "order/o-1", &to("#c-2")).expect("appends");

    // All that is wrong is said at once.
    let refused = append(&domain, "order/o-3", &json!({"customer": "#c-9", "parent": 1})).expect_err("refused");
    assert!(refused.contains("/payload/parent type") && refused.contains("/payload/customer reference"), "{refused}");
    assert_sound(&domain);
}

#[test]
fn a_request_in_a_lane_may_refer_to_what_the_one_before_creates() {
    let place = Place::new();
    let domain = with_schema(&place, &strong("restrict"));
    let lane = Lane::default();
    let requests = [
        domain.check(draft([event("customer/c-1", &json!({}))])),
        domain.check(draft([event("order/o-1", &json!({"customer": "#c-1"}))])),
    ];
    let (sender, receiver) = std::sync::mpsc::channel();
    for request in requests {
        let sender = sender.clone();
        let reply = move |outcome: Result<_, SubmitError>| sender.send(outcome.is_ok()).expect("received");
        domain.submit(request.expect("checks").in_lane(&lane), Box::new(reply));
    }
    assert_eq!((receiver.recv(), receiver.recv()), (Ok(true), Ok(true)));
}

#[test]
fn a_hidden_reference_is_not_told() {
    let place = Place::new();
    let hidden = json!({"type": "reference", "to": "customer", "integrity": "strong", "hidden": true});
    let domain = with_schema(&place, &hidden);
    let refused = append(&domain, "order/o-1", &json!({"customer": "#c-secret"})).expect_err("refused");
    assert!(refused.contains("does not exist") && !refused.contains("c-secret"), "{refused}");
    append(&domain, "customer/c-1", &json!({})).expect("appends");
    append(&domain, "order/o-1", &json!({"customer": "#c-1"})).expect("appends");
    let refused = archive(&domain, "customer/c-1").expect_err("refused");
    assert!(refused.contains("order/o-1 (by a hidden field)"), "{refused}");
}

#[test]
fn archiving_asks_those_that_refer() {
    let place = Place::new();
    let domain = with_schema(&place, &strong("restrict"));
    append(&domain, "customer/c-1", &json!({})).expect("appends");
    append(&domain, "order/o-1", &json!({"customer": "#c-1"})).expect("appends");
    append(&domain, "order/o-2", &json!({"parent": "customer#c-1"})).expect("appends");
    let refused = archive(&domain, "customer/c-1").expect_err("refused");
    assert!(refused.contains("referred to by order/o-1 (by /customer):"), "{refused}");
    append(&domain, "order/o-1", &json!({"customer": null})).expect("appends");
    assert_eq!(archive(&domain, "customer/c-1"), Ok(1), "a weak reference stays");
    assert_eq!(referrers(&domain, None, "customer/c-1"), ["order/o-2 /parent"]);
    let refused = append(&domain, "order/o-1", &json!({"customer": "#c-1"})).expect_err("refused");
    assert_eq!(refused, "/payload/customer reference: it refers to customer/c-1, which is archived");

    // One that is archived itself holds nothing back.
    append(&domain, "customer/c-2", &json!({})).expect("appends");
    append(&domain, "order/o-3", &json!({"customer": "#c-2"})).expect("appends");
    archive(&domain, "order/o-3").expect("archives");
    archive(&domain, "customer/c-2").expect("archives");
    assert_sound(&domain);
}

#[test]
fn references_are_removed_with_the_archival() {
    let place = Place::new();
    let domain = with_schema(&place, &strong("nullify"));
    append(&domain, "customer/c-1", &json!({})).expect("appends");
    for id in ["order/o-1", "order/o-2"] {
        append(&domain, id, &json!({"customer": "#c-1", "n": 1})).expect("appends");
    }
    assert_eq!(archive(&domain, "customer/c-1"), Ok(3));
    assert_eq!((state(&domain, "order/o-1"), state(&domain, "order/o-2")), (r#"{"n":1}"#.into(), r#"{"n":1}"#.into()));
    assert_eq!(referrers(&domain, None, "customer/c-1"), Vec::<String>::new());
    let query = EventQuery { aggregate: Some(name("order/o-1")), system: true, limit: 10, ..EventQuery::default() };
    let last = domain.events(&query).expect("reads").rows.pop().expect("events");
    assert_eq!(last.header.event_type.as_str(), "$reference_removed");
    assert!(last.body.metadata.expect("says why").as_str().contains("c-1"));
    assert_sound(&domain);
}

#[test]
fn a_schema_finds_the_references_that_are_there_already() {
    let place = Place::new();
    let domain = place.open();
    append(&domain, "order/o-1", &json!({"customer": "#c-1", "parent": "#o-0"})).expect("appends");
    append(&domain, "order/o-2", &json!({"customer": "shop#customer#c-1"})).expect("appends");
    assert_eq!(referrers(&domain, None, "customer/c-1"), Vec::<String>::new());
    domain.put_schema(order(&json!({"type": "reference", "to": "customer"})), "alice", None).expect("writes");
    assert_eq!(referrers(&domain, None, "customer/c-1"), ["order/o-1 /customer"]);
    assert_eq!(referrers(&domain, Some("shop"), "customer/c-1"), ["order/o-2 /customer"]);
    assert_eq!(referrers(&domain, None, "order/o-0"), ["order/o-1 /parent"]);
    domain.put_schema(order(&json!({"type": "text"})), "alice", None).expect("writes");
    assert_eq!(referrers(&domain, None, "customer/c-1"), Vec::<String>::new());
    append(&domain, "order/o-3", &json!({"customer": "#c-1"})).expect("appends");
    domain.activate_schema(&kind("order"), 1, "alice").expect("activates");
    assert_eq!(referrers(&domain, None, "customer/c-1"), ["order/o-1 /customer", "order/o-3 /customer"]);
    drop(domain);
    let domain = place.open();
    assert_eq!(referrers(&domain, None, "customer/c-1"), ["order/o-1 /customer", "order/o-3 /customer"]);
}

#[test]
fn writers_and_an_archival_at_once_leave_no_strong_reference_to_what_is_archived() {
    let place = Place::new();
    let domain = with_schema(&place, &strong("nullify"));
    for round in 0..20 {
        let customer = format!("c-{round}");
        append(&domain, &format!("customer/{customer}"), &json!({})).expect("appends");
        std::thread::scope(|scope| {
            for writer in 0..3 {
                let (domain, customer) = (&domain, &customer);
                scope.spawn(move || {
                    for order in 0..10 {
                        let name = format!("order/{customer}-{writer}-{order}");
                        // Refused once the customer is archived.
                        let _ = append(domain, &name, &json!({"customer": format!("#{customer}")}));
                    }
                });
            }
            let archived = (0..100).find_map(|_| archive(&domain, &format!("customer/{customer}")).ok());
            assert!(archived.is_some(), "it is archived in the end");
        });
        assert_eq!(referrers(&domain, None, &format!("customer/{customer}")), Vec::<String>::new());
    }
    assert_sound(&domain);
}

#[derive(Debug, Clone)]
enum Operation {
    Refer(u8, u8),
    Patch(u8, u8),
    Clear(u8),
    Archive(u8),
    Restore(u8),
    Switch(bool),
    Reopen,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0..4u8, 0..4u8).prop_map(|(from, to)| Operation::Refer(from, to)),
        2 => (0..4u8, 0..4u8).prop_map(|(from, to)| Operation::Patch(from, to)),
        2 => (0..4u8).prop_map(Operation::Clear),
        1 => (0..4u8).prop_map(Operation::Archive),
        1 => (0..4u8).prop_map(Operation::Restore),
        1 => any::<bool>().prop_map(Operation::Switch),
        1 => Just(Operation::Reopen),
    ]
}

/// Who refers to an aggregate, by a look at every state.
fn naive(domain: &Domain, to: &str) -> Vec<String> {
    let book = domain.schemas();
    let Some(active) = book.active(&kind("order")) else { return Vec::new() };
    let query = AggregateQuery { archived: true, states: true, limit: 1000, ..AggregateQuery::default() };
    let rows = domain.aggregates(&query).expect("reads").rows.into_iter();
    let mut found: Vec<String> = rows
        .filter(|row| row.name.kind == kind("order"))
        .filter_map(|row| {
            let state = State::parse(&row.state.expect("asked for")).expect("a state");
            let links = active.schema.links(state.members());
            let places: Vec<_> =
                links.iter().filter(|link| link.target == name(to)).map(|link| &*link.pointer).collect();
            (!places.is_empty()).then(|| format!("{} {}", row.name, places.join(" ")))
        })
        .collect();
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_a_look_at_every_state_finds(operations in prop::collection::vec(operation(), 1..40)) {
        let place = Place::new();
        let mut domain = Some(with_schema(&place, &json!({"type": "text"})));
        for operation in operations {
            let log = domain.as_ref().expect("open");
            let order = |id: u8| format!("order/o-{id}");
            // What cannot be done is refused, which is fine: it changes nothing.
            match operation {
                Operation::Refer(from, to) => {
                    drop(append(log, &order(from), &json!({"customer": format!("#o-{to}"), "parent": format!("#o-{to}")})));
                }
                Operation::Patch(from, to) => {
                    let value = json!({"to": format!("order#o-{to}")});
                    drop(patch(log, &order(from), &json!([{"op": "add", "path": "/parent", "value": value["to"]}])));
                }
                Operation::Clear(from) => drop(append(log, &order(from), &json!({"parent": null}))),
                Operation::Archive(id) => drop(archive(log, &order(id))),
                Operation::Restore(id) => drop(log.restore(&name(&order(id)), "alice", None)),
                Operation::Switch(refers) => {
                    let column = if refers {
                        json!({"type": "reference", "to": "order", "integrity": "strong", "on_archive": "nullify"})
                    } else {
                        json!({"type": "text"})
                    };
                    log.put_schema(self::order(&column), "alice", None).expect("writes");
                }
                Operation::Reopen => {
                    drop(domain.take());
                    domain = Some(place.open());
                }
            }
            let log = domain.as_ref().expect("open");
            for id in 0..4 {
                let mut found = referrers(log, None, &order(id));
                found.sort();
                prop_assert_eq!(found, naive(log, &order(id)));
            }
        }
        assert_sound(domain.as_ref().expect("open"));
    }
}
