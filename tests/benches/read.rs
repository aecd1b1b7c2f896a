//! Reading an embedded log: filters over all of it, orders, and pages wherever they begin.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use eventdbx_store::{
    AggregateQuery, AggregateRef, Domain, Draft, Durability, EventQuery, Filter, MasterKey, NewEvent, OpenOptions,
    Position, Sort, Subject, system_clock,
};

use crate::{
    append::{median, payload},
    report::{Figure, Report},
};

const BATCH: usize = 1024;
const EVENTS: usize = 1_000_000;
const AGGREGATES: usize = 100_000;
/// Events of the log whose every event is of another aggregate than the many before it.
const SCATTERED: usize = 300_000;
/// One event in so many is an `order_paid`.
const PAID: usize = 100;

/// Filters over 1,000,000 events of about 200 bytes in aggregates of 1,000.
pub(crate) fn filters(report: &mut Report) -> anyhow::Result<()> {
    report.title("read, embedded: filters over 1,000,000 events of about 200 bytes, in pages of 1,000 rows");
    let dir = tempfile::tempdir()?;
    let key = MasterKey::generate();
    fill(&open(dir.path(), &key)?, EVENTS, |n| n / 1000)?;
    // Opened anew, so that the rows lie in tables and not in memory.
    let domain = open(dir.path(), &key)?;

    let started = Instant::now();
    let rows = domain.scan(Position::new(1)).try_fold(0, |rows, row| row.map(|_| rows + 1))?;
    report.row("scan, headers kept, nothing unsealed", &[rate(rows, started.elapsed())]);
    for (text, passing) in [
        ("event_type = 'order_paid'", EVENTS / PAID),
        ("version > 990 AND aggregate_id LIKE 'o-%7'", EVENTS / 1000),
        ("event_type = 'order_paid' AND total_cents > 50000", 0),
        ("total_cents >= 99990", 0),
        ("customer LIKE '%76' AND shipped = true", 0),
    ] {
        let query =
            EventQuery { filter: Some(Filter::parse(text, Subject::Events)?), limit: 1000, ..Default::default() };
        let (found, elapsed) = all_pages(&domain, query)?;
        anyhow::ensure!(passing == 0 || found == passing, "{found} passed of {passing}");
        let rate = rate(EVENTS, elapsed).at_least(500_000.0);
        report.row(text, &[rate, Figure::plain(format!("{found} passed"), found as f64)]);
    }
    for text in ["recorded_at desc", "total_cents desc"] {
        let sort = Some(Sort::parse(text, Subject::Events)?);
        let started = Instant::now();
        let page = domain.events(&EventQuery { sort, limit: 100, ..Default::default() })?;
        anyhow::ensure!(page.rows.len() == 100 && page.more, "a full page");
        report.row(&format!("a page of 100 by {text}"), &[Figure::micros("once", started.elapsed())]);
    }
    bounded(report, &domain)
}

/// A page of 100 events from a time on, which is found by a binary search.
fn bounded(report: &mut Report, domain: &Domain) -> anyhow::Result<()> {
    for (name, position) in [("the beginning", 1), ("the middle", EVENTS as u64 / 2), ("the end", EVENTS as u64 - 99)] {
        let first = domain.scan(Position::new(position)).next().transpose()?;
        let since = first.map(|event| event.header.recorded_at);
        let query = EventQuery { since, limit: 100, ..Default::default() };
        let time = median_of(|| Ok(domain.events(&query)?.rows.len()))?;
        report.row(&format!("a page of 100 since a time at {name}"), &[Figure::micros("median", time)]);
    }
    Ok(())
}

/// The worst case for a filter that needs payloads: more aggregates in turn than keys are kept, so that each event's key is
/// looked up and unwrapped.
pub(crate) fn scattered(report: &mut Report) -> anyhow::Result<()> {
    report.title("read, embedded: filters over 300,000 events, written to 100,000 aggregates in turn");
    let dir = tempfile::tempdir()?;
    let key = MasterKey::generate();
    fill(&open(dir.path(), &key)?, SCATTERED, |n| n % AGGREGATES)?;
    let domain = open(dir.path(), &key)?;
    for text in ["event_type = 'order_paid'", "total_cents >= 99990"] {
        let query =
            EventQuery { filter: Some(Filter::parse(text, Subject::Events)?), limit: 1000, ..Default::default() };
        let (_, elapsed) = all_pages(&domain, query)?;
        report.row(text, &[rate(SCATTERED, elapsed)]);
    }
    Ok(())
}

