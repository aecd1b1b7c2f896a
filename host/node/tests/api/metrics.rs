//! Metrics: the text holds what the format demands, and the numbers are those of the other routes.

use std::collections::{BTreeMap, BTreeSet};

use eventdbx_node::{client, wire::ErrorCode};
use http_body_util::BodyExt as _;
use hyper::{Method, header};
use serde_json::json;

use crate::support::Node;

/// Samples by name and labels, as they stand in the text.
type Samples = BTreeMap<String, f64>;

fn scrape(node: &mut Node) -> (String, Samples) {
    let text = node.runtime.block_on(async {
        let answer = node.client.stream(Method::GET, "/metrics", client::whole("")).await.unwrap();
        assert_eq!(answer.status(), 200);
        let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
    });
    let samples = parse(&text);
    (text, samples)
}

/// Reads the text format, and fails at whatever does not fit it.
fn parse(text: &str) -> Samples {
    assert!(text.ends_with('\n'));
    let (mut samples, mut families) = (Samples::new(), BTreeSet::new());
    let (mut family, mut kind, mut helped) = (String::new(), String::new(), String::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("a name and a help");
            assert!(families.insert(name.to_owned()), "{name} stands in one place");
            assert!(words.ends_with('.'), "{line}");
            helped = name.to_owned();
        } else if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, of_kind) = declared.split_once(' ').expect("a name and a kind");
            assert_eq!(name, helped, "the help comes first");
            (family, kind) = (name.to_owned(), of_kind.to_owned());
            let is_counter = kind == "counter";
            assert_eq!(is_counter, name.ends_with("_total"), "{name} is a {kind}");
            assert!(["counter", "gauge", "histogram", "untyped"].contains(&of_kind), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a series and a value");
            let (name, labels) = series.split_once('{').map_or((series, ""), |(name, rest)| {
                (name, rest.strip_suffix('}').unwrap_or_else(|| panic!("{line}")))
            });
            let suffix = name.strip_prefix(&*family).unwrap_or_else(|| panic!("{line} is not of {family}"));
            let allowed: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(allowed.contains(&suffix), "{line}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'));
            check_labels(labels);
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(kind != "counter" || value >= 0.0, "{line}");
            assert_eq!(samples.insert(series.to_owned(), value), None, "{series} is there twice");
        }
    }
    samples
}

fn check_labels(mut labels: &str) {
    while !labels.is_empty() {
        let (name, rest) = labels.split_once("=\"").unwrap_or_else(|| panic!("{labels}"));
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        let mut escaped = false;
        let end = rest.find(|c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        labels = &rest[end.unwrap_or_else(|| panic!("{labels}")) + 1..];
        labels = labels.strip_prefix(',').unwrap_or(labels);
    }
}

#[test]
fn the_text_is_well_formed_and_says_what_the_status_says() {
    let mut node = Node::start();
    for n in 0..5 {
        node.write(&(n % 2).to_string(), "placed", json!({"n": n}));
    }
    node.send(Method::PUT, "/v1/domains/side", "");
    let subscriptions = "/v1/domains/default/subscriptions";
    node.post(subscriptions, &json!({"name": "mail", "types": ["order"]}));
    let rows = node.get(&format!("{subscriptions}/mail/deliveries?max=2")).body["rows"].clone();
    node.post(&format!("{subscriptions}/mail/ack"), &json!({"acks": [rows[0]["ack"]]}));

    let stats = node.get("/v1/stats").body["domains"][0].clone();
    let status = node.get(&format!("{subscriptions}/mail")).body;
    let (text, samples) = scrape(&mut node);
    let domain = |name: &str| samples[&format!("eventdbx_domain_{name}{{domain=\"default\"}}")];
    assert_eq!(domain("events_total"), stats["events"].as_f64().unwrap());
    assert_eq!(domain("aggregates"), stats["aggregates"].as_f64().unwrap());
    assert_eq!(domain("commits_total"), stats["commits"].as_f64().unwrap());
    assert_eq!(domain("commit_seconds_total"), stats["commit_micros"].as_f64().unwrap() / 1e6);
    let commits =
        |suffix: &str| samples[&format!("eventdbx_domain_commit_duration_seconds{suffix}{{domain=\"default\"}}")];
    assert_eq!((commits("_count"), commits("_sum")), (domain("commits_total"), domain("commit_seconds_total")));
    assert!(domain("disk_bytes") > 0.0 && domain("queued_requests") == 0.0 && domain("writes_stopped") == 0.0);
    assert_eq!((domain("up"), samples["eventdbx_domain_up{domain=\"side\"}"]), (1.0, 1.0));
    let mail =
        |name: &str| samples[&format!("eventdbx_subscription_{name}{{domain=\"default\",subscription=\"mail\"}}")];
    assert_eq!((mail("acknowledged_total"), mail("in_flight"), mail("members")), (1.0, 1.0, 1.0));
    assert_eq!(mail("lag_events"), status["lag_events"].as_f64().unwrap());
    assert!(text.contains(&format!("eventdbx_build_info{{version=\"{}\"}} 1\n", env!("CARGO_PKG_VERSION"))));
    assert!(samples["process_resident_memory_bytes"] > 1e6 && samples["eventdbx_uptime_seconds"] > 0.0);
}

#[test]
fn requests_are_counted_by_route_and_class_and_nothing_else() {
    let mut node = Node::start();
    for n in 0..7 {
        node.write(&n.to_string(), "placed", json!({}));
    }
    node.append(json!([{"aggregate_type": "Bad Type"}])).refused(ErrorCode::BadRequest);
    for path in ["/nowhere", "/elsewhere", "/v1/nothing"] {
        node.get(path).refused(ErrorCode::NotFound);
    }
    let (_, samples) = scrape(&mut node);
    let count = |method: &str, route: &str, class: &str| {
        let series =
            format!("eventdbx_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{class}\"}}");
        samples.get(&series).copied().unwrap_or(0.0)
    };
    let append = "/v1/domains/{d}/append";
    assert_eq!((count("POST", append, "2xx"), count("POST", append, "4xx")), (7.0, 1.0));
    assert_eq!(count("GET", "other", "4xx"), 3.0, "what has no route makes no series of its own");
    let histogram = |suffix: &str, more: &str| {
        let name = "eventdbx_http_request_duration_seconds";
        samples[&format!("{name}{suffix}{{method=\"POST\",route=\"{append}\"{more}}}")]
    };
    assert_eq!(histogram("_count", ""), 8.0);
    assert_eq!(histogram("_bucket", ",le=\"+Inf\""), 8.0);
    assert!(histogram("_sum", "") > 0.0);
    let name = format!("eventdbx_http_request_duration_seconds_bucket{{method=\"POST\",route=\"{append}\"");
    let mut buckets: Vec<_> = samples.iter().filter(|(series, _)| series.starts_with(&name)).map(|(_, n)| *n).collect();
    buckets.sort_by(f64::total_cmp);
    assert_eq!((buckets.len(), *buckets.last().unwrap()), (15, 8.0));
}
