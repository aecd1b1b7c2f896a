//! Everything that can be read, held against the model.

use std::str::FromStr;

use eventdbx_store::{
    AggregateQuery, AggregateRef, Domain, Event, EventId, EventKind, EventQuery, Micros, NewRecipient, Position,
    Recipients, Version,
};
use serde_json::Value;

use crate::{
    model::{Kept, Model},
    operations::{AGGREGATES, Body},
    world::World,
};

/// Small enough for several pages, and no divisor of the batches.
const PAGE: usize = 17;
/// Most versions of an aggregate whose state is asked for: each costs a fold from the first.
const VERSIONS: usize = 12;

impl World {
    /// Store and model tell the same.
    pub(crate) fn compare(&self) {
        let (domain, model) = (self.domain(), &self.model);
        assert_eq!(domain.head().position.get(), model.events.len() as u64);
        events(domain, model);
        for name in AGGREGATES {
            history(domain, model, name);
        }
        aggregates(domain, model);
        let report = domain.verify(None, &mut |_, _| {}).expect("reads").expect("a report");
        assert_eq!(report.findings, Vec::<String>::new());
        assert_eq!((report.events, report.root), (model.events.len() as u64, domain.head().root));
    }
}

fn events(domain: &Domain, model: &Model) {
    let scanned: Vec<Event> =
        domain.scan(Position::new(1)).map(|row| row.and_then(|sealed| sealed.open()).expect("opens")).collect();
    assert_eq!(scanned.len(), model.events.len());
    for (event, kept) in scanned.iter().zip(&model.events) {
        same(event, kept);
        assert_eq!(domain.event(kept.receipt.event_id).expect("reads").as_ref(), Some(event), "by its id");
    }
    let absent = EventId::from_str("0198c2f0-5a7e-7cc3-98c4-dc0c0c07398f").expect("an id");
    assert_eq!(domain.event(absent).expect("reads"), None);

    let all = |system| EventQuery { system, ..EventQuery::default() };
    let hidden = |event: &&Event| !event.header.is_system();
    check_pages(domain, &all(true), &scanned.iter().collect::<Vec<_>>(), |event| event.header.position.get());
    check_pages(domain, &all(false), &scanned.iter().filter(hidden).collect::<Vec<_>>(), |e| e.header.position.get());
    let kind = || "order".parse().expect("a type");
    let orders = scanned.iter().filter(hidden).filter(|event| event.header.aggregate.kind == kind());
    let query = EventQuery { kind: Some(kind()), ..all(false) };
    check_pages(domain, &query, &orders.collect::<Vec<_>>(), |event| event.header.position.get());
}

fn history(domain: &Domain, model: &Model, text: &str) {
    let name: AggregateRef = text.parse().expect("a name");
    let kept: Vec<&Kept> = model.of(text).collect();
    let found = domain.aggregate(&name).expect("reads");
    let Some(last) = kept.last() else {
        assert_eq!(found, None);
        return;
    };
    let found = found.expect("exists");
    assert_eq!((found.version.get(), found.archived), (last.version, model.is_archived(text)));
    assert_eq!((found.created_at, found.updated_at), (kept[0].receipt.recorded_at, last.receipt.recorded_at));
    assert_eq!(found.last_position, last.receipt.position);
    assert_eq!(parsed(found.state.as_str()), last.state);

    for kept in kept.iter().rev().step_by(kept.len().div_ceil(VERSIONS)) {
        let state = domain.state_at(&name, Version::new(kept.version)).expect("reads").expect("a version");
        let canonical = serde_jcs::to_string(&kept.state).expect("canonical");
        assert_eq!(state.as_str(), canonical, "{text} at version {}", kept.version);
        let time = kept.receipt.recorded_at;
        for time in [time.get() - 1, time.get()].map(Micros::new) {
            let version = domain.version_at(&name, time, false).expect("reads").map(Version::get);
            assert_eq!(version, model.version_at(text, time), "{text} at {time}");
        }
    }
    let infos = domain.snapshots(&name).expect("reads");
    let versions: Vec<u64> = infos.iter().map(|info| info.version.get()).collect();
    let expected = model.snapshots.keys().filter(|(name, _)| name == text).map(|(_, version)| *version);
    assert_eq!(versions, expected.collect::<Vec<_>>());
    for info in infos {
        let snapshot = domain.snapshot(&name, info.version).expect("opens").expect("there");
        assert_eq!(snapshot.info, info);
        assert_eq!(parsed(snapshot.state.as_str()), model.snapshots[&(text.to_owned(), info.version.get())]);
    }
    for none in [0, last.version + 1] {
        assert_eq!(domain.state_at(&name, Version::new(none)).expect("reads"), None);
    }
    let query = EventQuery { aggregate: Some(name), system: true, ..EventQuery::default() };
    let rows: Vec<Event> = kept.iter().map(|k| domain.event(k.receipt.event_id).expect("reads").expect("is")).collect();
    check_pages(domain, &query, &rows.iter().collect::<Vec<_>>(), |event| event.header.version.get());
}

