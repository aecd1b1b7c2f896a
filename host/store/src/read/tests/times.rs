//! From times to places, against a walk over the whole log.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn times_lead_to_the_places_that_a_walk_finds(log in requests(0..12)) {
        let place = Place::with(&log);
        let all = place.all();
        for steps in 0..24 {
            for time in [START + steps * STEP - 1, START + steps * STEP, START + steps * STEP + 1] {
                let first = all.iter().find(|event| event.header.recorded_at.get() >= time);
                let expected = first.map_or(all.len() as u64 + 1, |event| event.header.position.get());
                prop_assert_eq!(place.domain.position_at(Micros::new(time)).expect("reads").get(), expected);
                for (kind, id) in NAMES {
                    let name = AggregateRef::new(kind, id).expect("a name");
                    for occurred in [false, true] {
                        let happened = |event: &&Event| {
                            let header = &event.header;
                            let at = header.occurred_at.as_deref().filter(|_| occurred).map(|text| {
                                text.parse::<jiff::Timestamp>().expect("a time").as_microsecond() as u64
                            });
                            header.aggregate == name && at.unwrap_or(header.recorded_at.get()) <= time
                        };
                        let expected = all.iter().filter(happened).map(|event| event.header.version).next_back();
                        let found = place.domain.version_at(&name, Micros::new(time), occurred).expect("reads");
                        prop_assert_eq!(found, expected, "{} at {}, occurred: {}", name, time, occurred);
                    }
                }
            }
        }
    }
}
