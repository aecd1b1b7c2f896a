//! Payload modes that are components: what they make of a delivery is what arrives, and nothing arrives without them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use eventdbx_sandbox::{Batch, Failure, Halt, Host, Kind, Outcome, Parts, Replacement, Shaped, Trap, TrapKind};
use eventdbx_store::{Draft, NewEvent, NewRecipient};

use super::world::{Reaction, World, descriptor, done, failure, ledger, poisoned, recorder, run};
use crate::plugins::{
    FieldList, PayloadMode, PluginLimits, lock,
    selection::Selection,
    selector::Selector,
    shaping::{Shape, Shaping},
    slice::{Mode, ModeMap, Slice},
    track::{Program, Purpose, Track},
};

const CANARY: &str = "CANARY-4711";
const ALL: Parts = Parts { payload: true, state: true, schema: true, envelope: true, extensions: true };

/// What a mode makes of a batch. The texts are what the instance remembers.
type Answer = Result<Result<Vec<Shaped>, Failure>, Halt>;
type Code = dyn Fn(&Batch<'_>, &mut Vec<String>) -> Answer + Send + Sync;

/// A mode whose code is a closure.
struct Closure {
    code: Arc<Code>,
    remembered: Mutex<Vec<String>>,
}

impl Closure {
    fn new(code: impl Fn(&Batch<'_>, &mut Vec<String>) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { code: Arc::new(code), remembered: Mutex::default() })
    }
}

impl Shape for Closure {
    fn apart(&self) -> Arc<dyn Shape> {
        Arc::new(Self { code: Arc::clone(&self.code), remembered: Mutex::default() })
    }

    fn shape(&self, batch: &Batch<'_>) -> Answer {
        (self.code)(batch, &mut lock(&self.remembered))
    }
}

/// A component that was started, or why it does not start.
type Component = Result<Arc<Closure>, String>;

/// Has the domain a mode of this name that is a component.
fn install(world: &World, name: &str, parts: Parts, component: Component) -> PayloadMode {
    let mode = name.parse().unwrap();
    let PayloadMode::Named(key) = mode else { panic!("{name} is built in") };
    let component = component.map(|closure| closure as Arc<dyn Shape>);
    let shaping = Shaping { version: "1".to_owned(), fields: FieldList::default(), component };
    let slice = Slice { parts, fields: Vec::new() };
    let mut modes = ModeMap::clone(&world.services.modes.current());
    modes.insert(key, Mode { slice, shaping: Some(Arc::new(shaping)) });
    world.services.modes.replace(modes);
    mode
}

/// Does the same with every delivery.
fn each(what: impl Fn(&eventdbx_sandbox::Delivery<'_>) -> Shaped) -> impl Fn(&Batch<'_>, &mut Vec<String>) -> Answer {
    move |batch, _| Ok(Ok(batch.items.iter().map(&what).collect()))
}

fn payload(text: &str) -> Shaped {
    Shaped::Replace(Replacement { payload: Some(text.to_owned()), state: None, metadata: None, extensions: None })
}

fn crash(kind: TrapKind) -> Halt {
    Halt::Trapped(Trap { kind, message: "it crashed".to_owned(), backtrace: Vec::new() })
}

/// A receiver with a selection, in a mode.
fn receiver(world: &World, kind: Kind, guest: &Arc<Reaction>, selection: &Selection, mode: PayloadMode) -> Track {
    let selector = Selector::new(&descriptor().selector, &[], &[]).unwrap();
    let selector = selector.narrowed(selection, &world.services.modes.current()).unwrap();
    let program = Program { kind, selector, ..world.program(guest) };
    let (services, generation) = (Arc::clone(&world.services), world.generation());
    Track::open(services, Arc::new(program), generation, Purpose::Live, mode).unwrap().unwrap()
}

fn positions(seen: &[String]) -> Vec<u64> {
    let number = |text: &String| text.strip_prefix("Delivery { position: ").unwrap().split(',').next().unwrap().parse();
    seen.iter().map(|text| number(text).unwrap()).collect()
}

#[test]
fn what_a_mode_makes_of_a_delivery_is_what_arrives() {
    let world = World::new(PluginLimits::default());
    for n in 1..=6 {
        world.append("thing/t", "thing_made", &format!(r#"{{"n":{n},"secret":"{CANARY}"}}"#));
    }
    world.fed();
    let mode = install(
        &world,
        "odd",
        Parts { state: false, ..ALL },
        Ok(Closure::new(each(|item| match item.position % 3 {
            0 => Shaped::LeaveOut,
            1 => Shaped::Replace(Replacement {
                payload: Some(r#"{"seen":1.50}"#.to_owned()),
                state: None,
                metadata: None,
                extensions: Some(r#"{"@shaped":true}"#.to_owned()),
            }),
            _ => Shaped::Keep,
        }))),
    );
    let named = Arc::new(Mutex::new(Vec::new()));
    let (kept, (recorder, seen)) = (Arc::clone(&named), recorder());
    let guest: Arc<Reaction> = Arc::new(move |batch: &Batch<'_>, host: &mut dyn Host| {
        lock(&kept).push(batch.payload_mode.to_owned());
        recorder(batch, host)
    });
    let mut track = receiver(&world, Kind::ReadModel, &guest, &Selection::default(), mode);
    run(&mut track);
    let seen = seen.lock().unwrap();
    assert_eq!(positions(&seen), [1, 2, 4, 5]);
    assert_eq!(
        (track.cursor.position.get(), track.cursor.counters.deliveries),
        (6, 4),
        "what is left out is passed by"
    );
    assert_eq!(*named.lock().unwrap(), ["odd"]);
    for text in [&seen[0], &seen[2]] {
        assert!(text.contains(r#"payload: Some("{\"seen\":1.50}")"#) && text.contains("@shaped"), "{text}");
        assert!(!text.contains(CANARY) && text.contains("metadata: None") && text.contains("tester"), "{text}");
    }
    let untouched = format!(r#"payload: Some("{{\"n\":2,\"secret\":\"{CANARY}\"}}")"#);
    assert!(seen[1].contains(&untouched) && seen[1].contains(r#"{\"source\":\"test\"}"#), "{}", seen[1]);
}

#[test]
fn a_mode_is_given_what_its_receiver_may_see_and_no_more() {
    let world = World::new(PluginLimits::default());
    world.append("thing/t", "thing_made", &format!(r#"{{"card":"{CANARY}","name":"Ada"}}"#));
    world.fed();
    let given = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&given);
    let remember = move |batch: &Batch<'_>, _: &mut Vec<String>| {
        lock(&kept).extend(batch.items.iter().map(|item| format!("{item:?}")));
        Ok(Ok(batch.items.iter().map(|_| Shaped::Keep).collect()))
    };
    let mode = install(&world, "curious", ALL, Ok(Closure::new(remember)));
    let selection = Selection {
        max_mode: Some(PayloadMode::StateOnly),
        fields: FieldList { include: Vec::new(), exclude: vec!["/card".to_owned()] },
        ..Selection::default()
    };
    let (guest, seen) = recorder();
    run(&mut receiver(&world, Kind::ReadModel, &guest, &selection, mode));
    let (given, seen) = (given.lock().unwrap().concat(), seen.lock().unwrap().concat());
    assert_eq!(given, seen, "it kept all that it was given");
    assert!(given.contains("Ada") && given.contains("payload: None") && given.contains("envelope: None"), "{given}");
    assert!(!given.contains(CANARY), "{given}");
}

#[test]
fn a_mode_that_fails_lets_nothing_through_and_the_reason_says_which_it_was() {
    let fails: [(&str, Component, &str); 9] = [
        ("not-started", Err("it has no code".to_owned()), "it has no code"),
        ("loops", Ok(Closure::new(|_, _| Err(crash(TrapKind::Limit(eventdbx_sandbox::Limit::Fuel))))), "it crashed"),
        ("crashes", Ok(Closure::new(|_, _| Err(crash(TrapKind::Crashed)))), "it crashed"),
        ("refuses", Ok(Closure::new(|_, _| Ok(Err(failure("no"))))), "because of no (no)"),
        ("is-silent", Ok(Closure::new(|_, _| Ok(Ok(Vec::new())))), "0 answers to 1 questions"),
        ("lies-array", Ok(Closure::new(each(|_| payload("[]")))), "its payload"),
        ("lies-text", Ok(Closure::new(each(|_| payload("{")))), "its payload"),
        (
            "lies-large",
            Ok(Closure::new(each(|_| payload(&format!("{{\"a\":\"{}\"}}", "x".repeat(300_000)))))),
            "its payload",
        ),
        (
            "lies-key",
            Ok(Closure::new(each(|_| {
                let extensions = Some(r#"{"trace":1}"#.to_owned());
                Shaped::Replace(Replacement { payload: None, state: None, metadata: None, extensions })
            }))),
            "a key does not begin with @",
        ),
    ];
    for (name, component, reason) in fails {
        let world = World::new(PluginLimits::default());
        world.append("thing/t", "thing_made", &format!(r#"{{"n":"{CANARY}"}}"#));
        world.fed();
        let mode = install(&world, name, ALL, component);
        let (guest, seen) = recorder();
        let mut track = receiver(&world, Kind::ReadModel, &guest, &Selection::default(), mode);
        track.step();
        assert!(track.is_retrying() && track.last_error.as_ref().unwrap().contains(name), "{name}: it is tried again");
        run(&mut track);
        assert!(seen.lock().unwrap().is_empty(), "{name}: {seen:?}");
        let stopped = track.stopped.clone().unwrap();
        assert!(stopped.contains(&format!("the payload mode {name} failed")) && stopped.contains(reason), "{stopped}");
        assert!(!stopped.contains(CANARY), "{stopped}");
        assert_eq!(track.cursor.position.get(), 0);
        // Mended, it goes on where it was.
        install(&world, name, ALL, Ok(Closure::new(each(|_| Shaped::Keep))));
        track.stopped = None;
        run(&mut track);
        assert_eq!((positions(&seen.lock().unwrap()), &track.stopped), (vec![1], &None));
    }
}

#[test]
fn what_comes_before_an_event_that_a_mode_cannot_cope_with_is_delivered() {
    let world = World::new(PluginLimits::default());
    world.append_many(40, 4);
    let calls = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&calls);
    let mode = install(
        &world,
        "brittle",
        ALL,
        Ok(Closure::new(move |batch, _| {
            *lock(&counted) += 1;
            match batch.items.iter().any(|item| item.position == 27) {
                true => Err(crash(TrapKind::Crashed)),
                false => Ok(Ok(batch.items.iter().map(|_| Shaped::Keep).collect())),
            }
        })),
    );
    let (guest, seen) = recorder();
    let mut track = receiver(&world, Kind::ReadModel, &guest, &Selection::default(), mode);
    run(&mut track);
    assert_eq!(positions(&seen.lock().unwrap()), (1..=26).collect::<Vec<_>>());
    assert_eq!(track.cursor.position.get(), 26);
    assert!(track.stopped.is_some() && track.parked.is_empty(), "the event is not to blame");
    assert!(*calls.lock().unwrap() < 40, "{calls:?}");
}

#[test]
fn what_an_instance_remembers_of_one_receiver_reaches_no_other() {
    let world = World::new(PluginLimits::default());
    for n in 0..4 {
        world.append("thing/t", "thing_made", &format!(r#"{{"card":"{CANARY}","n":{n}}}"#));
    }
    world.fed();
    let hoard = |batch: &Batch<'_>, remembered: &mut Vec<String>| {
        remembered.extend(batch.items.iter().filter_map(|item| item.payload.map(str::to_owned)));
        let all = serde_json::json!({ "all": remembered }).to_string();
        Ok(Ok(batch.items.iter().map(|_| payload(&all)).collect()))
    };
    let mode = install(&world, "hoard", ALL, Ok(Closure::new(hoard)));
    let (trusted, seen_by_trusted) = recorder();
    run(&mut receiver(&world, Kind::ReadModel, &trusted, &Selection::default(), mode));
    assert!(seen_by_trusted.lock().unwrap().concat().contains(CANARY), "else the test proves nothing");
    let selection = Selection {
        fields: FieldList { include: Vec::new(), exclude: vec!["/card".to_owned()] },
        ..Selection::default()
    };
    let (guest, seen) = recorder();
    run(&mut receiver(&world, Kind::ReadModel, &guest, &selection, mode));
    let seen = seen.lock().unwrap().concat();
    assert!(seen.contains("all") && seen.contains("n\\\\\\\":3") && !seen.contains(CANARY), "{seen}");
}

/// Leaves every third position out.
fn thirds() -> Arc<Closure> {
    Closure::new(each(|item| if item.position % 3 == 0 { Shaped::LeaveOut } else { Shaped::Keep }))
}

#[test]
fn what_is_left_out_confuses_no_count_when_a_transport_sends_a_part_or_fails() {
    let world = World::new(PluginLimits { batch_items: 8, ..PluginLimits::default() });
    world.append_many(40, 10);
    let mode = install(&world, "thirds", ALL, Ok(thirds()));
    let (sent, tried) = (Arc::new(Mutex::new(Vec::new())), Mutex::new(BTreeMap::<u64, u32>::new()));
    let kept = Arc::clone(&sent);
    let guest: Arc<Reaction> = Arc::new(move |batch: &Batch<'_>, _: &mut dyn Host| {
        for (index, item) in batch.items.iter().enumerate() {
            let times = *lock(&tried).entry(item.position).and_modify(|times| *times += 1).or_insert(1);
            if item.position % 7 == 0 && times <= 2 {
                return Outcome::Retry { failure: failure("later"), after: None, done: index };
            }
            if item.position == 25 {
                return poisoned(index);
            }
            lock(&kept).push(item.position);
        }
        done(BTreeMap::new())
    });
    let mut track = receiver(&world, Kind::Transport, &guest, &Selection::default(), mode);
    run(&mut track);
    // Position 35 is of the aggregate of 25.
    let expected: Vec<_> = (1..=40).filter(|position| position % 3 != 0 && ![25, 35].contains(position)).collect();
    assert_eq!(*sent.lock().unwrap(), expected);
    assert_eq!((track.parked.len(), track.cursor.position.get(), &track.stopped), (1, 40, &None));
}

#[test]
fn what_is_parked_is_shaped_when_it_is_delivered_again() {
    let world = World::new(PluginLimits { batch_items: 5, ..PluginLimits::default() });
    world.append_many(30, 1);
    let broken = Arc::new(Mutex::new(true));
    let still = Arc::clone(&broken);
    let mode = install(&world, "thirds", ALL, Ok(thirds()));
    let guest: Arc<Reaction> = Arc::new(move |batch: &Batch<'_>, host: &mut dyn Host| {
        let bad = batch.items.iter().position(|item| item.position == 4);
        match bad {
            Some(index) if *lock(&still) => poisoned(index),
            _ => ledger(batch, host),
        }
    });
    let mut track = receiver(&world, Kind::ReadModel, &guest, &Selection::default(), mode);
    run(&mut track);
    let number = *track.parked.keys().next().unwrap();
    *broken.lock().unwrap() = false;

    install(&world, "thirds", ALL, Err("it is broken".to_owned()));
    assert!(!track.retry_parked(number).unwrap(), "nothing is delivered without the mode");
    let row = &track.parked[&number];
    assert!(row.code == "mode-failed" && row.reason.contains("the payload mode thirds failed"), "{row:?}");

    install(&world, "thirds", ALL, Ok(thirds()));
    assert!(track.retry_parked(number).unwrap());
    let rows = world.rows(track.generation);
    let times: Vec<u64> = rows.keys().filter_map(|key| key.strip_prefix("times ")?.parse().ok()).collect();
    assert_eq!(times, (1..=30).filter(|position| position % 3 != 0).collect::<Vec<_>>());
    assert!(rows.iter().all(|(key, value)| !key.starts_with("times") || value == "1"));
}

#[test]
fn another_version_holds_from_the_next_batch_on() {
    let world = World::new(PluginLimits { batch_items: 1, ..PluginLimits::default() });
    world.append_many(4, 1);
    let version = |n: u32| Ok(Closure::new(each(move |_| payload(&format!(r#"{{"version":{n}}}"#)))));
    let mode = install(&world, "versioned", ALL, version(1));
    let (guest, seen) = recorder();
    let mut track = receiver(&world, Kind::ReadModel, &guest, &Selection::default(), mode);
    track.step();
    track.step();
    install(&world, "versioned", ALL, version(2));
    run(&mut track);
    let seen = seen.lock().unwrap();
    let shaped: Vec<_> = seen.iter().map(|text| text.contains(r#"\"version\":2"#)).collect();
    assert_eq!(shaped, [false, false, true, true]);
}

#[test]
fn a_component_is_no_ceiling() {
    let world = World::new(PluginLimits::default());
    let mode = install(&world, "thirds", ALL, Ok(thirds()));
    let selection = Selection { max_mode: Some(mode), ..Selection::default() };
    let selector = Selector::new(&descriptor().selector, &[], &[]).unwrap();
    let refused = selector.narrowed(&selection, &world.services.modes.current()).unwrap_err();
    assert!(refused[0].contains("thirds is a component") && refused[0].contains("--max-mode"), "{refused:?}");
}

#[test]
fn a_component_that_a_writer_names_shapes_that_event_alone() {
    let world = World::new(PluginLimits::default());
    let mailer =
        |mode: &str| NewRecipient { name: "mailer".to_owned(), mode: Some(mode.to_owned()), ..NewRecipient::default() };
    for (n, publish) in [None, Some(vec![mailer("short")]), Some(vec![mailer("hiding")]), None].into_iter().enumerate()
    {
        let text = format!(r#"{{"n":{n},"secret":"{CANARY}"}}"#);
        let event = NewEvent { publish, ..NewEvent::new("thing", "t", "made", &text) };
        world.domain.append(Draft::one(event, "tester")).unwrap();
    }
    world.fed();
    let narrow = Parts { state: false, ..ALL };
    install(&world, "short", narrow, Ok(Closure::new(each(|_| payload(r#"{"short":true}"#)))));
    install(&world, "hiding", ALL, Ok(Closure::new(each(|_| Shaped::LeaveOut))));
    let open = |guest: &Arc<Reaction>| {
        let selector = Selector::new(&descriptor().selector, &[], &[]).unwrap().named("mailer");
        let program = Program { selector, ..world.program(guest) };
        let (services, generation) = (Arc::clone(&world.services), world.generation());
        Track::open(services, Arc::new(program), generation, Purpose::Live, PayloadMode::All).unwrap().unwrap()
    };
    let (guest, seen) = recorder();
    run(&mut open(&guest));
    let seen = seen.lock().unwrap();
    assert_eq!(positions(&seen), [1, 2, 4]);
    let shown: Vec<_> = seen.iter().map(|text| (text.contains(CANARY), text.contains("short"))).collect();
    assert_eq!(shown, [(true, false), (false, true), (true, false)]);

    // One that does not start holds its event back, and not those before it.
    install(&world, "short", narrow, Err("it is broken".to_owned()));
    let (guest, seen) = recorder();
    let mut track = open(&guest);
    for _ in 0..10 {
        track.step();
        track.end_pause();
    }
    assert_eq!(positions(&seen.lock().unwrap()), [1]);
}
