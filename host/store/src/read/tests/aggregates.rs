//! Aggregates: pages of a listing by name or in an order, filtered by what they are now.

use super::*;

/// Orders as they are written, and as paths into a row with whether they descend.
const ORDERS: &[(&str, &[(&str, bool)])] = &[
    ("updated_at desc", &[("/updated_at", true)]),
    ("version, a desc", &[("/version", false), ("/state/a", true)]),
    ("archived desc, state.b", &[("/archived", true), ("/state/b", false)]),
    ("aggregate_id desc", &[("/aggregate_id", true)]),
];

/// Filters as they are written, with what they say of a row.
#[expect(clippy::type_complexity, reason = "said once")]
const FILTERS: &[(&str, fn(&Value) -> bool)] = &[
    ("version > 2", |row| row["version"].as_u64() > Some(2)),
    ("a IS NOT NULL", |row| !row["state"]["a"].is_null()),
    ("archived = true OR state.b = 1", |row| row["archived"] == true || row["state"]["b"].as_f64() == Some(1.0)),
    ("aggregate_id = 'o-1' AND NOT b IS NULL", |row| row["aggregate_id"] == "o-1" && !row["state"]["b"].is_null()),
];

fn row(place: &Place, row: &AggregateRow) -> Value {
    let whole = place.domain.aggregate(&row.name).expect("reads").expect("exists");
    let state: Value = serde_json::from_str(whole.state.as_str()).expect("JSON");
    assert_eq!((whole.version, whole.archived, whole.root), (row.version, row.archived, row.root));
    assert_eq!((whole.created_at, whole.updated_at), (row.created_at, row.updated_at));
    assert_eq!(whole.last_position, row.last_position);
    json!({
        "name": row.name.to_string(), "aggregate_id": row.name.id, "version": row.version, "archived": row.archived,
        "updated_at": row.updated_at, "state": state,
    })
}

fn pages(place: &Place, query: &AggregateQuery) -> Vec<AggregateRow> {
    let mut query = query.clone();
    let mut rows = Vec::new();
    loop {
        let page = place.domain.aggregates(&query).expect("reads");
        assert!(page.rows.len() <= query.limit);
        rows.extend(page.rows);
        if !page.more {
            return rows;
        }
        query.after = page.last;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn listings_agree_with_the_naive_evaluator(
        log in requests(0..16),
        archived in prop::collection::vec(any::<bool>(), NAMES.len()),
        limit in 1_usize..4,
        (since, until) in (prop::option::of(0_u64..20), prop::option::of(0_u64..20)),
    ) {
        let place = Place::with(&log);
        for ((kind, id), archived) in NAMES.iter().zip(archived) {
            let name = AggregateRef::new(kind, id).expect("a name");
            if archived && place.domain.aggregate(&name).expect("reads").is_some() {
                place.domain.archive(&name, "alice", None).expect("archives");
            }
        }
        let base = AggregateQuery { limit, archived: true, ..AggregateQuery::default() };
        let all: Vec<Value> = pages(&place, &base).iter().map(|found| row(&place, found)).collect();
        prop_assert!(all.is_sorted_by_key(|row| row["name"].as_str().expect("a name").to_owned()));
        let time = |steps: u64| Micros::new(START + steps * STEP);
        for (text, holds) in FILTERS {
            for order in [None, Some(0), Some(1), Some(2), Some(3)] {
                for states in [false, true] {
                    let query = AggregateQuery {
                        filter: Some(Filter::parse(text, Subject::Aggregates).expect("a filter")),
                        sort: order.map(|order| Sort::parse(ORDERS[order].0, Subject::Aggregates).expect("an order")),
                        since: since.map(time),
                        until: until.map(time),
                        states,
                        ..base.clone()
                    };
                    let found = pages(&place, &query);
                    prop_assert!(found.iter().all(|row| row.state.is_some() == states));
                    let found: Vec<Value> = found.iter().map(|found| row(&place, found)).collect();
                    let mut expected = all.clone();
                    expected.retain(|row| {
                        let at = row["updated_at"].as_u64().expect("a time");
                        since.is_none_or(|since| at >= time(since).get())
                            && until.is_none_or(|until| at < time(until).get())
                            && holds(row)
                    });
                    if let Some(order) = order {
                        expected.sort_by(|left, right| {
                            let by = |(path, turned): &(&str, bool)| {
                                let order = naive_order(path, left, right);
                                if *turned { order.reverse() } else { order }
                            };
                            ORDERS[order].1.iter().map(by).fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
                        });
                    }
                    prop_assert_eq!(found, expected, "{} {:?}", text, order);
                }
            }
        }
    }
}

#[test]
fn a_page_in_order_goes_on_only_behind_a_version_that_is_there() {
    let place = Place::new();
    place.domain.append(Draft::one(NewEvent::new("order", "o-1", "order_placed", "{}"), "alice")).expect("appends");
    let sort = Some(Sort::parse("updated_at", Subject::Aggregates).expect("an order"));
    for (name, version) in [("order/o-1", 0), ("order/o-1", 2), ("order/o-2", 1)] {
        let name = name.parse().expect("a name");
        let after = Some(AggregatePlace { name, version: Version::new(version), archived: false });
        let query = AggregateQuery { sort: sort.clone(), after, limit: 1, ..AggregateQuery::default() };
        assert!(matches!(place.domain.aggregates(&query), Err(ReadError::NoSuchPlace(_))));
    }
}
