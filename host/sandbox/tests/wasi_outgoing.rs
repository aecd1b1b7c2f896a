//! A transport that speaks HTTP by `wasi:http/outgoing-handler`: what it is granted, and what it is told when it asks for more.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use eventdbx_sandbox::{
    Call, Connection, Exchange, Host, HostError, HttpRequest, HttpResponse, KeyRange, Kind, Level, Limits, Outbound,
    OutboundError, Outcome, Plugin, ScanPage, StartContext, StartReason,
};
use support::{batch, deliveries};

/// A world with one target, `1`, which answers with this status.
#[derive(Clone)]
struct World {
    status: u16,
    requests: Arc<Mutex<Vec<HttpRequest>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Host for World {
    fn get(&mut self, _: usize, _: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        Err(HostError::new("a transport has no tables"))
    }

    fn scan(&mut self, _: usize, _: &KeyRange, _: usize, _: usize) -> Result<ScanPage, HostError> {
        Err(HostError::new("a transport has no tables"))
    }

    fn log(&mut self, _: Level, message: &str, _: Option<&str>) {
        self.lines.lock().unwrap().push(message.to_owned());
    }

    fn outbound(&mut self) -> Option<&mut dyn Outbound> {
        Some(self)
    }
}

impl Outbound for World {
    fn http(&mut self, request: HttpRequest, most: &Exchange) -> Result<HttpResponse, OutboundError> {
        if request.target != "1" {
            return Err(OutboundError::Denied(format!("no target {:?} is granted", request.target)));
        }
        assert!(most.timeout <= Duration::from_secs(5), "the guest asks for less than the limit");
        self.requests.lock().unwrap().push(request);
        let headers = vec![("x-from".to_owned(), "there".to_owned())];
        Ok(HttpResponse { status: self.status, headers, body: b"the answer".to_vec() })
    }

    fn connect(&mut self, _: &str, _: Duration) -> Result<Box<dyn Connection>, OutboundError> {
        Err(OutboundError::Denied("this world has only HTTP".to_owned()))
    }
}

fn transport() -> (support::Bench, Plugin) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/wasi-transport");
    let built = eventdbx_plugin_build::build_dir(&dir).unwrap();
    let bench = support::bench();
    let plugin = bench.sandbox.load(&std::fs::read(built.component).unwrap()).unwrap();
    (bench, plugin)
}

fn send(plugin: &Plugin, status: u16, limits: &Limits, events: &[(&str, &str)]) -> (Call, World) {
    let world = World { status, requests: Arc::default(), lines: Arc::default() };
    let context = StartContext { domain: "default", config: "{}", reason: StartReason::FirstStart };
    let instance = plugin.start(Box::new(world.clone()), context, limits).unwrap();
    let mut items = deliveries(&events.iter().map(|(event, _)| *event).collect::<Vec<_>>());
    items.iter_mut().zip(events).for_each(|(item, (_, target))| item.aggregate_id = target);
    (instance.handle(&batch(&items)), world)
}

#[test]
fn a_request_goes_to_the_target_that_its_authority_names_and_is_whole() {
    let (_bench, plugin) = transport();
    assert_eq!(plugin.descriptor().kind, Kind::Transport);
    let (call, world) = send(&plugin, 200, &Limits::default(), &[("placed", "1"), ("paid", "1")]);
    assert!(matches!(call.outcome, Outcome::Done(_)), "{:?}", call.outcome);
    let requests = world.requests.lock().unwrap().clone();
    assert_eq!(requests.len(), 2);
    let HttpRequest { target, method, path, headers, body } = requests[1].clone();
    assert_eq!((target.as_str(), method.as_str(), path.as_str()), ("1", "POST", "/in/paid?v=2"));
    assert_eq!(headers[0], ("content-type".to_owned(), "application/json".to_owned()));
    assert_eq!(body, b"{\"total\":1}");
    assert_eq!(*world.lines.lock().unwrap(), ["the answer", "the answer"]);
}

#[test]
fn what_is_not_granted_is_denied_and_the_log_says_what() {
    let (_bench, plugin) = transport();
    let (call, world) = send(&plugin, 200, &Limits::default(), &[("placed", "1"), ("paid", "example.org")]);
    let Outcome::Poison(item) = call.outcome else { panic!("{:?}", call.outcome) };
    assert_eq!((item.index, item.failure.code.as_str()), (1, "denied"));
    assert!(world.lines.lock().unwrap()[1].contains("no target \"example.org\" is granted"));
}

#[test]
fn its_limits_are_those_of_outbound() {
    let (_bench, plugin) = transport();
    let failed = |limits: Limits| match send(&plugin, 200, &limits, &[("placed", "1")]).0.outcome {
        Outcome::Retry { failure, done: 0, .. } => failure.message,
        other => panic!("{other:?}"),
    };
    let none = failed(Limits { outbound_batch_ms: 0, ..Limits::default() });
    assert!(none.contains("HttpResponseTimeout"), "{none}");
    let call = send(&plugin, 200, &Limits { outbound_send_bytes: 5, ..Limits::default() }, &[("placed", "1")]).0;
    let Outcome::Halted(halt) = call.outcome else { panic!("{:?}", call.outcome) };
    assert!(halt.to_string().contains("outbound_send_bytes"), "{halt}");
    let (call, _) = send(&plugin, 503, &Limits::default(), &[("placed", "1")]);
    assert!(matches!(call.outcome, Outcome::Retry { failure, .. } if failure.code == "http-503"));
}

#[test]
fn who_waits_for_what_will_never_come_is_stopped() {
    let (_bench, plugin) = transport();
    let (call, world) = send(&plugin, 200, &Limits::default(), &[("waits_too_early", "1")]);
    let Outcome::Halted(halt) = call.outcome else { panic!("{:?}", call.outcome) };
    assert!(halt.to_string().contains("nothing would ever come"), "{halt}");
    assert!(world.requests.lock().unwrap().is_empty());
}
