//! Schema extensions: what they answer, and that a hostile one costs a bounded amount and says which limit it broke.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::path::Path;

use eventdbx_sandbox::{
    Batch, Delivery, DeliveryMode, Extension, Halt, Kind, Lie, Limit, Limits, ProposedEvent, PureStart, Shaped, Stop,
    TrapKind, TypedValue, Verdict,
};
use support::{Bench, bench};

fn built(dir: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(dir);
    std::fs::read(eventdbx_plugin_build::build_dir(&dir).unwrap().component).unwrap()
}

fn start(bench: &Bench, wasm: &[u8]) -> Extension {
    assert_eq!(bench.sandbox.load(wasm).unwrap().descriptor().kind, Kind::SchemaExtension);
    let start = PureStart { domain: "default".to_owned(), config: "{}".to_owned() };
    bench.sandbox.start_extension(wasm, start, &Limits::default()).unwrap()
}

/// What a test asks of a type, as many times as there are texts.
fn check(extension: &Extension, type_name: &str, texts: &[&str]) -> Result<Vec<Verdict>, Halt> {
    let (params, texts) = ("{}".to_owned(), texts.iter().map(ToString::to_string).collect::<Vec<String>>());
    let values: Vec<_> = texts.iter().map(|value| TypedValue { type_name, params: &params, value }).collect();
    extension.check_values(&values)
}

