//! Gateways: what a request becomes in the sandbox, and what a hostile one comes to.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::path::Path;

use eventdbx_sandbox::{
    GatewayRequest, GatewayResponse, Halt, Host, HostError, KeyRange, Kind, Level, Lie, Limits, Plugin, ScanPage,
    Served, Stop, TrapKind,
    gateway::{Aggregate, Answer, Appended, Client, ClientError, EventPage, EventsAsked, NewEvent, Question, Receipt},
};

/// A domain that takes every event and has nothing to read.
#[derive(Default)]
struct Domain {
    lines: usize,
}

impl Host for Domain {
    fn get(&mut self, _: usize, _: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        Err(HostError::new("a gateway has no tables"))
    }

    fn scan(&mut self, _: usize, _: &KeyRange, _: usize, _: usize) -> Result<ScanPage, HostError> {
        Err(HostError::new("a gateway has no tables"))
    }

    fn log(&mut self, _: Level, _: &str, _: Option<&str>) {
        self.lines += 1;
        assert!(self.lines <= 101, "more lines than the limit lets through");
    }

    fn client(&mut self) -> Option<&mut dyn Client> {
        Some(self)
    }
}

impl Client for Domain {
    fn append(&mut self, events: Vec<NewEvent>, _: Option<String>) -> Result<Appended, ClientError> {
        let receipt = |_| Receipt { event_id: "1".to_owned(), position: 7, version: 1 };
        Ok(Appended { receipts: (0..events.len()).map(receipt).collect(), duplicate: false })
    }

    fn read_aggregate(&mut self, kind: &str, id: &str) -> Result<Aggregate, ClientError> {
        Err(ClientError::NotFound(format!("aggregate {kind}/{id}")))
    }

    fn read_events(&mut self, _: EventsAsked<'_>) -> Result<EventPage, ClientError> {
        Ok(EventPage { events: Vec::new(), next: None })
    }

    fn query(&mut self, question: Question<'_>) -> Result<Answer, ClientError> {
        Err(ClientError::Denied(format!("query={}", question.plugin)))
    }
}

fn hostile() -> (support::Bench, Plugin) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/hostile-gateway");
    let built = eventdbx_plugin_build::build_dir(&dir).unwrap();
    let bench = support::bench();
    let plugin = bench.sandbox.load(&std::fs::read(built.component).unwrap()).unwrap();
    (bench, plugin)
}

fn get(path: &str) -> GatewayRequest {
    GatewayRequest { method: "GET".to_owned(), path: path.to_owned(), ..GatewayRequest::default() }
}

fn serve(plugin: &Plugin, limits: &Limits, request: GatewayRequest) -> Served {
    plugin.start_gateway(Box::new(Domain::default()), "default", "{}", limits).unwrap().serve(request)
}

fn answered(plugin: &Plugin, request: GatewayRequest) -> (GatewayResponse, String) {
    let response = serve(plugin, &Limits::default(), request).outcome.unwrap();
    let text = String::from_utf8(response.body.clone()).unwrap();
    (response, text)
}

#[test]
fn a_request_goes_in_whole_and_an_answer_comes_out_whole() {
    let (_bench, plugin) = hostile();
    assert_eq!(plugin.descriptor().kind, Kind::Gateway);
    let headers = [("Accept", "text/plain"), ("Connection", "close"), ("X-Two", "1"), ("X-Two", "2")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).to_vec();
    let request = GatewayRequest {
        method: "PURGE".into(),
        path: "/echo/a%20b?c=d".into(),
        headers,
        body: b"the whole body".to_vec(),
    };
    let (response, text) = answered(&plugin, request);
    assert_eq!(response.status, 200);
    assert_eq!(text, "PURGE /echo/a%20b?c=d\naccept: text/plain\nx-two: 1\nx-two: 2\nthe whole body");
    let header =
        |name: &str| response.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice());
    assert_eq!((header("x-echo"), header("content-type")), (Some(&b"yes"[..]), Some(&b"text/plain"[..])));
    assert_eq!(answered(&plugin, get("/nothing")).0.status, 404);
}

