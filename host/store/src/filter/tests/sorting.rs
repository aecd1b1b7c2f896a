//! Orders: which row comes first, in every type that a path can lead to.

use super::*;

fn sort(text: &str) -> Sort {
    Sort::parse(text, Subject::Events).unwrap_or_else(|fault| panic!("{fault}"))
}

#[test]
fn values_order_by_type_and_then_by_value() {
    // Each line is one place in the order.
    let ascending: &[&[&str]] = &[
        &["{}", r#"{"v":null}"#],
        &[r#"{"v":false}"#],
        &[r#"{"v":true}"#],
        &[r#"{"v":-1e300}"#],
        &[r#"{"v":-1}"#],
        &[r#"{"v":0}"#, r#"{"v":-0.0}"#],
        &[r#"{"v":9}"#, r#"{"v":9.0}"#],
        &[r#"{"v":10}"#],
        &[r#"{"v":""}"#],
        &[r#"{"v":"10"}"#],
        &[r#"{"v":"9"}"#],
        &[r#"{"v":"a"}"#, r#"{"v":"\u0061"}"#],
        &[r#"{"v":[1]}"#, r#"{"v":[ 1.0 ]}"#],
        &[r#"{"v":{"a":1,"b":2}}"#, r#"{"v":{"b":2,"a":1}}"#],
    ];
    let places: Vec<Vec<Event>> = ascending.iter().map(|line| line.iter().map(|text| event(text)).collect()).collect();
    for (order, turned) in [("v", false), ("v asc", false), ("payload.v DESC", true)] {
        let sort = sort(order);
        for (left_place, left) in places.iter().enumerate() {
            for (right_place, right) in places.iter().enumerate() {
                for (left, right) in left.iter().flat_map(|left| right.iter().map(move |right| (left, right))) {
                    let expected = left_place.cmp(&right_place);
                    let expected = if turned { expected.reverse() } else { expected };
                    assert_eq!(sort.key(left).cmp(&sort.key(right)), expected, "{order}: {left:?} {right:?}");
                }
            }
        }
    }
}

#[test]
fn later_paths_decide_between_equals() {
    let sort = sort("a desc, b");
    let mut rows: Vec<Event> =
        [r#"{"a":1,"b":2}"#, r#"{"a":2,"b":2}"#, r#"{"a":2,"b":1}"#].into_iter().map(event).collect();
    rows.sort_by_cached_key(|row| sort.key(row));
    let order: Vec<&str> = rows.iter().map(|row| row.body.payload.as_str()).collect();
    assert_eq!(order, [r#"{"a":2,"b":1}"#, r#"{"a":2,"b":2}"#, r#"{"a":1,"b":2}"#]);
}

#[test]
fn time_fields_order_as_instants() {
    let sort = sort("occurred_at");
    let at = |time: Option<&str>| {
        let mut event = event("{}");
        event.header.occurred_at = time.map(Into::into);
        sort.key(&event)
    };
    assert!(at(None) < at(Some("2013-01-01T12:00:00+05:00")));
    assert!(at(Some("2013-01-01T12:00:00+05:00")) < at(Some("2013-01-01T10:00:00Z")));
    assert_eq!(at(Some("2013-01-01T12:00:00+02:00")), at(Some("2013-01-01T10:00:00.0Z")));
}

#[test]
fn a_sort_order_knows_what_it_needs() {
    assert_eq!(sort("recorded_at desc, position").needs(), Needs::default());
    assert_eq!(sort("metadata.a").needs(), Needs { body: true, envelope: true, ..Needs::default() });
    let of_aggregates = Sort::parse("updated_at desc, address.city", Subject::Aggregates).expect("a sort order");
    assert_eq!(of_aggregates.needs(), Needs { state: true, ..Needs::default() });
    assert!(of_aggregates.key(&aggregate("{}")) < of_aggregates.key(&aggregate(r#"{"address":{"city":"Bern"}}"#)));
}

#[test]
fn a_path_may_be_called_like_a_direction() {
    let sort = sort("desc desc, asc");
    assert!(sort.key(&event(r#"{"desc":2}"#)) < sort.key(&event(r#"{"desc":1}"#)));
}

#[test]
fn faults_show_their_place() {
    let table = [
        ("", "a path is missing\n  \n  ^\nexpected: a path, e.g. recorded_at"),
        ("total,", "a path is missing\n  total,\n        ^\nexpected: a path, e.g. recorded_at"),
        ("total 3", "a path is followed by something else\n  total 3\n        ^\nexpected: asc, desc, `,` or the end"),
        (
            "total up",
            "a path is followed by something else\n  total up\n        ^^\nexpected: asc, desc, `,` or the end",
        ),
        (
            "recorded_a",
            "there is no `recorded_a`\n  recorded_a\n  ^^^^^^^^^^\nexpected: `recorded_at`, or \
            `payload.recorded_a` for a member of that name",
        ),
        (
            "a,b,c,d,e,f,g,h,i",
            "the sort order has too many paths\n  a,b,c,d,e,f,g,h,i\n                  ^\n\
            expected: at most 8 (SORT_PATHS)",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(Sort::parse(text, Subject::Events).expect_err(text).to_string(), expected, "{text}");
    }
    let long = "é".repeat(4000);
    assert!(Sort::parse(&long, Subject::Events).expect_err("too long").expected.contains("FILTER_BYTES"));
}