#[test]
fn an_extension_judges_values_and_events() {
    let bench = bench();
    let iban = start(&bench, &built("example-plugins/iban"));
    assert_eq!(iban.types()[0].name, "iban");
    assert_eq!(iban.rules(), []);
    let values = ["\"DE89370400440532013000\"", "\"DE89370400440532013001\"", "\"de89370400440532013000\""];
    let verdicts = check(&iban, "iban", &values).unwrap();
    assert!(matches!(verdicts[0], Verdict::Accepted));
    assert!(matches!(&verdicts[1], Verdict::Rejected(all) if all[0].code == "check-digits"));
    assert!(matches!(&verdicts[2], Verdict::Normalized(text) if text == values[0]));
    let (params, value) = ("{}".to_owned(), values[0].to_owned());
    let keys = iban.index_keys(&[TypedValue { type_name: "iban", params: &params, value: &value }]).unwrap();
    assert_eq!(keys[0].as_deref(), Some(&b"DE89370400440532013000"[..]));
    let params = r#"{"countries":["x"]}"#.to_owned();
    let columns = [eventdbx_sandbox::ColumnType { type_name: "iban", params: &params }];
    assert_eq!(iban.check_params(&columns).unwrap()[0][0].code, "country");

    let seats = start(&bench, &built("example-plugins/seat-rules"));
    assert_eq!(seats.rules()[0].state_fields, ["/capacity", "/sold"]);
    let [payload, empty, full, fits] =
        [r#"{"sold":3}"#, "{}", r#"{"capacity":2,"sold":3}"#, r#"{"capacity":3,"sold":3}"#].map(str::to_owned);
    let event = |before, after| ProposedEvent {
        rule: "seat-rules",
        aggregate_type: "flight",
        aggregate_id: "f-1",
        event_type: "seats_sold",
        payload: &payload,
        before,
        after,
    };
    let events = [event(None, &full), event(Some(&empty), &fits)];
    let broken = seats.check_append(&events).unwrap();
    assert_eq!((broken[0][0].code.as_str(), broken[1].len()), ("oversold", 0));

    let start = PureStart { domain: "default".to_owned(), config: r#"{"a":1}"#.to_owned() };
    let refused = bench.sandbox.start_extension(&built("example-plugins/iban"), start, &Limits::default());
    assert!(matches!(refused.err().unwrap(), eventdbx_sandbox::PureError::Stop(Stop::Refused(_))));
}

#[test]
fn a_hostile_extension_is_stopped_and_the_next_call_is_none_the_worse() {
    let bench = bench();
    let hostile = start(&bench, &built("tests/guests/hostile-extension"));
    let ask = |what: &str| check(&hostile, "hostile", &["\"a\"", what]);
    let traps = [
        ("\"loop\"", TrapKind::Limit(Limit::Fuel)),
        ("\"fill\"", TrapKind::Limit(Limit::Fuel)),
        ("\"memory\"", TrapKind::Limit(Limit::MemoryBytes)),
        ("\"words\"", TrapKind::Limit(Limit::OutputBytes)),
        ("\"deep\"", TrapKind::StackOverflow),
        ("\"trap\"", TrapKind::Crashed),
    ];
    for (what, kind) in traps {
        match ask(what) {
            Err(Halt::Trapped(trap)) => {
                assert_eq!(trap.kind, kind, "{what}: {trap}");
                assert!(trap.limit().is_none_or(|limit| trap.message.contains(limit.name())), "{trap}");
            }
            other => panic!("{what} ended as {other:?}"),
        }
        assert_eq!(ask("\"b\"").unwrap().len(), 2, "after {what}");
    }
    assert!(matches!(ask("\"silent\""), Err(Halt::Lied(Lie::WrongCount { answers: 1, questions: 2 }))));
    assert!(matches!(ask("\"no-json\""), Err(Halt::Lied(Lie::InvalidJson { .. }))));
    for _ in 0..8 {
        assert_eq!(ask("\"leak\"").unwrap().len(), 2, "what an instance remembers decides nothing");
    }
}

#[test]
fn the_same_question_burns_the_same_fuel_on_every_instance() {
    let bench = bench();
    let wasm = built("example-plugins/iban");
    let with_fuel = |fuel| {
        let start = PureStart { domain: "default".to_owned(), config: "{}".to_owned() };
        let limits = Limits { fuel, ..Limits::default() };
        let extension = bench.sandbox.start_extension(&wasm, start, &limits);
        extension.ok().is_some_and(|it| check(&it, "iban", &["\"DE89370400440532013000\""]).is_ok())
    };
    // The least that suffices is one number, whoever looks for it.
    let least = || {
        let (mut low, mut high) = (0, 1_000_000);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if with_fuel(middle) { high = middle } else { low = middle }
        }
        high
    };
    assert_eq!(least(), least());
}

#[test]
fn a_payload_mode_takes_away_and_puts_nothing_in() {
    let bench = bench();
    let wasm = built("example-plugins/redact-emails");
    assert_eq!(bench.sandbox.load(&wasm).unwrap().descriptor().kind, Kind::PayloadMode);
    let start = PureStart { domain: "default".to_owned(), config: "{}".to_owned() };
    let shaper = bench.sandbox.start_shaper(&wasm, start, &Limits::default()).unwrap();
    let delivery = |payload, state| Delivery {
        position: 1,
        event_id: "e-1",
        aggregate_type: "customer",
        aggregate_id: "c-1",
        version: 1,
        event_type: "moved",
        recorded_at_ms: 0,
        occurred_at: None,
        payload,
        state,
        schema: None,
        envelope: None,
        extensions: None,
    };
    let items = [delivery(Some(r#"{"to":"ada@example.org"}"#), None), delivery(None, Some(r#"{"n": 1}"#))];
    let batch = Batch {
        domain: "default",
        mode: DeliveryMode::Live,
        payload_mode: "redacted",
        attempt: 1,
        head_position: 1,
        schemas: &[],
        items: &items,
    };
    let shaped = shaper.shape(&batch).unwrap().unwrap();
    assert!(matches!(&shaped[0], Shaped::Replace(it)
        if it.payload.as_deref() == Some(r#"{"to":"[e-mail]"}"#) && it.state.is_none() && it.metadata.is_none()));
    assert!(matches!(shaped[1], Shaped::Keep), "what holds no address stays byte for byte");
}
