//! Components that were built against a version of the contract, once: what loads and runs today does so for ever.
//!
//! They lie in `tests/data/frozen`. None of them is ever built anew; where one fails, the host is what must be mended.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use eventdbx_sandbox::{
    Connection, Delivery, Exchange, Host, HostError, HttpRequest, HttpResponse, KeyRange, Kind, Level, Limits,
    Outbound, OutboundError, Outcome, Plugin, PureStart, QueryOutcome, ScanPage, Shaped, StartContext, StartReason,
    TypedValue, Verdict,
};
use support::{Bench, Memory, batch, bench, deliveries, done};

fn frozen(name: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/frozen/0.1.0");
    std::fs::read(dir.join(format!("{name}.wasm"))).unwrap()
}

fn load(bench: &Bench, name: &str, kind: Kind) -> Plugin {
    let plugin = bench.sandbox.load(&frozen(name)).unwrap();
    assert_eq!((plugin.descriptor().kind, plugin.api_version().to_string()), (kind, "0.1.0".to_owned()));
    plugin
}

fn start(config: &str) -> PureStart {
    PureStart { domain: "default".to_owned(), config: config.to_owned() }
}

#[test]
fn a_read_model_of_0_1_0_counts_and_answers() {
    let (bench, memory) = (bench(), Memory::default());
    let plugin = load(&bench, "event-counter", Kind::ReadModel);
    for events in [&["placed", "paid"][..], &["placed"]] {
        memory.commit(&done(&plugin, &memory, events).writes);
    }
    match support::query(&plugin, &memory, &Limits::default(), "counts", None) {
        QueryOutcome::Answered(answer) => assert_eq!(answer.body, r#"{"paid":1,"placed":2}"#),
        other => panic!("{other:?}"),
    }
}

/// An outside with a target `hook`, which keeps what it is sent.
#[derive(Clone, Default)]
struct Hook(Arc<Mutex<Vec<HttpRequest>>>);

impl Host for Hook {
    fn get(&mut self, _: usize, _: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        Err(HostError::new("a transport has no tables"))
    }

    fn scan(&mut self, _: usize, _: &KeyRange, _: usize, _: usize) -> Result<ScanPage, HostError> {
        Err(HostError::new("a transport has no tables"))
    }

    fn log(&mut self, _: Level, _: &str, _: Option<&str>) {}

    fn outbound(&mut self) -> Option<&mut dyn Outbound> {
        Some(self)
    }
}

impl Outbound for Hook {
    fn http(&mut self, request: HttpRequest, _: &Exchange) -> Result<HttpResponse, OutboundError> {
        self.0.lock().unwrap().push(request);
        Ok(HttpResponse { status: 204, headers: Vec::new(), body: Vec::new() })
    }

    fn connect(&mut self, target: &str, _: Duration) -> Result<Box<dyn Connection>, OutboundError> {
        Err(OutboundError::Denied(target.to_owned()))
    }
}

#[test]
fn a_transport_of_0_1_0_sends() {
    let (bench, hook) = (bench(), Hook::default());
    let plugin = load(&bench, "webhook", Kind::Transport);
    let config = r#"{"key":"0123456789abcdef"}"#;
    let context = StartContext { domain: "default", config, reason: StartReason::FirstStart };
    let instance = plugin.start(Box::new(hook.clone()), context, &Limits::default()).unwrap();
    let call = instance.handle(&batch(&deliveries(&["placed", "paid"])));
    assert!(matches!(call.outcome, Outcome::Done(_)), "{:?}", call.outcome);
    let sent = hook.0.lock().unwrap();
    assert_eq!((sent.len(), sent[0].target.as_str(), sent[0].method.as_str()), (2, "hook", "POST"));
    let body = String::from_utf8_lossy(&sent[1].body);
    assert!(body.contains(r#""event_type":"paid""#) && body.contains(r#""payload":{"total":1}"#), "{body}");
    assert!(sent[1].headers.iter().any(|(name, _)| name == "x-eventdbx-signature"), "{:?}", sent[1].headers);
}

#[test]
fn a_schema_extension_of_0_1_0_judges() {
    let bench = bench();
    load(&bench, "iban", Kind::SchemaExtension);
    let iban = bench.sandbox.start_extension(&frozen("iban"), start("{}"), &Limits::default()).unwrap();
    let params = "{}".to_owned();
    let texts = ["\"DE89370400440532013000\"", "\"DE89370400440532013001\""].map(str::to_owned);
    let values = texts.each_ref().map(|value| TypedValue { type_name: "iban", params: &params, value });
    let verdicts = iban.check_values(&values).unwrap();
    assert!(matches!(verdicts[..], [Verdict::Accepted, Verdict::Rejected(_)]), "{verdicts:?}");
}

#[test]
fn a_payload_mode_of_0_1_0_shapes() {
    let bench = bench();
    let descriptor = load(&bench, "coarse-times", Kind::PayloadMode).descriptor().clone();
    assert!(descriptor.selector.parts.payload && !descriptor.selector.parts.envelope);
    let config = r#"{"minutes":30,"strip":["tail"],"leave_out":["paid"]}"#;
    let shaper = bench.sandbox.start_shaper(&frozen("coarse-times"), start(config), &Limits::default()).unwrap();
    let mut items = deliveries(&["placed", "paid", "shipped"]);
    items[0] = Delivery { payload: Some(r#"{"at":"2013-01-01T05:29:00Z","tail":"N1"}"#), ..items[0].clone() };
    let shaped = shaper.shape(&batch(&items)).unwrap().unwrap();
    let [Shaped::Replace(first), Shaped::LeaveOut, Shaped::Keep] = &shaped[..] else { panic!("{shaped:?}") };
    assert_eq!(first.payload.as_deref(), Some(r#"{"at":"2013-01-01T05:00:00Z"}"#));
}
