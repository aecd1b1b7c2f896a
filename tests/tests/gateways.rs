//! A gateway in a running daemon: what whoever asks is told, what the operator sees, and what nobody else feels.

use std::time::Duration;

use eventdbx_node::client::Client;
use eventdbx_tests::{Node, guest};
use hyper::{
    Method, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(120);
const HOSTILE: &str = "hostile-gateway";

/// Somebody who asks gateways, on a connection of its own.
struct Caller {
    client: Client,
    runtime: tokio::runtime::Runtime,
}

/// What a gateway answered, or we in its place.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Caller {
    fn of(node: &Node) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(Client::connect(&node.socket())).expect("connects");
        Self { client, runtime }
    }

    fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let header = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().expect("a name"), value.parse::<HeaderValue>().expect("a value"))
        };
        let headers: Vec<_> = headers.iter().map(header).collect();
        let path = format!("/v1/domains/default/x/{path}");
        let exchange = self.client.exchange(method, &path, &headers, body.to_owned());
        let (status, headers, body) = self.runtime.block_on(exchange).expect("answers");
        Answer { status, headers, text: String::from_utf8_lossy(&body).into_owned() }
    }

    fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "")
    }
}

impl Answer {
    /// The error of ours, which must have this status.
    #[track_caller]
    fn refused(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(!self.headers.contains_key("x-eventdbx-gateway"), "it is not the gateway's");
        serde_json::from_str::<Value>(&self.text).expect("JSON")["error"].clone()
    }
}

fn with_gateway(grants: &Value) -> (Node, Caller) {
    let mut node = Node::start();
    node.install_as(guest("eventdbx-guest-hostile-gateway"), &json!({ "grants": grants }));
    let caller = Caller::of(&node);
    (node, caller)
}

#[test]
fn a_request_reaches_the_gateway_without_credentials_and_its_answer_says_whose_it_is() {
    let (_node, mut caller) = with_gateway(&json!({}));
    let headers = [
        ("authorization", "Bearer s3cret"),
        ("cookie", "session=s3cret"),
        ("connection", "x-private"),
        ("x-private", "s3cret"),
        ("te", "trailers"),
        ("x-hub-signature-256", "sha256=00"),
    ];
    let answer = caller.send(Method::PUT, &format!("{HOSTILE}/echo/a%20b?c=d"), &headers, "a body");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["x-eventdbx-gateway"], HOSTILE);
    assert_eq!(answer.headers["x-echo"], "yes");
    assert!(answer.text.starts_with("Method::Put /echo/a%20b?c=d\n"), "{}", answer.text);
    assert!(
        answer.text.contains("x-hub-signature-256: sha256=00\n") && answer.text.ends_with("\na body"),
        "{}",
        answer.text
    );
    for kept in ["s3cret", "x-private", "trailers", "connection", "host:"] {
        assert!(!answer.text.contains(kept), "{kept}: {}", answer.text);
    }
    for (path, seen) in [(HOSTILE.to_owned(), "/"), (format!("{HOSTILE}/"), "/"), (format!("{HOSTILE}?x=1"), "/?x=1")] {
        let answer = caller.get(&path);
        assert_eq!(answer.status, 404, "it has no such word: {seen}");
        assert_eq!(answer.headers["x-word"], seen.trim_start_matches('/'));
    }
    let head = caller.send(Method::HEAD, &format!("{HOSTILE}/echo"), &[], "");
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
}

