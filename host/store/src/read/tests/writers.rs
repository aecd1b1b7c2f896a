//! Pages with a writer between them: what was there is seen once.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn count<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    items.into_iter().fold(BTreeMap::new(), |mut counts, item| {
        *counts.entry(item).or_default() += 1;
        counts
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Events never change: each that was there at the start is seen once, in every direction and order, and none twice.
    #[test]
    fn events_are_seen_once(
        log in requests(1..10),
        later in requests(1..10),
        filter in prop::option::of(naive::expression()),
        order in prop::option::of(prop::sample::select(&["a desc", "recorded_at desc", "recorded_at, a", "event_type"][..])),
        reverse in any::<bool>(),
        limit in 1_usize..4,
    ) {
        let place = Place::with(&log);
        let holds = |event: &Event| filter.as_ref().is_none_or(|filter| filter.holds(&document(event)));
        let expected: BTreeSet<Position> =
            place.all().iter().filter(|event| holds(event)).map(|event| event.header.position).collect();
        let text = filter.as_ref().map(Naive::print);
        let mut query = EventQuery {
            filter: text.map(|text| Filter::parse(&text, Subject::Events).expect("a filter")),
            sort: order.map(|order| Sort::parse(order, Subject::Events).expect("an order")),
            reverse,
            limit,
            ..EventQuery::default()
        };
        let mut later = later.iter();
        let mut seen = Vec::new();
        loop {
            let page = place.domain.events(&query).expect("reads");
            seen.extend(page.rows.iter().map(|event| event.header.position));
            if !page.more {
                break;
            }
            query.after = page.last;
            if let Some(request) = later.next() {
                place.write(request);
            }
        }
        let seen = count(seen);
        prop_assert!(seen.values().all(|times| *times == 1), "{:?}", seen);
        prop_assert!(expected.iter().all(|position| seen.contains_key(position)), "{:?} in {:?}", expected, seen);
    }

    /// By name, each aggregate is seen at most once, and once if it passed at the start and does at the end. In an order
    /// by what changes, those are seen once that did not change.
    #[test]
    fn aggregates_are_seen_once(
        log in requests(1..12),
        later in requests(1..12),
        filter in prop::option::of(prop::sample::select(&["version > 1", "a IS NOT NULL", "NOT b = 1"][..])),
        order in prop::option::of(prop::sample::select(&["updated_at desc", "version", "a desc, b", "aggregate_id"][..])),
        limit in 1_usize..3,
    ) {
        let place = Place::with(&log);
        let base = AggregateQuery {
            filter: filter.map(|filter| Filter::parse(filter, Subject::Aggregates).expect("a filter")),
            limit: 100,
            ..AggregateQuery::default()
        };
        let passing = || {
            let rows = place.domain.aggregates(&base).expect("reads").rows;
            rows.into_iter().map(|row| (row.name, row.version)).collect::<BTreeMap<_, _>>()
        };
        let before = passing();
        let sort = order.map(|order| Sort::parse(order, Subject::Aggregates).expect("an order"));
        let mut query = AggregateQuery { sort, limit, ..base.clone() };
        let mut later = later.iter();
        let mut seen = Vec::new();
        loop {
            let page = place.domain.aggregates(&query).expect("reads");
            seen.extend(page.rows.into_iter().map(|row| row.name));
            if !page.more {
                break;
            }
            query.after = page.last;
            if let Some(request) = later.next() {
                place.write(request);
            }
        }
        let (seen, after) = (count(seen), passing());
        for (name, version) in &before {
            let unchanged = after.get(name) == Some(version);
            let times = seen.get(name).copied().unwrap_or(0);
            prop_assert!(!unchanged || times == 1, "{} did not change and was seen {} times", name, times);
        }
        if order.is_none() {
            prop_assert!(seen.values().all(|times| *times == 1), "{:?}", seen);
        }
    }
}
