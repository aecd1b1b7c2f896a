//! One member: what it is given, what is kept, what comes again.

use eventdbx_store::SchemaDocument;
use serde_json::{Value, json};

use super::world::{World, acks, event, positions};
use crate::{plugins::PayloadMode, subscriptions::limits};

#[test]
fn what_is_acknowledged_does_not_come_again() {
    let world = World::new();
    world.append_many(5, 5);
    let definition = world.definition();
    let mut subscription = world.open(&definition);
    let first = world.take(&mut subscription, "m", 3);
    assert_eq!(positions(&first), [1, 2, 3]);
    assert_eq!(positions(&world.take(&mut subscription, "m", 9)), [4, 5], "what is in flight is not given twice");
    world.ack(&mut subscription, &first[..2]);
    assert_eq!(subscription.progress.cursor.position.get(), 2);
    drop(subscription);

    let mut again = world.open(&definition);
    let rest = world.take(&mut again, "m", 9);
    assert_eq!(positions(&rest), [3, 4, 5], "all that was not acknowledged");
    assert!(rest.iter().all(|delivery| delivery.attempt == 1 && delivery.phase == "catch-up"));
    let stale = again.ack(&acks(&first), world.now).unwrap();
    assert_eq!((stale.acknowledged, stale.stale.len()), (0, 3), "deliveries of an earlier run do not count");
    world.ack(&mut again, &rest);
    assert!(world.take(&mut again, "m", 9).is_empty());
    let live = world.append("thing/x", "made");
    let rows = world.take(&mut again, "m", 9);
    assert_eq!((positions(&rows), &*rows[0].phase), (vec![live], "live"));
}

#[test]
fn what_is_settled_ahead_of_the_cursor_is_kept_too() {
    let world = World::new();
    world.append_many(6, 6);
    let definition = world.definition();
    let mut subscription = world.open(&definition);
    let rows = world.take(&mut subscription, "m", 9);
    world.ack(&mut subscription, &[rows[1].clone(), rows[4].clone()]);
    assert_eq!(subscription.progress.cursor.position.get(), 0, "the first is not settled");
    drop(subscription);
    let mut subscription = world.open(&definition);
    let rows = world.take(&mut subscription, "m", 9);
    assert_eq!(positions(&rows), [1, 3, 4, 6]);
    world.ack(&mut subscription, &rows);
    assert_eq!((subscription.progress.cursor.position.get(), subscription.progress.ahead()), (6, 0));
    let left = world.source.db().tables(definition.generation).range(0, None, None).count();
    assert_eq!(left, 0, "nothing is left of what the cursor has passed");
}

#[test]
fn what_is_not_acknowledged_in_time_comes_again() {
    let mut world = World::new();
    world.append_many(2, 2);
    let mut subscription = world.subscribe();
    let late = world.take(&mut subscription, "m", 9);
    world.now += super::world::TIMEOUT;
    // One that failed comes alone.
    let rows = world.take(&mut subscription, "m", 9);
    assert_eq!((positions(&rows), rows[0].attempt), (vec![1], 2));
    let stale = subscription.ack(&acks(&late), world.now).unwrap();
    assert_eq!((stale.acknowledged, stale.stale), (0, acks(&late)));
    world.ack(&mut subscription, &rows);
    assert_eq!(positions(&world.take(&mut subscription, "m", 9)), [2]);
}

#[test]
fn the_pause_after_a_refusal_grows() {
    let mut world = World::new();
    world.append("thing/a", "made");
    let mut definition = world.definition();
    definition.max_attempts = 100;
    let mut subscription = world.open(&definition);
    for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        let rows = world.take(&mut subscription, "m", 1);
        let request = crate::wire::NackRequest { acks: acks(&rows), ..Default::default() };
        assert_eq!(subscription.nack(&request, world.now).unwrap().returned, 1);
        let waits = subscription.take("m", 1, world.now).unwrap();
        assert_eq!(waits.next_due, Some(world.now + std::time::Duration::from_secs(seconds)));
        assert!(waits.rows.is_empty() && !waits.more);
        world.now = waits.next_due.unwrap();
    }
}