#[test]
fn a_hostile_gateway_is_answered_for_and_nobody_else_feels_it() {
    let (mut node, mut caller) = with_gateway(&json!({ "append": ["order"], "read": ["order"] }));
    node.install(guest("event-counter"));
    let writer = node.writer();
    for (path, limit) in [
        ("loop", "gateway_cpu_ms"),
        ("memory", "memory_bytes"),
        ("deep", "stack_bytes"),
        ("headers", "http_header_bytes"),
        ("handles", "handles"),
        ("calls", "gateway_client_calls"),
        ("endless", "gateway_response_bytes"),
        ("large-append", "host_call_bytes"),
        ("silence", "without an answer"),
        ("half", "broke off"),
        ("short", "broke off"),
        ("twice", "handle"),
        ("trap", "crashed"),
        ("trap-in-body", "crashed"),
        ("trap-at-the-end", "crashed"),
        ("error", "on request"),
    ] {
        let error = caller.get(&format!("{HOSTILE}/{path}")).refused(StatusCode::BAD_GATEWAY);
        assert_eq!(error["code"], "bad-gateway");
        assert!(error["message"].as_str().expect("text").contains(limit), "{path}: {error}");
    }
    let error = caller.send(Method::POST, &format!("{HOSTILE}/echo"), &[], &"x".repeat((4 << 20) + 1));
    assert!(error.refused(StatusCode::PAYLOAD_TOO_LARGE)["message"].to_string().contains("gateway_request_bytes"));
    let error = caller.send(Method::GET, &format!("{HOSTILE}/echo"), &[("x", &"x".repeat(33 << 10))], "");
    assert!(error.refused(StatusCode::PAYLOAD_TOO_LARGE)["message"].to_string().contains("http_header_bytes"));

    let placed = writer.stop();
    assert!(placed.len() > 50, "{} appends beside it all", placed.len());
    let counts = node.query("event-counter", "counts", *placed.last().expect("some"));
    assert_eq!(counts["body"]["placed"], placed.len(), "{counts}");
    let status = node.get(&format!("plugins/{HOSTILE}"));
    assert_eq!(
        (&status["state"], &status["gateway"]["requests"], &status["gateway"]["failed"]),
        (&json!("live"), &json!(16), &json!(16)),
        "{status}"
    );
    assert_eq!((&status["lag_events"], &status["parked"]), (&json!(0), &json!(0)), "{status}");
    let logs = node.get(&format!("plugins/{HOSTILE}/logs"));
    assert!(logs.to_string().contains("gateway_cpu_ms"), "{logs}");
    assert_eq!(caller.get(&format!("{HOSTILE}/echo")).status, 200, "it goes on");
}

#[test]
fn it_may_what_was_granted_and_is_itself_the_actor() {
    let (mut node, mut caller) =
        with_gateway(&json!({ "append": ["order/A*"], "read": ["order"], "query": ["event-*"] }));
    node.install(guest("event-counter"));
    let said = |caller: &mut Caller, path: &str| caller.get(&format!("{HOSTILE}/{path}")).text;
    let written = said(&mut caller, "append/order/A1");
    assert!(written.starts_with("Ok(") && written.contains("duplicate: false"), "{written}");
    for (path, word) in [
        ("append/order/B1", "append=order/B1"),
        ("append/customer/A1", "append=customer/A1"),
        ("read/customer/1", "read=customer/1"),
        ("read/$plugin/hostile-gateway", "read=$plugin/hostile-gateway"),
        ("query/hostile/sum", "query=hostile"),
    ] {
        let denied = said(&mut caller, path);
        assert!(denied.contains("Denied") && denied.contains(word), "{path}: {denied}");
    }
    let read = said(&mut caller, "read/order/A1");
    assert!(
        read.contains("version: 1") && read.contains("\\\"n\\\":1") && read.contains("plugin:hostile-gateway"),
        "{read}"
    );
    assert!(said(&mut caller, "read/order/none").contains("NotFound"));
    assert!(said(&mut caller, "query/event-counter/counts").contains("thing_happened"));
    assert!(said(&mut caller, "query/event-counter/none").contains("NotFound"));
    assert!(said(&mut caller, "query/event-miles/none").contains("NotFound"));
    let event = node.get("aggregates/order/A1/events")["rows"][0].clone();
    assert_eq!(event["actor"], "plugin:hostile-gateway", "{event}");

    // Grants change while it runs; the change is an event with who made it.
    let change = json!({ "grant": ["append=customer"], "revoke": ["append=order/A*"] }).to_string();
    let view = node.ask(Method::PATCH, &format!("plugins/{HOSTILE}/config"), change);
    assert_eq!(view["grants"]["append"], json!(["customer"]), "{view}");
    assert!(said(&mut caller, "append/customer/A1").starts_with("Ok("));
    assert!(said(&mut caller, "append/order/A1").contains("Denied"));
    let history = node.get(&format!("aggregates/$plugin/{HOSTILE}/events"));
    let last = history["rows"].as_array().and_then(|rows| rows.last()).expect("an event").clone();
    assert_eq!(
        (&last["event_type"], &last["payload"]["grants"]),
        (&json!("$plugin_configured"), &json!(["append=customer", "read=order", "query=event-*"]))
    );
    let wrong = json!({ "grant": ["write=x"], "revoke": ["append=none"] }).to_string();
    let refused = node.refused(Method::PATCH, &format!("plugins/{HOSTILE}/config"), wrong);
    assert!(refused.contains("write=x") && refused.contains("append=none"), "{refused}");
}

