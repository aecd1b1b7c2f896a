//! Events: every page of every query is what an evaluator finds that looks at whole values.

use super::*;

/// Orders as they are written, and as paths into a [`document`] with whether they descend.
const ORDERS: &[(&str, &[(&str, bool)])] = &[
    ("a", &[("/payload/a", false)]),
    ("event_type desc, payload.b", &[("/event_type", true), ("/payload/b", false)]),
    ("recorded_at desc", &[("/recorded_at", true)]),
    ("recorded_at, payload.a desc", &[("/recorded_at", false), ("/payload/a", true)]),
    ("position desc", &[("/position", true)]),
    ("version desc, note", &[("/version", true), ("/note", false)]),
    ("note desc, version", &[("/note", true), ("/version", false)]),
];

#[derive(Debug, Clone)]
struct Asked {
    filter: Option<Naive>,
    /// Index into [`NAMES`]: with false its type, with true the aggregate.
    scope: Option<(usize, bool)>,
    between: (Option<u64>, Option<u64>),
    order: Option<usize>,
    reverse: bool,
    limit: usize,
}

fn asked() -> impl Strategy<Value = Asked> {
    let filter = prop::option::weighted(0.8, naive::expression());
    let scope = prop::option::of((0..NAMES.len(), any::<bool>()));
    let between = (prop::option::of(0_u64..24), prop::option::of(0_u64..24));
    let order = prop::option::of(0..ORDERS.len());
    (filter, scope, between, order, any::<bool>(), 1_usize..6).prop_map(
        |(filter, scope, between, order, reverse, limit)| Asked { filter, scope, between, order, reverse, limit },
    )
}

impl Asked {
    fn query(&self) -> EventQuery {
        let filter = |filter: &Naive| Filter::parse(&filter.print(), Subject::Events).expect("a filter");
        let time = |steps: u64| Micros::new(START + steps * STEP);
        let name = |index: usize| AggregateRef::new(NAMES[index].0, NAMES[index].1).expect("a name");
        EventQuery {
            filter: self.filter.as_ref().map(filter),
            kind: self.scope.map(|(index, _)| name(index).kind),
            aggregate: self.scope.filter(|(_, whole)| *whole).map(|(index, _)| name(index)),
            since: self.between.0.map(time),
            until: self.between.1.map(time),
            sort: self.order.map(|order| Sort::parse(ORDERS[order].0, Subject::Events).expect("a sort order")),
            reverse: self.reverse,
            limit: self.limit,
            ..EventQuery::default()
        }
    }

    fn naive(&self, all: &[Event]) -> Vec<u64> {
        let mut rows: Vec<(&Event, Value)> = all.iter().map(|event| (event, document(event))).collect();
        rows.retain(|(event, document)| {
            let name = &event.header.aggregate;
            let of_scope = self.scope.is_none_or(|(index, whole)| {
                name.kind.as_str() == NAMES[index].0 && (!whole || name.id.as_str() == NAMES[index].1)
            });
            let at = event.header.recorded_at.get();
            let (since, until) = self.between;
            of_scope
                && since.is_none_or(|steps| at >= START + steps * STEP)
                && until.is_none_or(|steps| at < START + steps * STEP)
                && self.filter.as_ref().is_none_or(|filter| filter.holds(document))
        });
        if let Some(order) = self.order {
            rows.sort_by(|(_, left), (_, right)| {
                let by = |(path, turned): &(&str, bool)| {
                    let order = naive_order(path, left, right);
                    if *turned { order.reverse() } else { order }
                };
                ORDERS[order].1.iter().map(by).fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
            });
        } else if self.reverse {
            rows.reverse();
        }
        rows.iter().map(|(event, _)| event.header.position.get()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn listings_agree_with_the_naive_evaluator(
        log in requests(0..16),
        asked in prop::collection::vec(asked(), 1..16),
    ) {
        let place = Place::with(&log);
        let all = place.all();
        for asked in asked {
            let mut query = asked.query();
            let mut found = Vec::new();
            loop {
                let page = place.domain.events(&query).expect("reads");
                prop_assert!(page.rows.len() <= asked.limit);
                for event in &page.rows {
                    prop_assert!(all.contains(event), "an event comes whole");
                }
                found.extend(page.rows.iter().map(|event| event.header.position.get()));
                if !page.more {
                    break;
                }
                query.after = page.last;
            }
            prop_assert_eq!(found, asked.naive(&all), "{:?}", asked);
        }
    }
}

#[test]
fn a_page_in_order_goes_on_only_behind_an_event_that_is_there() {
    let place = Place::new();
    let sort = Some(Sort::parse("a", Subject::Events).expect("a sort order"));
    for after in [0, 1, u64::MAX] {
        let query = EventQuery { sort: sort.clone(), after: Some(after), limit: 1, ..EventQuery::default() };
        assert!(matches!(place.domain.events(&query), Err(ReadError::NoSuchPlace(_))), "{after}");
    }
}

#[test]
fn places_at_the_ends_of_the_numbers_are_places() {
    let place = Place::with(&[(
        0,
        vec![Written { event_type: "order_placed", payload: json!({}), metadata: None, note: None, occurred: None }],
    )]);
    for end in [0, 1, 2, u64::MAX] {
        for reverse in [false, true] {
            for (from, after) in [(Some(end), None), (None, Some(end)), (Some(end), Some(end))] {
                let query = EventQuery { from, after, reverse, limit: 9, ..EventQuery::default() };
                let found = place.domain.events(&query).expect("reads").rows.len();
                let (low, high) = if reverse {
                    (1, from.unwrap_or(u64::MAX).min(after.map_or(u64::MAX, |after| after.saturating_sub(1))))
                } else {
                    (from.unwrap_or(0).max(after.map_or(0, |after| after.saturating_add(1))), u64::MAX)
                };
                assert_eq!(found, usize::from(low <= 1 && high >= 1), "{end} {reverse} {from:?} {after:?}");
            }
        }
    }
}
