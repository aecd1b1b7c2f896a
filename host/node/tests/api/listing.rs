//! Listings: filters, orders, times and cursors, and what is refused of them.

use eventdbx_node::{client::Client, wire::ErrorCode};
use serde_json::{Value, json};

use crate::support::{Node, escaped, order};

/// Orders `a` to `e`, each placed with a total and then paid or cancelled; positions 1 to 10.
fn orders() -> Node {
    let mut node = Node::start();
    for (total, id) in [30, 10, 50, 10, 40].into_iter().zip(["a", "b", "c", "d", "e"]) {
        let mut placed = order(id, "order_placed", json!({ "total": total, "customer": { "name": format!("{id}!") } }));
        placed["occurred_at"] = json!(format!("2013-01-0{}T00:00:00Z", 9 - total / 10));
        placed["metadata"] = json!({ "source": if total > 30 { "web" } else { "shop" } });
        assert_eq!(node.append(json!([placed])).status, 200);
        node.write(id, if total == 50 { "order_cancelled" } else { "order_paid" }, json!({ "done": total != 50 }));
    }
    node
}

fn positions(page: &Value) -> Vec<u64> {
    page["rows"].as_array().unwrap().iter().map(|row| row["position"].as_u64().unwrap()).collect()
}

fn ids(page: &Value) -> Vec<&str> {
    page["rows"].as_array().unwrap().iter().map(|row| row["aggregate_id"].as_str().unwrap()).collect()
}

/// Reads every page.
fn pages(node: &mut Node, what: &str, parameters: &[(&str, &str)]) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let all = parameters.iter().copied().chain(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let answer = node.list(what, &all.collect::<Vec<_>>());
        assert_eq!(answer.status, 200, "{}", answer.body);
        cursor = answer.body["next"].as_str().map(str::to_owned);
        pages.push(answer.body);
        if cursor.is_none() {
            return pages;
        }
    }
}

#[test]
fn events_are_filtered_and_ordered() {
    let mut node = orders();
    for (parameters, expected) in [
        (&[("filter", "event_type = 'order_placed' AND total >= 40")][..], vec![5, 9]),
        (&[("filter", "metadata.source = 'web'"), ("reverse", "true")], vec![9, 5]),
        (&[("filter", "customer.name LIKE 'b%' OR done = false")], vec![3, 6]),
        (&[("filter", "total IS NOT NULL"), ("sort", "total desc")], vec![5, 9, 1, 3, 7]),
        (&[("filter", "total IS NOT NULL"), ("sort", "occurred_at")], vec![5, 9, 1, 3, 7]),
        (&[("filter", "position BETWEEN 3 AND 6"), ("sort", "event_type, position desc")], vec![6, 4, 5, 3]),
        (&[("type", "order"), ("id", "c"), ("filter", "version = 2")], vec![6]),
        (&[("type", "order"), ("id", "c"), ("sort", "version desc")], vec![6, 5]),
        (&[("filter", "total > 50")], vec![]),
        (&[("since", "2013-01-01"), ("until", "2013-01-02")], vec![]),
        (&[("since", "2013-01-01"), ("filter", "position > 8")], vec![9, 10]),
    ] {
        for limit in ["1", "2", "100"] {
            let parameters: Vec<_> = parameters.iter().copied().chain([("limit", limit)]).collect();
            let found: Vec<_> = pages(&mut node, "events", &parameters).iter().flat_map(positions).collect();
            assert_eq!(found, expected, "{parameters:?}");
        }
    }
    let history = "aggregates/order/c/events";
    for (parameters, expected) in
        [(&[("filter", "total = 50")][..], vec![5]), (&[("sort", "event_type"), ("limit", "1")], vec![6, 5])]
    {
        let found: Vec<_> = pages(&mut node, history, parameters).iter().flat_map(positions).collect();
        assert_eq!(found, expected, "{parameters:?}");
    }
}

#[test]
fn recorded_times_bound_what_is_read() {
    let mut node = orders();
    let rows = node.list("events", &[]).body["rows"].clone();
    let at = |position: usize| rows[position - 1]["recorded_at"].as_str().unwrap().to_owned();
    let (since, until) = (at(4), at(8));
    let expected: Vec<u64> =
        (1..=10).filter(|position| (since.clone()..until.clone()).contains(&at(*position as usize))).collect();
    let bounds = [("since", since.as_str()), ("until", until.as_str())];
    assert_eq!(positions(&node.list("events", &bounds).body), expected);
    let history = node.list("aggregates/order/c/events", &[("since", &at(6)), ("until", "2999-01-01")]).body;
    assert_eq!(positions(&history).last(), Some(&6));
    let listed = node.list("aggregates", &[("since", &at(10)), ("sort", "updated_at")]).body;
    assert_eq!(ids(&listed).last(), Some(&"e"));
}