#[test]
fn what_schemas_refuse_it_is_told_and_what_they_hide_it_does_not_see() {
    let (mut node, mut caller) = with_gateway(&json!({ "append": ["*"], "read": ["*"] }));
    let schema = json!({ "aggregate": "order", "fields": { "n": { "type": "text" }, "pin": { "type": "text", "hidden": true } } });
    node.ask(Method::PUT, "schemas/order", schema.to_string());
    let refused = caller.get(&format!("{HOSTILE}/append/order/1")).text;
    assert!(refused.contains("Refused([Reason") && refused.contains("/payload/n"), "{refused}");
    let event = json!({ "aggregate_type": "order", "aggregate_id": "2", "event_type": "placed", "payload": { "n": "x", "pin": "0000" } });
    node.ask(Method::POST, "append", json!({ "events": [event] }).to_string());
    let read = caller.get(&format!("{HOSTILE}/read/order/2")).text;
    assert!(read.contains("placed") && !read.contains("0000"), "{read}");
}

#[test]
fn a_gateway_lives_as_other_plugins_do_and_has_no_queue() {
    let (mut node, mut caller) = with_gateway(&json!({}));
    let verb = |node: &mut Node, verb: &str| node.ask(Method::POST, &format!("plugins/{HOSTILE}/{verb}"), "{}");
    let echo = |caller: &mut Caller| caller.get(&format!("{HOSTILE}/echo"));
    assert_eq!(verb(&mut node, "pause")["state"], "paused");
    let error = echo(&mut caller).refused(StatusCode::SERVICE_UNAVAILABLE);
    assert!(error["message"].to_string().contains("paused"), "{error}");
    verb(&mut node, "resume");
    assert_eq!(echo(&mut caller).status, 200);
    verb(&mut node, "disable");
    assert!(echo(&mut caller).refused(StatusCode::SERVICE_UNAVAILABLE)["message"].to_string().contains("disabled"));
    verb(&mut node, "enable");
    assert_eq!(echo(&mut caller).status, 200);

    for (method, path, body) in [
        (Method::POST, "replay", "{}"),
        (Method::GET, "queue", ""),
        (Method::POST, "queue/all/retry", "{}"),
        (Method::GET, "capsule", ""),
        (Method::POST, "queries/any", "{}"),
    ] {
        let refused = node.refused(method, &format!("plugins/{HOSTILE}/{path}"), body);
        assert!(refused.contains("a gateway: it takes no deliveries"), "{path}: {refused}");
    }
    let refused =
        node.refused(Method::PATCH, &format!("plugins/{HOSTILE}/config"), json!({ "events": ["a"] }).to_string());
    assert!(refused.contains("takes no deliveries"), "{refused}");
    let refused = node.refused(Method::POST, &format!("plugins/{HOSTILE}/rollback"), "{}");
    assert!(refused.contains("nothing to go back to"), "{refused}");

    let mut node = node.restart();
    let mut caller = Caller::of(&node);
    assert_eq!(echo(&mut caller).status, 200, "it is there after a restart");
    node.until(&format!("plugins/{HOSTILE}"), PATIENCE, |status| status["state"] == "live");
    node.ask(Method::DELETE, &format!("plugins/{HOSTILE}"), "");
    assert_eq!(echo(&mut caller).refused(StatusCode::NOT_FOUND)["code"], "not-found");
    let counter = json!({ "component": node.ask(Method::PUT, "components", guest("event-counter"))["hash"] });
    node.ask(Method::POST, "plugins", counter.to_string());
    let error = caller.get("event-counter/").refused(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(error["message"].to_string().contains("a read model, and answers no requests"), "{error}");
    let granted = node.refused(
        Method::POST,
        "plugins",
        json!({ "component": counter["component"], "name": "other", "grants": { "append": ["order"] } }).to_string(),
    );
    assert!(granted.contains("a read model neither writes nor asks"), "{granted}");
}

#[test]
fn an_upgrade_that_asks_for_more_waits_for_consent_which_grants_it() {
    let mut node = Node::start();
    let board = guest("flight-board");
    node.install_as(guest("eventdbx-guest-hostile-gateway"), &json!({ "name": "front" }));
    let component = node.ask(Method::PUT, "components", board)["hash"].clone();
    let refused = node.refused(Method::POST, "plugins/front/upgrade", json!({ "component": component }).to_string());
    assert!(refused.contains("--grant append=flight --grant query=airport-hours --grant read=flight"), "{refused}");
    let grants = ["append=flight", "query=airport-hours", "read=flight"];
    let upgraded = node.ask(
        Method::POST,
        "plugins/front/upgrade",
        json!({ "component": component, "grants": grants }).to_string(),
    );
    assert_eq!(
        upgraded["gateway"]["grants"],
        json!({ "append": ["flight"], "read": ["flight"], "query": ["airport-hours"] })
    );
    let mut caller = Caller::of(&node);
    assert!(caller.get("front/nothing").text.contains("/airports/CODE/hours"));
    node.ask(Method::POST, "plugins/front/rollback", "{}");
    assert_eq!(caller.get("front/echo").status, 200);
    let counter = node.ask(Method::PUT, "components", guest("event-counter"))["hash"].clone();
    let refused = node.refused(Method::POST, "plugins/front/upgrade", json!({ "component": counter }).to_string());
    assert!(refused.contains("front is a gateway, and this component is a read model"), "{refused}");
}

#[test]
fn who_comes_when_too_many_wait_is_told_so_at_once() {
    let (mut node, _) = with_gateway(&json!({}));
    // Each of these takes a second of CPU time; two are answered at a time, and 32 may wait.
    let callers: Vec<_> = (0..40)
        .map(|_| {
            let mut caller = Caller::of(&node);
            std::thread::spawn(move || {
                let answer = caller.get(&format!("{HOSTILE}/loop"));
                (answer.status.as_u16(), answer.headers.contains_key("retry-after"))
            })
        })
        .collect();
    let turned_away = |status: &Value| status["gateway"]["turned_away"].as_u64() >= Some(6);
    node.until(&format!("plugins/{HOSTILE}"), PATIENCE, turned_away);
    // Whoever waits for a gateway that is stopped is told to come again.
    node.ask(Method::POST, &format!("plugins/{HOSTILE}/disable"), "{}");
    let answers: Vec<_> = callers.into_iter().map(|caller| caller.join().expect("an answer")).collect();
    assert!(answers.iter().all(|answer| matches!(answer, (502, false) | (503, true))), "{answers:?}");
    assert!(answers.iter().filter(|(status, _)| *status == 503).count() >= 6, "{answers:?}");
}

#[test]
fn the_limits_of_a_request_are_those_that_the_operator_set() {
    let mut node = Node::start_with("[limits]\ngateway_request_bytes = 10\nhttp_header_bytes = 600\n");
    node.install_as(guest("eventdbx-guest-hostile-gateway"), &json!({}));
    let mut caller = Caller::of(&node);
    let body = caller.send(Method::POST, &format!("{HOSTILE}/echo"), &[], "12345678901");
    let told = body.refused(StatusCode::PAYLOAD_TOO_LARGE).to_string();
    assert!(told.contains("gateway_request_bytes"), "{told}");
    let long = "x".repeat(600);
    let headers = caller.send(Method::POST, &format!("{HOSTILE}/echo"), &[("x-long", &long)], "");
    let told = headers.refused(StatusCode::PAYLOAD_TOO_LARGE).to_string();
    assert!(told.contains("http_header_bytes"), "{told}");
    assert_eq!(caller.send(Method::POST, &format!("{HOSTILE}/echo"), &[], "1234567890").status, StatusCode::OK);
}