/// Pages of 100 of 100,000 aggregates.
pub(crate) fn listings(report: &mut Report) -> anyhow::Result<()> {
    report.title("read, embedded: pages of 100 of 100,000 aggregates");
    let dir = tempfile::tempdir()?;
    let key = MasterKey::generate();
    fill(&open(dir.path(), &key)?, AGGREGATES, |n| n)?;
    let domain = open(dir.path(), &key)?;
    let mut first = None;
    for (name, number) in
        [("the beginning", None), ("the middle", Some(AGGREGATES / 2)), ("the end", Some(AGGREGATES - 101))]
    {
        let after = number.map(|number| AggregateRef::new("order", &id(number))).transpose()?.map(Into::into);
        let query = AggregateQuery { after, limit: 100, ..Default::default() };
        let time = median_of(|| Ok(domain.aggregates(&query)?.rows.len()))?;
        let first = *first.get_or_insert(time);
        let ratio = Figure::ratio("of the first", time.as_secs_f64() / first.as_secs_f64()).at_most(1.5);
        report.row(&format!("by name, at {name}"), &[Figure::micros("median", time), ratio]);
    }
    for (text, sort) in
        [("version = 1", None), ("state.total_cents >= 99000", None), ("version = 1", Some("updated_at desc"))]
    {
        let mut query = AggregateQuery {
            filter: Some(Filter::parse(text, Subject::Aggregates)?),
            sort: sort.map(|sort| Sort::parse(sort, Subject::Aggregates)).transpose()?,
            limit: 1000,
            ..Default::default()
        };
        let (mut found, started) = (0, Instant::now());
        loop {
            let page = domain.aggregates(&query)?;
            found += page.rows.len();
            if !page.more || sort.is_some() {
                break;
            }
            query.after = page.last;
        }
        let name = sort.map_or_else(|| text.to_owned(), |sort| format!("{text}, the first page by {sort}"));
        let found = Figure::plain(format!("{found} found"), found as f64);
        let figures = [Figure::rate("aggregates/s", AGGREGATES as f64 / started.elapsed().as_secs_f64()), found];
        report.row(&name, &figures);
    }
    Ok(())
}

fn open(dir: &Path, key: &MasterKey) -> anyhow::Result<Domain> {
    let options = OpenOptions { durability: Durability::Os, ..OpenOptions::new(system_clock()) };
    Ok(Domain::open(dir, "default".parse()?, key, options)?)
}

fn id(aggregate: usize) -> String {
    format!("o-{aggregate:06}")
}

fn fill(domain: &Domain, events: usize, aggregate: fn(usize) -> usize) -> anyhow::Result<()> {
    let event = |n: usize| {
        let event_type = if n.is_multiple_of(PAID) { "order_paid" } else { "order_changed" };
        NewEvent::new("order", &id(aggregate(n)), event_type, &payload(n))
    };
    for start in (0..events).step_by(BATCH) {
        let events = (start..events.min(start + BATCH)).map(event).collect();
        domain.append(Draft { events, key: None, actor: "bench".into() })?;
    }
    Ok(())
}

/// Reads every page; how many rows there were, and how long it took.
fn all_pages(domain: &Domain, mut query: EventQuery) -> anyhow::Result<(usize, Duration)> {
    let (mut found, started) = (0, Instant::now());
    loop {
        let page = domain.events(&query)?;
        found += page.rows.len();
        if !page.more {
            return Ok((found, started.elapsed()));
        }
        query.after = page.last;
    }
}

fn median_of(mut page: impl FnMut() -> anyhow::Result<usize>) -> anyhow::Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..101 {
        let started = Instant::now();
        anyhow::ensure!(page()? == 100, "a full page");
        times.push(started.elapsed());
    }
    Ok(median(&mut times))
}

fn rate(events: usize, elapsed: Duration) -> Figure {
    Figure::rate("events/s", events as f64 / elapsed.as_secs_f64())
}