#[test]
fn aggregates_are_filtered_and_ordered_by_what_they_are_now() {
    let mut node = orders();
    assert_eq!(node.post("/v1/domains/default/aggregates/order/b/archive", &json!({})).status, 200);
    for (parameters, expected) in [
        (&[("filter", "state.total > 20 AND done = true")][..], vec!["a", "e"]),
        (&[("sort", "total desc, aggregate_id desc")], vec!["c", "e", "a", "d"]),
        (&[("sort", "updated_at desc"), ("archived", "true"), ("type", "order")], vec!["b", "e", "d", "c", "a"]),
        (&[("filter", "archived = true"), ("archived", "true")], vec!["b"]),
        (&[("filter", "archived = true")], vec![]),
        (&[("filter", "customer.name IN ('a!', 'd!')"), ("sort", "aggregate_id desc")], vec!["d", "a"]),
    ] {
        for limit in ["1", "3", "100"] {
            let parameters: Vec<_> = parameters.iter().copied().chain([("limit", limit)]).collect();
            let pages = pages(&mut node, "aggregates", &parameters);
            assert_eq!(pages.iter().flat_map(ids).collect::<Vec<_>>(), expected, "{parameters:?}");
        }
    }
}

#[test]
fn an_aggregate_is_read_as_of_a_time() {
    let mut node = orders();
    let rows = node.list("aggregates/order/c/events", &[]).body["rows"].clone();
    let path = "aggregates/order/c";
    let then = node.list(path, &[("at", rows[0]["recorded_at"].as_str().unwrap())]).body;
    assert_eq!((&then["version"], &then["updated_at"]), (&json!(1), &rows[0]["recorded_at"]));
    assert_eq!(node.list(path, &[("at", "2999-01-01")]).body["version"], 2);
    assert_eq!(node.list(path, &[("at", "2013-01-05"), ("occurred", "true")]).body["version"], 1);
    node.list(path, &[("at", "2013-01-05")]).refused(ErrorCode::NotFound);
    node.list(path, &[("at", "2013-01-03"), ("occurred", "true")]).refused(ErrorCode::NotFound);
    for (parameters, named) in [
        (&[("at", "noon")][..], "at"),
        (&[("at", "2013-01-05"), ("version", "1")], "version"),
        (&[("occurred", "true")], "`at`"),
    ] {
        let error = node.list(path, parameters).refused(ErrorCode::BadRequest);
        assert!(error.message.contains(named), "{error:?}");
    }
}

#[test]
fn a_filter_that_does_not_parse_is_shown_with_a_caret() {
    let mut node = orders();
    for (what, parameter, text, shown) in [
        ("events", "filter", "total >", "\n  total >\n         ^\n"),
        ("events", "filter", "total > 'a", "\n  total > 'a\n          ^^\n"),
        ("events", "filter", "event_typ = 'x'", "`event_type`"),
        ("events", "filter", "archived = true", "events have no `archived`"),
        ("events", "sort", "", "a path is missing"),
        ("events", "sort", "total up", "\n  total up\n        ^^\n"),
        ("aggregates", "filter", "payload.total = 1", "aggregates have no `payload`"),
        ("aggregates", "sort", ",", "a path is missing"),
        ("aggregates/order/c/events", "filter", "(", "\n  (\n   ^\n"),
    ] {
        let error = node.list(what, &[(parameter, text)]).refused(ErrorCode::BadRequest);
        assert_eq!((error.reasons.len(), error.reasons[0].path.as_str()), (1, parameter), "{error:?}");
        assert!(error.reasons[0].message.contains(shown), "{text}: {}", error.reasons[0].message);
    }
}

#[test]
fn times_that_are_none_or_upside_down_are_named() {
    let mut node = orders();
    for what in ["events", "aggregates", "aggregates/order/c/events"] {
        for (parameters, named, code) in [
            (&[("since", "yesterday")][..], "since", "time"),
            (&[("until", "2013-13-01")], "until", "time"),
            (&[("since", "2013-01-02"), ("until", "2013-01-01T23:59:59Z")], "until", "upside-down"),
        ] {
            let error = node.list(what, parameters).refused(ErrorCode::BadRequest);
            assert_eq!((error.reasons[0].path.as_str(), error.reasons[0].code.as_str()), (named, code), "{error:?}");
        }
    }
}

