//! How fast a scan can be. Run by hand: `cargo test --release -p eventdbx-store --lib filter::tests::speed -- --ignored
//! --nocapture`.

use std::time::Instant as Clock;

use super::*;

const ROWS: u32 = 1_000_000;

fn payload(total: usize) -> String {
    let text = format!(
        r#"{{"customer":"c-{total:06}","address":{{"street":"Main Street 12, rear","city":"Bern","zip":"3000"}},"items":[{{"sku":"x-1","quantity":2}},{{"sku":"x-2","quantity":1}}],"currency":"CHF","paid":true,"total":{total}}}"#
    );
    assert!((195..205).contains(&text.len()), "{}", text.len());
    text
}

#[test]
#[ignore = "a measurement, of use in a release build only"]
fn events_per_second() {
    let mut events: Vec<Event> = (0..200).map(|total| event(&payload(total))).collect();
    for text in ["payload.total > 100 AND event_type = 'order_changed'", "customer LIKE '%5' AND address.city = 'Bern'"]
    {
        measure(text, &events);
    }
    for event in events.iter_mut().step_by(2) {
        event.header.event_type = "order_placed".parse().expect("a type");
    }
    measure("event_type = 'order_changed' AND payload.total > 100", &events);
    let sort = Sort::parse("payload.total desc, recorded_at", Subject::Events).expect("a sort order");
    let start = Clock::now();
    let keys: Vec<SortKey> = (0..ROWS as usize).map(|row| sort.key(&events[row % events.len()])).collect();
    println!(
        "{:>12.0} keys/s: total desc, recorded_at ({} keys)",
        f64::from(ROWS) / start.elapsed().as_secs_f64(),
        keys.len()
    );
}

fn measure(text: &str, events: &[Event]) {
    let filter = filter(text, Subject::Events);
    let start = Clock::now();
    let passed = (0..ROWS as usize).filter(|row| filter.matches(&events[row % events.len()])).count();
    println!("{:>12.0} events/s: {text} ({passed} passed)", f64::from(ROWS) / start.elapsed().as_secs_f64());
    assert!(passed > 0);
}
