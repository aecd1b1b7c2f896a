//! Expressions over two rows, and what they say.

use super::*;

const PAYLOAD: &str = r#"{
    "total": 12.5, "exact": "12.50", "count": 3, "name": "Zoë", "paid": true, "nothing": null, "code": "007",
    "items": [{"sku": "x-1"}, {"sku": "x-2"}], "odd key": {"in": "deep"}, "copy": "Zoë", "big": 9007199254740991,
    "when": "2013-01-01T11:15:00+01:00", "precise": "9007199254740993", "escaped": "a\"b\n\u00e9", "version": 9
}"#;

const TRUE_OF_EVENT: &[&str] = &[
    // Numbers.
    "total = 12.5",
    "payload.total = 12.50",
    "total != 12",
    "total <> 12",
    "total > 12 AND total < 13",
    "12 < total and 13 >= total",
    "count = 3.0 AND count = 3e0 AND count = 0.3e1",
    "count >= 3 and count <= 3",
    "big = 9007199254740991 and big < 9007199254740992",
    "-1 < count",
    // Text.
    "name = 'Zoë'",
    "name > 'Z' AND name < 'a'",
    "name = copy",
    "name <= copy AND NOT name < copy",
    r#"escaped LIKE 'a"b%é'"#,
    "name != 'it''s'",
    // Exact decimals.
    "exact = 12.5 AND exact = 12.50 AND exact = 1250e-2",
    "exact > 12.49 AND exact < 12.51",
    "exact != '12.5'",
    "precise > 9007199254740992 AND precise < 9007199254740994",
    "NOT code = 7 AND code = '007'",
    "exact IN (1, 12.5)",
    "exact BETWEEN 12 AND 13",
    // Truth values.
    "paid = true AND paid != false",
    "TRUE = paid",
    // NULL.
    "nothing IS NULL AND missing IS NULL AND name.deeper IS NULL",
    "name IS NOT NULL AND items IS NOT NULL AND payload IS NOT NULL",
    "note IS NULL",
    "NOT missing = 1",
    "NOT missing != 1",
    "NOT nothing = null AND NOT name != null",
    "NOT (missing IN (1)) AND NOT (missing NOT IN (1))",
    "NOT (missing LIKE '%') AND NOT (missing NOT LIKE '%')",
    "NOT (missing BETWEEN 0 AND 1) AND NOT (missing NOT BETWEEN 0 AND 1)",
    // Different types do not compare.
    "NOT name = 3 AND NOT name != 3 AND NOT name > 3",
    "NOT count = '3' AND NOT count != '3'",
    "NOT paid = 1 AND NOT paid = 'true'",
    "NOT items = items AND NOT items = 'x'",
    "NOT paid <= paid",
    "NOT total = exact",
    // Lists, ranges and patterns.
    "count IN (1, 2, 3)",
    "count NOT IN (1, 2, 'x', null)",
    "name IN ('a', 'Zoë')",
    "count BETWEEN 3 AND 3",
    "count NOT BETWEEN 4 AND 5",
    "count BETWEEN 1 AND total",
    "items[0].sku LIKE 'x-_' AND items.1.sku LIKE '%2'",
    "name NOT LIKE 'z%'",
    "name LIKE '_o_'",
    // Paths.
    r#"payload."odd key".in = 'deep' AND "odd key".in = 'deep'"#,
    "metadata.source = 'web' AND metadata.tags[1] = 'b'",
    "extensions.@trace = 't-9'",
    "items[2].sku IS NULL",
    "payload.version = 9 AND version = 3",
    // The fields.
    "position = 42 AND version = 3 AND schema_version = 2",
    "aggregate_type = 'order' AND aggregate_id = 'o-1' AND event_type = 'order_changed'",
    "event_id = '0198c2f0-5a7e-7cc3-98c4-dc0c0c07398f'",
    "actor = 'alice'",
    "position > version",
    // Times.
    "recorded_at = '2013-01-01T10:15:00Z' AND recorded_at = '2013-01-01T11:15:00+01:00'",
    "recorded_at > '2013-01-01' AND recorded_at < '2013-01-02'",
    "occurred_at = recorded_at AND occurred_at = '2013-01-01T10:15:00.000Z'",
    "recorded_at BETWEEN '2013-01-01' AND '2013-01-02'",
    "recorded_at IN ('2013-01-01T10:15:00Z')",
    "'2013-01-01' <= recorded_at",
    "payload.when = recorded_at AND recorded_at = payload.when",
    "payload.when != '2013-01-01T10:15:00Z'",
    "NOT recorded_at = name AND NOT recorded_at != name AND NOT recorded_at = count",
    "recorded_at IS NOT NULL AND NOT recorded_at = null",
    // AND before OR, NOT before AND.
    "count = 3 OR count = 4 AND count = 5",
    "NOT count = 4 AND count = 3",
    "NOT (count = 3 AND count = 4)",
    "not Not count = 3",
    "((count = 3))",
    "count=3 AND total>1 or(count=4)",
];