#[test]
fn selector_and_mode_cut_what_is_delivered() {
    let world = World::new();
    let schema = r#"{"aggregate":"thing","fields":{"n":{"type":"integer"}}}"#;
    world.domain.put_schema(SchemaDocument::parse(schema).unwrap(), "tester", None).unwrap();
    world.append("thing/a1", "made");
    world.append("other/a2", "made");
    let wanted = world.append("thing/a3", "moved");
    world.append("thing/b1", "moved");
    let deliver = |mode, events: &[&str]| {
        let mut definition = world.definition();
        (definition.payload_mode, definition.ids) = (mode, vec!["a*".to_owned()]);
        definition.events = events.iter().map(|glob| (*glob).to_owned()).collect();
        world.take(&mut world.open(&definition), "m", 9)
    };
    let rows = deliver(PayloadMode::All, &["mov*"]);
    assert_eq!(positions(&rows), [wanted]);
    let all = event(&rows[0]);
    assert_eq!((&all["payload"], &all["state"], &all["actor"]), (&json!({"n": 1}), &json!({"n": 1}), &json!("tester")));
    let schema: Value = serde_json::from_str(rows[0].schema.as_ref().unwrap().get()).unwrap();
    assert!(schema["fields"]["n"].is_object(), "{schema}");
    let rows = deliver(PayloadMode::ExtensionsOnly, &[]);
    assert_eq!(rows.len(), 2);
    let cut = event(&rows[0]);
    assert!(cut["payload"].is_null() && cut["state"].is_null() && rows[0].schema.is_none(), "{cut}");
    assert!(deliver(PayloadMode::All, &["$*"]).is_empty(), "our own events in its aggregates: there were none");
}

#[test]
fn the_cursor_passes_what_nobody_asked_for() {
    let world = World::new();
    for n in 0..20 {
        world.append(&format!("other/o{n}"), "made");
    }
    let definition = world.definition();
    let mut subscription = world.open(&definition);
    assert!(world.take(&mut subscription, "m", 9).is_empty());
    assert_eq!(subscription.progress.cursor.position.get(), 20);
    drop(subscription);
    assert_eq!(world.open(&definition).progress.cursor.position.get(), 20);
}

#[test]
fn nobody_holds_more_than_its_share_and_the_window_is_bounded() {
    let world = World::new();
    world.append_many(3000, 3000);
    let mut subscription = world.subscribe();
    let mut taken = 0;
    for member in ["a", "b", "c", "d", "e"] {
        let rows = world.take(&mut subscription, member, 5000);
        assert!(rows.len() <= limits::IN_FLIGHT);
        assert!(world.take(&mut subscription, member, 5000).is_empty(), "{member} has to acknowledge first");
        taken += rows.len();
    }
    assert_eq!(taken, limits::WINDOW_EVENTS);
    for n in 5..limits::MEMBERS {
        world.take(&mut subscription, &format!("m{n}"), 1);
    }
    let refused = subscription.take("one too many", 1, world.now).err().unwrap();
    assert!(format!("{refused:?}").contains("MEMBERS"), "{refused:?}");
}

#[test]
fn one_that_cannot_be_read_any_more_says_why() {
    let world = World::new();
    world.append("thing/a", "made");
    let mut definition = world.definition();
    definition.ids = vec!["[a]".to_owned()];
    let mut subscription = world.open(&definition);
    assert!(subscription.last_error.as_ref().is_some_and(|error| error.contains("[a]")));
    let refused = format!("{:?}", subscription.take("m", 1, world.now).err().unwrap());
    assert!(refused.contains("Unavailable") && refused.contains("[a]"), "{refused}");
}
