//! What is not selected never reaches a plugin: the guest here keeps every byte that it is handed, and a canary is looked for.

use std::sync::Arc;

use eventdbx_sandbox::{Batch, Fields, Host};
use eventdbx_store::{BodyKind, Draft, NewEvent, plugindb::Named};

use super::world::{Reaction, World, descriptor, done, run};
use crate::plugins::{
    FieldList, ModeRequest, Part, PayloadMode, PluginLimits,
    modes::Modes,
    selection::Selection,
    selector::Selector,
    slice::ModeMap,
    track::{Purpose, Track},
};

const CANARY: &str = "CANARY-4711";

/// Events that have the canary in every corner, and one patch that moves it about.
fn fill(world: &World) {
    world.append(
        "thing/a",
        "thing_made",
        &format!(r#"{{"ssn":"{CANARY}","name":"Ada","card":{{"number":"{CANARY}","holder":"x"}}}}"#),
    );
    let patch = format!(
        r#"[{{"op":"replace","path":"/ssn","value":"{CANARY}"}},
            {{"op":"add","path":"/card","value":{{"number":"{CANARY}","holder":"y"}}}},
            {{"op":"copy","from":"/ssn","path":"/card/number"}},
            {{"op":"replace","path":"/name","value":"Grace"}}]"#
    );
    let event = NewEvent { body_kind: BodyKind::Patch, ..NewEvent::new("thing", "a", "thing_changed", &patch) };
    world.domain.append(Draft::one(event, "tester")).unwrap();
    world.append("thing/b", "thing_made", r#"{"name":"Bob","size":7}"#);
    world.fed();
}

/// Everything that a plugin is handed, batch and all, as text.
fn handed(world: &World, selector: Selector, mode: PayloadMode) -> Vec<String> {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let guest: Arc<Reaction> = Arc::new(move |batch: &Batch<'_>, _: &mut dyn Host| {
        kept.lock().unwrap().extend(batch.items.iter().map(|item| format!("{item:?} {:?}", batch.schemas)));
        done(std::collections::BTreeMap::new())
    });
    let mut program = world.program(&guest);
    program.selector = selector;
    let (services, generation) = (Arc::clone(&world.services), world.generation());
    run(&mut Track::open(services, Arc::new(program), generation, Purpose::Live, mode).unwrap().unwrap());
    seen.lock().unwrap().clone()
}

fn selector(selection: &Selection) -> Selector {
    Selector::new(&descriptor().selector, &[], &[]).unwrap().narrowed(selection, &ModeMap::new()).unwrap()
}

fn fields(include: &[&str], exclude: &[&str]) -> FieldList {
    let list = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    FieldList { include: list(include), exclude: list(exclude) }
}

#[test]
fn what_is_excluded_never_reaches_the_plugin() {
    let world = World::new(PluginLimits::default());
    fill(&world);
    let all = handed(&world, selector(&Selection::default()), PayloadMode::All);
    assert_eq!(all.iter().filter(|item| item.contains(CANARY)).count(), 2, "else the test proves nothing");
    for (fields, shows) in [
        (fields(&[], &["/ssn", "/card/number"]), &["Grace", "holder"][..]),
        (fields(&["/name", "/card/holder"], &[]), &["Grace", "holder"]),
        (fields(&["/card"], &["/card/number"]), &["holder"]),
        (fields(&["/name"], &[]), &["Ada", "Grace", "Bob"]),
    ] {
        for mode in PayloadMode::ALL {
            let selection = Selection { fields: fields.clone(), ..Selection::default() };
            let seen = handed(&world, selector(&selection), mode).concat();
            assert!(!seen.contains(CANARY), "{fields:?} {mode}: {seen}");
            if mode == PayloadMode::All {
                assert!(shows.iter().all(|text| seen.contains(text)), "{fields:?}: {seen}");
            }
        }
    }
}

#[test]
fn what_a_plugin_cannot_use_it_is_not_given() {
    let world = World::new(PluginLimits::default());
    fill(&world);
    let mut own = descriptor();
    own.selector.fields = Fields::Except(vec!["/ssn".to_owned(), "/card".to_owned()]);
    let seen = handed(&world, Selector::new(&own.selector, &[], &[]).unwrap(), PayloadMode::All).concat();
    assert!(!seen.contains(CANARY) && seen.contains("Ada"), "{seen}");
}

#[test]
fn a_filter_is_decided_before_the_plugin_is_asked() {
    let world = World::new(PluginLimits::default());
    fill(&world);
    for (text, positions) in [
        ("aggregate_id = 'b'", &[3][..]),
        ("name = 'Ada'", &[1]),
        ("payload.size > 5 OR position = 2", &[2, 3]),
        ("note = 'a note' AND event_type LIKE '%made'", &[1, 3]),
        ("name = 'nobody'", &[]),
    ] {
        let selection = Selection { filter: Some(text.to_owned()), ..Selection::default() };
        let seen = handed(&world, selector(&selection), PayloadMode::EventOnly);
        let expected = positions.iter().map(|position| format!("Delivery {{ position: {position},"));
        assert!(
            seen.len() == positions.len() && expected.zip(&seen).all(|(begin, item)| item.starts_with(&begin)),
            "{text}: {seen:?}"
        );
    }
}

#[test]
fn a_mode_of_the_domain_cuts_like_a_built_in_one() {
    let world = World::new(PluginLimits::default());
    fill(&world);
    let request =
        ModeRequest { parts: vec![Part::Payload, Part::State], fields: fields(&[], &["/ssn", "/card/number"]) };
    world.services.db.save_named(Named::Mode, "discreet", &serde_json::to_vec(&request).unwrap()).unwrap();
    let mode: PayloadMode = "discreet".parse().unwrap();
    let nothing = handed(&world, selector(&Selection::default()), mode);
    assert!(nothing.is_empty(), "in a mode that is not there nothing is delivered");

    let modes = Modes::open(&world.services.db).unwrap().current();
    let slice = selector(&Selection::default()).slice(mode, &modes);
    assert!(slice.parts.payload && slice.parts.state && !slice.parts.envelope && slice.fields.len() == 1);
    let blind = Selection { max_mode: Some(PayloadMode::ExtensionsOnly), ..Selection::default() };
    assert!(selector(&blind).check_mode(mode, &modes).is_err(), "no mode goes above what was granted");
}