/// Reads all pages both ways, each beginning after the last row of the one before.
fn check_pages(domain: &Domain, query: &EventQuery, expected: &[&Event], place: fn(&Event) -> u64) {
    for reverse in [false, true] {
        let mut rows: Vec<Event> = Vec::new();
        let mut from = None;
        loop {
            let page = domain.events(&EventQuery { from, reverse, limit: PAGE, ..query.clone() }).expect("reads");
            assert!(page.rows.len() == PAGE || !page.more, "a page is full unless it is the last");
            rows.extend(page.rows);
            let Some(last) = rows.last().filter(|_| page.more) else { break };
            from = Some(if reverse { place(last) - 1 } else { place(last) + 1 });
        }
        if reverse {
            rows.reverse();
        }
        assert!(rows.iter().eq(expected.iter().copied()), "{query:?}, reverse: {reverse}");
    }
}

fn aggregates(domain: &Domain, model: &Model) {
    for (archived, system) in [(false, false), (true, false), (true, true)] {
        let mut names = Vec::new();
        let mut after = None;
        loop {
            let page = domain.aggregates(&AggregateQuery { after, limit: 2, archived, system, ..Default::default() });
            let page = page.expect("reads");
            names.extend(page.rows.iter().map(|row| (row.name.to_string(), row.version.get())));
            after = page.last;
            if !page.more {
                break;
            }
        }
        let expected: Vec<_> = model
            .aggregates()
            .into_iter()
            .map(|((kind, id), version)| (format!("{kind}/{id}"), version))
            .filter(|(name, _)| (archived || !model.is_archived(name)) && (system || !name.starts_with('$')))
            .collect();
        assert_eq!(names, expected);
    }
}

/// An event as it is read against what was sent.
fn same(event: &Event, kept: &Kept) {
    assert_eq!(event.receipt(), kept.receipt);
    assert_eq!(event.header.event_type.as_str(), kept.event_type);
    assert_eq!(event.header.occurred_at.as_deref(), kept.occurred_at.as_deref());
    let publish = match &event.header.recipients {
        Recipients::Everyone => None,
        Recipients::Only(list) => Some(list.iter().map(|recipient| NewRecipient {
            name: recipient.name.to_string(),
            mode: recipient.mode.as_ref().map(ToString::to_string),
            priority: recipient.priority,
        })),
    };
    assert_eq!(publish.map(Vec::from_iter), kept.publish);
    let kind = match &kept.body {
        _ if kept.event_type.starts_with('$') => EventKind::System,
        Body::Payload(_) => EventKind::Payload,
        Body::Patch(_) => EventKind::Patch,
    };
    assert_eq!(event.header.kind, kind);
    assert_eq!(event.body.payload.as_str(), kept.text, "byte for byte");
    let value = |json: &Option<eventdbx_store::Json>| json.as_ref().map(|json| parsed(json.as_str()));
    assert_eq!(value(&event.body.metadata), kept.metadata);
    assert_eq!(value(&event.body.extensions), kept.extensions);
    assert_eq!(event.body.note.as_deref(), kept.note.as_deref());
    assert_eq!(&*event.body.actor, kept.actor);
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
