//! A hostile plugin in a running daemon: what the operator sees, and what nobody else feels.

use std::time::Duration;

use eventdbx_tests::{Node, guest};
use hyper::Method;
use serde_json::json;

/// How an event of each type ends, as the queue of parked events tells it.
const MISCHIEF: [(&str, &str); 16] = [
    ("loop_forever", "limit-batch_cpu_ms"),
    ("allocate", "limit-memory_bytes"),
    ("recurse", "limit-stack_bytes"),
    ("outgrow_tables", "limit-write_bytes"),
    ("shout", "limit-host_call_bytes"),
    ("shout_by_reference", "limit-host_call_bytes"),
    ("shout_log", "limit-host_call_bytes"),
    ("large_value", "limit-value_bytes"),
    ("large_key", "limit-key_bytes"),
    ("huge_failure", "limit-output_bytes"),
    ("many_metrics", "limit-metric_names"),
    ("undeclared_table", "forbidden"),
    ("trap", "crashed"),
    ("garbage_json", "nonsense"),
    ("poison_out_of_range", "nonsense"),
    ("poison", "rotten"),
];

#[test]
fn each_misbehaviour_is_parked_with_its_reason_and_the_rest_goes_on() {
    let mut node = Node::start();
    node.install(guest("eventdbx-guest-hostile"));
    node.install(guest("event-counter"));
    let (mut good, mut last, mut slowest) = (Vec::new(), 0, Duration::ZERO);
    for (n, (mischief, _)) in (0..).zip(MISCHIEF) {
        // Each bad event has an aggregate to itself, with a good event after it that must wait.
        let (_, took) = node.append(&format!("bad-{n}"), mischief);
        slowest = slowest.max(took);
        node.append(&format!("bad-{n}"), "placed");
        for aggregate in 0..10 {
            let (position, took) = node.append(&format!("good-{aggregate}"), "placed");
            (last, slowest) = (position, slowest.max(took));
            good.push(position);
        }
    }
    // Nobody's append waited for a plugin: the least that one of these loops takes is two seconds, thrice.
    assert!(slowest < Duration::from_secs(2), "an append took {slowest:?}");
    let counts = node.query("event-counter", "counts", last);
    assert_eq!(counts["body"]["placed"], good.len() + MISCHIEF.len(), "{counts}");

    let sum = node.query("hostile", "sum", last);
    assert_eq!(sum["body"], json!({ "sum": good.iter().sum::<u64>(), "count": good.len() }), "{sum}");
    let status = node.get("plugins/hostile");
    assert_eq!((&status["state"], &status["parked"]), (&json!("live"), &json!(MISCHIEF.len())), "{status}");
    let queue = node.get("plugins/hostile/queue");
    for (n, (mischief, code)) in (0..).zip(MISCHIEF) {
        let id = format!("bad-{n}");
        let rows = queue["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["aggregate_id"] == id).unwrap_or_else(|| panic!("{mischief}: {queue}"));
        assert_eq!(row["code"], code, "{row}");
        if let Some(limit) = code.strip_prefix("limit-") {
            assert!(row["reason"].as_str().expect("text").contains(limit), "{row}");
        }
    }
    let logs = node.get("plugins/hostile/logs");
    for (_, code) in MISCHIEF {
        assert!(logs.to_string().contains(&format!("on ({code})")), "{code}: {logs}");
    }
}

#[test]
fn a_flood_of_logs_costs_a_bounded_number_of_lines() {
    let mut node = Node::start();
    node.install(guest("eventdbx-guest-hostile"));
    let (position, _) = node.append("1", "flood_log");
    node.query("hostile", "sum", position);
    let rows = node.get("plugins/hostile/logs?limit=1000")["rows"].clone();
    let rows = rows.as_array().expect("rows");
    assert!(rows.len() <= 102, "{}", rows.len());
    assert!(rows.iter().any(|row| row["message"].as_str().is_some_and(|text| text.contains("99900 more"))));
}

#[test]
fn a_plugin_that_gives_up_says_why_and_goes_on_when_it_is_enabled_again() {
    let mut node = Node::start();
    node.install(guest("eventdbx-guest-hostile"));
    node.append("1", "fatal");
    let stopped = loop {
        let status = node.get("plugins/hostile");
        if status["state"] == "stopped" {
            break status;
        }
        std::thread::yield_now();
    };
    assert!(stopped["reason"].as_str().expect("a reason").contains("gave-up"), "{stopped}");
    let enabled = node.ask(Method::POST, "plugins/hostile/enable", "");
    assert_eq!(enabled["enabled"], true);
}