#[test]
fn the_domain_is_asked_while_a_request_is_answered_and_never_else() {
    let (_bench, plugin) = hostile();
    let (_, text) = answered(&plugin, get("/append/order/1"));
    assert!(text.contains("position: 7"), "{text}");
    let (_, text) = answered(&plugin, get("/read/order/1"));
    assert!(text.contains("NotFound(\"aggregate order/1\")"), "{text}");
    let (_, text) = answered(&plugin, get("/query/hours/departures"));
    assert!(text.contains("Denied(\"query=hours\")"), "{text}");
    let config = r#"{"do": "append-in-init"}"#;
    let started = plugin.start_gateway(Box::new(Domain::default()), "default", config, &Limits::default());
    let Some(Stop::Halted(Halt::Trapped(trap))) = started.err() else { panic!("it appends in `init`") };
    assert_eq!(trap.kind, TrapKind::Forbidden);
    assert!(trap.message.contains("client.append"), "{trap}");
}

#[test]
fn whatever_it_breaks_names_its_limit() {
    let (_bench, plugin) = hostile();
    // Short ones, so that nobody waits.
    let limits = Limits { gateway_cpu_ms: 100, ..Limits::default() };
    for (path, limit) in [
        ("/loop", "gateway_cpu_ms"),
        ("/memory", "memory_bytes"),
        ("/headers", "http_header_bytes"),
        ("/handles", "handles"),
        ("/calls", "gateway_client_calls"),
        ("/endless", "gateway_response_bytes"),
        ("/large-append", "host_call_bytes"),
    ] {
        let Err(Halt::Trapped(trap)) = serve(&plugin, &limits, get(path)).outcome else { panic!("{path} is answered") };
        assert_eq!(trap.limit().map(|limit| limit.name()), Some(limit), "{path}: {trap}");
        assert!(trap.message.contains(limit), "{path}: {trap}");
    }
    let wall = Limits { gateway_cpu_ms: 60_000, gateway_wall_ms: 50, ..Limits::default() };
    let Err(Halt::Trapped(trap)) = serve(&plugin, &wall, get("/loop")).outcome else { panic!("it is answered") };
    assert_eq!(trap.limit().map(|limit| limit.name()), Some("gateway_wall_ms"), "{trap}");
    let Err(Halt::Trapped(trap)) = serve(&plugin, &limits, get("/deep")).outcome else { panic!("it is answered") };
    assert_eq!(trap.kind, TrapKind::StackOverflow);
    assert_eq!(serve(&plugin, &limits, get("/logs")).outcome.unwrap().status, 200);
}

#[test]
fn what_is_too_large_is_not_handed_over() {
    let (_bench, plugin) = hostile();
    let body = vec![b'x'; (4 << 20) + 1];
    let Err(Halt::Trapped(trap)) = serve(&plugin, &Limits::default(), GatewayRequest { body, ..get("/echo") }).outcome
    else {
        panic!("it is answered")
    };
    assert!(trap.message.contains("gateway_request_bytes"), "{trap}");
    let headers = vec![("x".to_owned(), vec![b'x'; 33 << 10])];
    let Err(Halt::Trapped(trap)) =
        serve(&plugin, &Limits::default(), GatewayRequest { headers, ..get("/echo") }).outcome
    else {
        panic!("it is answered")
    };
    assert!(trap.message.contains("http_header_bytes"), "{trap}");
}

#[test]
fn half_an_answer_is_none() {
    let (_bench, plugin) = hostile();
    let halted = |path: &str| serve(&plugin, &Limits::default(), get(path)).outcome.unwrap_err();
    assert_eq!(halted("/silence"), Halt::Lied(Lie::NoAnswer));
    assert!(matches!(halted("/error"), Halt::Lied(Lie::Declined(why)) if why.contains("on request")));
    for path in ["/half", "/short", "/open"] {
        assert_eq!(halted(path), Halt::Lied(Lie::HalfAnswer), "{path}");
    }
    for path in ["/trap", "/trap-in-body", "/trap-at-the-end"] {
        assert!(matches!(halted(path), Halt::Trapped(trap) if trap.kind == TrapKind::Crashed), "{path}");
    }
    // A handle that was given away is none any more.
    let twice = halted("/twice");
    assert!(twice.to_string().contains("handle"), "{twice}");
}
