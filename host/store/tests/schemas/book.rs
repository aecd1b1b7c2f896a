//! What the log says about mode and schemas: before and after a restart, and in which order.

use eventdbx_store::{AppendError, Mode, SchemaBook};
use serde_json::{Value, json};

use crate::support::{Place, assert_sound, document, kind};

fn order(note: &str) -> Value {
    let total = json!({"type": "float", "range": {"min": 0.1, "max": 1e21}, "enum": [0.5, 1e20, 3]});
    json!({"aggregate": "order", "note": note, "fields": {"total": total}})
}

/// All that a book says, in one text.
fn told(book: &SchemaBook) -> String {
    let mut told = book.mode().to_string();
    for kind in book.kinds() {
        told += &format!("\n{kind} {:?}", book.active(kind).map(|active| active.version));
        for stored in book.versions(kind) {
            let document = stored.schema.document().to_json();
            let (at, position) = (stored.recorded_at, stored.position);
            told += &format!("\n  {} {at} {position} {} {:?} {document}", stored.version, stored.actor, stored.note);
        }
    }
    told
}

fn code(error: &AppendError) -> &'static str {
    match error {
        AppendError::Refused(reasons) => reasons[0].code,
        other => panic!("not refused but: {other}"),
    }
}

#[test]
fn a_new_domain_has_no_schemas_and_is_in_default_mode() {
    let place = Place::new();
    let domain = place.open();
    assert_eq!(told(&domain.schemas()), "default");
    assert!(domain.schemas().active(&kind("order")).is_none());
}

#[test]
fn versions_count_up_and_survive_a_restart() {
    let place = Place::new();
    let domain = place.open();
    let before = domain.schemas();
    let (version, receipt) = domain.put_schema(document(&order("one")), "alice", Some("the first")).expect("writes");
    assert_eq!((version, receipt.events[0].position.get()), (1, 1));
    assert_eq!(receipt.events[0].aggregate.to_string(), "$schema/order");
    assert_eq!(domain.put_schema(document(&order("two")), "bob", None).expect("writes").0, 2);
    domain.put_schema(document(&json!({"aggregate": "parcel"})), "bob", None).expect("writes");
    domain.set_mode(Mode::Strict, "carol").expect("switches");
    domain.activate_schema(&kind("order"), 1, "alice").expect("activates");
    domain.remove_schema(&kind("parcel"), "alice").expect("removes");

    let book = domain.schemas();
    assert_eq!(book.mode(), Mode::Strict);
    assert_eq!(book.kinds().map(ToString::to_string).collect::<Vec<_>>(), ["order", "parcel"]);
    let active = book.active(&kind("order")).expect("active");
    assert_eq!((active.version, &*active.actor, active.note.as_deref()), (1, "alice", Some("the first")));
    assert_eq!((active.position, active.recorded_at), (receipt.events[0].position, receipt.events[0].recorded_at));
    assert!(book.active(&kind("parcel")).is_none());
    assert_eq!(book.version(&kind("order"), 2).expect("kept").schema.document().note(), Some("two"));
    assert!(book.version(&kind("order"), 0).is_none() && book.version(&kind("order"), 3).is_none());
    assert_eq!(told(&before), "default", "a book never changes");

    // A new version follows the last one, whatever is active.
    assert_eq!(domain.put_schema(document(&order("three")), "alice", None).expect("writes").0, 3);
    let told_before = told(&domain.schemas());
    drop(domain);
    let domain = place.open();
    assert_eq!(told(&domain.schemas()), told_before);
    assert_sound(&domain);
}

#[test]
fn what_holds_already_is_not_written_again() {
    let place = Place::new();
    let domain = place.open();
    domain.put_schema(document(&order("one")), "alice", None).expect("writes");
    drop(domain);
    let domain = place.open();
    let head = domain.head();
    let (version, receipt) = domain.put_schema(document(&order("one")), "alice", None).expect("known");
    assert_eq!((version, receipt.duplicate, receipt.events.len()), (1, true, 0));
    assert!(domain.activate_schema(&kind("order"), 1, "alice").expect("known").duplicate);
    assert!(domain.set_mode(Mode::Default, "alice").expect("known").duplicate);
    assert_eq!(domain.head(), head);
    // What was active before is a version of its own when it comes again.
    domain.put_schema(document(&order("two")), "alice", None).expect("writes");
    assert_eq!(domain.put_schema(document(&order("one")), "alice", None).expect("writes").0, 3);
}

#[test]
fn what_is_not_there_is_refused() {
    let place = Place::new();
    let domain = place.open();
    assert_eq!(code(&domain.activate_schema(&kind("order"), 1, "alice").expect_err("none")), "unknown-version");
    assert_eq!(code(&domain.remove_schema(&kind("order"), "alice").expect_err("none")), "no-schema");
    assert_eq!(code(&domain.set_mode(Mode::Off, "").expect_err("nobody")), "bad-actor");
    for name in ["$schema/order", "$domain/settings", "$domain/snapshots"] {
        let name = name.parse().expect("a name");
        let error = domain.record(&name, "$schema_set", "{}", "alice").expect_err("the store's own");
        assert_eq!(code(&error), "reserved-name");
        assert_eq!(code(&domain.archive(&name, "alice", None).expect_err("the store's own")), "reserved-name");
    }
    assert_eq!(domain.head().position.get(), 0);
}

#[test]
fn switches_at_once_each_find_their_place() {
    let place = Place::new();
    let domain = place.open();
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let domain = &domain;
            scope.spawn(move || {
                for n in 0..10 {
                    // Others may be in the way in every round.
                    while let Err(error) = domain.put_schema(document(&order(&format!("{writer}-{n}"))), "alice", None)
                    {
                        assert!(matches!(error, AppendError::Busy(_)), "{error}");
                    }
                }
            });
        }
    });
    let book = domain.schemas();
    assert_eq!(book.active(&kind("order")).map(|active| active.version), Some(30));
    let told_before = told(&book);
    drop(domain);
    let domain = place.open();
    assert_eq!(told(&domain.schemas()), told_before);
    assert_sound(&domain);
}