#[test]
fn a_cursor_fits_only_its_own_query() {
    let mut node = orders();
    let next = |node: &mut Node, what: &str, parameters: &[(&str, &str)]| {
        node.list(what, parameters).body["next"].as_str().unwrap().to_owned()
    };
    let plain = next(&mut node, "events", &[("limit", "1")]);
    let named = next(&mut node, "aggregates", &[("limit", "1")]);
    let sorted = next(&mut node, "events", &[("limit", "1"), ("sort", "total")]);
    let of_c = next(&mut node, "aggregates/order/c/events", &[("limit", "1")]);
    for (what, cursor, parameters) in [
        ("events", &plain, &[("filter", "total > 1")][..]),
        ("events", &plain, &[("reverse", "true")]),
        ("events", &plain, &[("system", "true")]),
        ("events", &plain, &[("type", "order")]),
        ("events", &plain, &[("until", "2999-01-01")]),
        ("events", &plain, &[("sort", "total")]),
        ("events", &sorted, &[]),
        ("events", &sorted, &[("sort", "total desc")]),
        ("events", &named, &[]),
        ("aggregates", &plain, &[]),
        ("aggregates", &named, &[("archived", "true")]),
        ("aggregates/order/c/events", &plain, &[]),
        ("aggregates/order/d/events", &of_c, &[]),
    ] {
        let all: Vec<_> = parameters.iter().copied().chain([("cursor", cursor.as_str())]).collect();
        let error = node.list(what, &all).refused(ErrorCode::Refused);
        assert_eq!((error.reasons[0].path.as_str(), error.reasons[0].code.as_str()), ("cursor", "other-query"));
    }
    for garbage in ["", "3", "order/a", &plain[1..]] {
        let error = node.list("events", &[("cursor", garbage)]).refused(ErrorCode::BadRequest);
        assert_eq!(error.reasons[0].code, "no-cursor", "{error:?}");
    }
    for parameters in [&[("from", "1")][..], &[("from", "1"), ("sort", "total")], &[("reverse", "true"), ("sort", "a")]]
    {
        let cursor = [("cursor", plain.as_str())];
        let all: Vec<_> = parameters.iter().copied().chain(cursor.into_iter().take(2 - parameters.len())).collect();
        node.list("events", &all).refused(ErrorCode::BadRequest);
    }
    node.list("aggregates", &[("after", "order/a"), ("sort", "version")]).refused(ErrorCode::BadRequest);
}

#[test]
fn a_follower_with_a_filter_goes_from_history_to_live() {
    let mut node = Node::start();
    let line = |n: u64| {
        let payload = json!({ "n": n, "seven": n.is_multiple_of(7) });
        format!(
            "{}\n",
            json!({ "aggregate_type": "order", "aggregate_id": "1", "event_type": "e", "payload": payload })
        )
    };
    node.import((0..2100).map(line).collect::<String>());
    let socket = node.running().socket();
    let path = |scope: &str| {
        format!("/v1/domains/default/events?follow=true&filter={}{scope}", escaped("seven = true AND version > 700"))
    };
    let followers: Vec<_> = ["", "&type=order", "&type=order&id=1", "&since=2013-01-01"]
        .map(|scope| {
            let (socket, path) = (socket.clone(), path(scope));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut client = Client::connect(&socket).await.unwrap();
                    let body = eventdbx_node::client::whole(bytes::Bytes::new());
                    let mut lines = client.lines(hyper::Method::GET, &path, body).await.unwrap();
                    let mut seen = Vec::new();
                    while seen.last() != Some(&4200_u64) {
                        let line = lines.next().await.unwrap().expect("the stream goes on");
                        seen.push(serde_json::from_slice::<Value>(&line).unwrap()["payload"]["n"].as_u64().unwrap());
                    }
                    seen
                })
            })
        })
        .into_iter()
        .collect();
    node.import((2100..=4200).map(line).collect::<String>());
    let expected: Vec<u64> = (700..=4200).filter(|n: &u64| n.is_multiple_of(7)).collect();
    for follower in followers {
        assert_eq!(follower.join().unwrap(), expected);
    }
    for excluded in ["sort=a", "until=2013-01-01", "cursor=x", "reverse=true"] {
        let error =
            node.get(&format!("/v1/domains/default/events?follow=true&{excluded}")).refused(ErrorCode::BadRequest);
        assert!(error.message.contains("follow"), "{error:?}");
    }
}