const FALSE_OF_EVENT: &[&str] = &[
    "total = 12.4",
    "missing = 1",
    "missing != 1",
    "missing < 1 OR missing >= 1",
    "(count = 3 OR count = 4) AND count = 5",
    "count NOT BETWEEN 3 AND 5",
    "name LIKE 'zoë'",
    "count LIKE '3' OR count NOT LIKE '4'",
    "paid IS NULL",
    "event_type = 'order_placed'",
    "recorded_at < '2013-01-01'",
    "name NOT IN ('Zoë')",
];

#[test]
fn expressions_say_what_they_should_of_an_event() {
    let event = event(PAYLOAD);
    for text in TRUE_OF_EVENT {
        assert!(filter(text, Subject::Events).matches(&event), "{text}");
        let negated = format!("NOT ({text})");
        assert!(!filter(&negated, Subject::Events).matches(&event), "{negated}");
    }
    for text in FALSE_OF_EVENT {
        assert!(!filter(text, Subject::Events).matches(&event), "{text}");
    }
}

#[test]
fn expressions_say_what_they_should_of_an_aggregate() {
    let row = aggregate(r#"{"address":{"city":"Bern"},"total":"12.50"}"#);
    let table = [
        ("total > 10", true),
        ("state.total = 12.5 AND total = '12.50'", true),
        ("state.address.city = 'Bern' AND address.city IN ('Basel', 'Bern')", true),
        ("archived = true", true),
        ("archived = false", false),
        ("created_at < updated_at AND created_at >= '2013-01-01'", true),
        ("version = 3 AND position = 42 AND aggregate_type LIKE 'ord%'", true),
        ("state.archived IS NULL", true),
    ];
    for (text, expected) in table {
        assert_eq!(filter(text, Subject::Aggregates).matches(&row), expected, "{text}");
    }
}

#[test]
fn a_filter_knows_what_it_needs() {
    let needs = |text| filter(text, Subject::Events).needs();
    assert_eq!(needs("event_type = 'x' AND recorded_at > '2013-01-01'"), Needs::default());
    assert_eq!(needs("actor = 'x' OR note IS NULL"), Needs { body: true, envelope: true, ..Needs::default() });
    assert_eq!(needs("metadata.a = 1"), Needs { body: true, envelope: true, ..Needs::default() });
    assert_eq!(needs("total = 1"), Needs { body: true, payload: true, ..Needs::default() });
    let of_aggregate = filter("total = 1", Subject::Aggregates).needs();
    assert_eq!(of_aggregate, Needs { state: true, ..Needs::default() });
}

#[test]
fn the_header_decides_what_it_can() {
    let header = event(PAYLOAD).header;
    let table = [
        ("event_type = 'x' AND payload.total > 3", Some(false)),
        ("payload.total > 3 AND event_type = 'x'", Some(false)),
        ("event_type = 'order_changed' OR payload.total > 3", Some(true)),
        ("event_type = 'order_changed' AND payload.total > 3", None),
        ("NOT (event_type = 'x' AND actor = 'bob')", Some(true)),
        ("position IN (1, 2) AND note IS NULL", Some(false)),
        ("position > payload.total", None),
        ("version BETWEEN 1 AND 5", Some(true)),
    ];
    for (text, expected) in table {
        assert_eq!(filter(text, Subject::Events).decide_by_header(&header), expected, "{text}");
    }
    let mut header = header;
    header.occurred_at = None;
    assert_eq!(filter("occurred_at > payload.when", Subject::Events).decide_by_header(&header), Some(false));
}

#[test]
fn a_patch_is_filtered_by_its_operations() {
    let event = event(r#"[{"op":"replace","path":"/total","value":3}]"#);
    assert!(filter("payload[0].op = 'replace' AND payload.0.value > 2", Subject::Events).matches(&event));
    assert!(filter("total IS NULL", Subject::Events).matches(&event));
}
