//! Gateways from the command line: installed, asked, configured.

use serde_json::{Value, json};

use crate::scratch::{Scratch, repository};

/// What GitHub posts, and the HMAC-SHA256 of it under the secret below.
const DELIVERY: &str = r#"{"action": "opened", "number": 7, "repository": {"full_name": "octo/hello"}}"#;
const SIGNATURE: &str = "sha256=06be516341a4aaacffa777eb712e1f07ca854193cb48e264ce0003c78d4a1b16";
const SECRET: &str = "0123456789abcdef";

fn install(scratch: &Scratch, example: &str, arguments: &[&str]) -> Value {
    let component = eventdbx_plugin_build::example(example).unwrap();
    let mut install = vec!["plugin".into(), "install".into(), component.into_os_string()];
    install.extend(arguments.iter().map(Into::into));
    scratch.json(&install)
}

#[test]
fn a_webhook_becomes_one_event_and_what_is_not_signed_becomes_none() {
    let scratch = Scratch::started();
    scratch.dbx_given(SECRET, ["plugin", "secret", "set", "github", "-"]).ok();
    let config = r#"{"secret": "{{secret:github}}"}"#;
    let plugin = install(&scratch, "github-webhook", &["--config", config, "--grant", "append=github/octo:*"]);
    assert_eq!(plugin["gateway"]["grants"]["append"], json!(["github/octo:*"]));
    let post = |id: &str, signature: &str, extra: &[&str]| {
        let mut call = vec!["plugin", "call", "github-webhook", "--data", DELIVERY];
        let headers = [
            "x-github-event=pull_request".to_owned(),
            format!("x-github-delivery={id}"),
            format!("x-hub-signature-256={signature}"),
        ];
        headers.iter().for_each(|header| call.extend(["--header", header]));
        call.extend(extra);
        scratch.dbx(call)
    };
    let first: Value = serde_json::from_str(&post("d-1", SIGNATURE, &["--format", "json"]).ok().stdout).unwrap();
    assert_eq!((&first["status"], &first["headers"]["x-eventdbx-gateway"]), (&json!(201), &json!("github-webhook")));
    assert_eq!(post("d-1", SIGNATURE, &[]).ok().stdout.trim(), first["body"].to_string(), "the same delivery again");
    post("d-2", "sha256=00", &[]).code(1).says("status 401");
    scratch.dbx(["plugin", "call", "github-webhook"]).code(1).says("status 405");

    let rows = scratch.json(["events", "github", "octo:hello"])["rows"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    assert_eq!((&rows[0]["event_type"], &rows[0]["payload"]["number"]), (&json!("github_pull_request"), &json!(7)));
    assert_eq!((&rows[0]["actor"], &rows[0]["metadata"]["delivery"]), (&json!("plugin:github-webhook"), &json!("d-1")));

    // What it may is changed while it runs.
    scratch.dbx(["plugin", "config", "github-webhook", "--revoke", "append=github/octo:*"]).ok();
    let denied = post("d-3", SIGNATURE, &[]).code(1).says("status 403");
    assert!(denied.stdout.contains("append=github/octo:hello is not granted"), "{denied:?}");
    scratch.dbx(["plugin", "config", "github-webhook", "--grant", "append=github"]).ok();
    post("d-3", SIGNATURE, &[]).ok();
    let shown = scratch.dbx(["plugin", "config", "github-webhook"]).ok().stdout;
    assert!(shown.contains("append=github") && !shown.contains(SECRET), "{shown}");
    let status = scratch.dbx(["plugin", "status", "github-webhook"]).ok().stdout;
    assert!(status.contains("append=github") && status.contains("requests") && !status.contains("lag"), "{status}");
    let metrics = scratch.dbx(["metrics"]).ok().stdout;
    let sample = "eventdbx_gateway_requests_total{domain=\"default\",plugin=\"github-webhook\"} 6";
    assert!(metrics.lines().any(|line| line == sample), "{metrics}");
}

#[test]
fn a_board_of_real_flights_is_read_and_written_over_http() {
    let scratch = Scratch::started();
    let packed = repository().join("tests/data/flights-2013-01-01.ndjson.gz");
    scratch.dbx(["import".as_ref(), packed.as_os_str()]).ok();
    install(&scratch, "airport-hours", &[]);
    let grants = ["--grant", "query=airport-hours", "--grant", "read=flight", "--grant", "append=flight"];
    install(&scratch, "flight-board", &grants);
    let call = |arguments: &[&str]| {
        let call = ["plugin", "call", "flight-board"].iter().chain(arguments);
        scratch.dbx(call.chain(&["--format", "json"]))
    };
    let answer = |arguments: &[&str]| -> Value { serde_json::from_str(&call(arguments).ok().stdout).unwrap() };
    let hours = answer(&["/airports/JFK/hours?after=2515"])["body"].clone();
    let expected = scratch.json(["query", "airport-hours", "departures", "--params", r#"{"airport": "JFK"}"#]);
    let expected = expected["body"].as_object().unwrap();
    let told = hours["hours"].as_object().unwrap();
    assert!(told.len() > 10 && told.len() == expected.len(), "{hours}");
    told.iter().for_each(|(hour, count)| assert_eq!(Some(count), expected.get(&format!("JFK {hour}"))));

    let id = scratch.json(["aggregate", "list", "flight"])["rows"][0]["aggregate_id"].as_str().unwrap().to_owned();
    let flight = answer(&[&format!("/flights/{id}")]);
    let version = flight["headers"]["etag"].as_str().unwrap().to_owned();
    let note = ["--data", r#"{"text": "late"}"#, "--header", &format!("if-match={version}")].map(str::to_owned);
    let path = format!("/flights/{id}/notes");
    let note: Vec<&str> = [path.as_str()].into_iter().chain(note.iter().map(String::as_str)).collect();
    assert_eq!(answer(&note)["status"], 201);
    call(&note).code(1).says("status 409");
    assert_eq!(answer(&[&format!("/flights/{id}")])["body"]["note"], "late");
    call(&["/flights/none"]).code(1).says("status 404");
    scratch.dbx(["plugin", "call", "airport-hours"]).code(3).says("answers no requests");
    scratch.dbx(["plugin", "call", "none"]).code(4);
    scratch.dbx(["plugin", "call", "flight-board", "nothing"]).code(2).says("does not begin with /");
}
