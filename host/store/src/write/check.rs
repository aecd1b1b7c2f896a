//! The first stage of a write, on the caller's thread: parse, find a request that came before, hold its events against their
//! schemas, evaluate JSON Patch, commit to the parts and seal them.

use std::{collections::HashMap, sync::Arc};

use super::{
    CheckedEvent, Effect, Follows, Lane,
    evaluate::evaluate,
    idempotency::committed_before,
    parse::{Parsed, ParsedEvent, parse},
    rules::Rules,
    seal::{Terms, seal},
    snapshots::threshold,
};
use crate::{
    AggregateRef, AppendError, Body, Draft, EventKind, EventType, Expected, Json, ReadError, Receipt, Recipients,
    SchemaBook, StoredSchema,
    book::Change,
    domain::REFERENCE_REMOVED,
    files::Files,
    keys::{self, KeptKey},
    links::ArchivePlan,
    schema::Provided,
};

/// A request that may be written: its rules hold, its parts are committed to and sealed. What is left is its place.
pub struct Checked {
    pub(crate) origin: Origin,
    pub(crate) outcome: CheckOutcome,
    /// Whether its event ids come from an idempotency key, so that they may be taken.
    pub(crate) keyed: bool,
    /// What its check went by. The committer looks whether it still holds.
    pub(crate) book: Option<Arc<SchemaBook>>,
    /// The extensions that judged it, if any did. The committer looks whether they are still those of the domain.
    pub(crate) judged_by: Option<Arc<Provided>>,
    /// The requests that it must not overtake.
    pub(crate) lane: Option<Lane>,
}

impl Checked {
    /// Puts the request into a lane: it is committed only if every request submitted in it before was.
    #[must_use]
    pub fn in_lane(mut self, lane: &Lane) -> Self {
        self.lane = Some(lane.clone());
        self
    }

    /// Events that it would write.
    #[must_use]
    pub fn event_count(&self) -> usize {
        match &self.outcome {
            CheckOutcome::Write(events) => events.len(),
            CheckOutcome::Known(_) => 0,
            CheckOutcome::Snapshot(..) => 1,
        }
    }
}

/// What a check found.
pub(crate) enum CheckOutcome {
    /// To be written.
    Write(Vec<CheckedEvent>),
    /// Written before, by its idempotency key.
    Known(Receipt),
    /// A snapshot of this aggregate is to be taken, for this actor.
    Snapshot(AggregateRef, Arc<str>),
}

/// Where a request came from: what is needed to check it anew.
pub(crate) enum Origin {
    Client(Draft),
    /// One of EventDBX's own events.
    System(SystemEvent),
    /// A snapshot is asked for, by whom.
    Snapshot(AggregateRef, Arc<str>),
}

/// An event of EventDBX's own: it changes no state.
#[derive(Clone)]
pub(crate) struct SystemEvent {
    pub(crate) aggregate: AggregateRef,
    pub(crate) event_type: EventType,
    pub(crate) expected: Expected,
    pub(crate) body: Body,
    /// The switch of mode or schema that it is, and the book that it was planned from.
    pub(crate) switch: Option<Box<(Arc<SchemaBook>, Change)>>,
}

/// The body of an event of EventDBX's own.
pub(crate) fn system_body(payload: &str, actor: &str, note: Option<&str>) -> Result<Body, AppendError> {
    let text = crate::NewEvent { note: note.map(str::to_owned), ..crate::NewEvent::new("x", "x", "x", payload) };
    let parsed = parse(&Draft::one(text, actor)).map_err(AppendError::Refused)?;
    parsed.events.into_iter().next().map(|event| event.body).ok_or(AppendError::Refused(Vec::new()))
}

/// Checks a client's request.
pub(crate) fn check(files: &Files, book: Arc<SchemaBook>, draft: Draft) -> Result<Checked, AppendError> {
    let Parsed { events } = parse(&draft).map_err(AppendError::Refused)?;
    let at = files.db.snapshot();
    let keyed = draft.key.is_some();
    let known = match &draft.key {
        Some(key) => committed_before(files, &at, &events, key)?,
        None => None,
    };
    let (outcome, judged_by) = match known {
        Some(receipt) => (CheckOutcome::Known(receipt), None),
        None => {
            let rules = Rules::of(files, &book, &events);
            let Finished { events, judged_by } = finish(files, &book, &at, events, rules, draft.key.as_deref())?;
            (CheckOutcome::Write(events), judged_by)
        }
    };
    Ok(Checked { origin: Origin::Client(draft), outcome, keyed, book: Some(book), judged_by, lane: None })
}

/// Checks that an aggregate is archived, and that references to it are removed. The first event is the archival.
pub(crate) fn check_archive(
    files: &Files,
    book: &SchemaBook,
    archival: SystemEvent,
    plan: ArchivePlan,
) -> Result<Checked, AppendError> {
    let mut removal = system_body("{}", &archival.body.actor, None)?;
    let (kind, id) = (&archival.aggregate.kind, &archival.aggregate.id);
    let because = serde_json::json!({ "archived": { "aggregate_type": kind, "aggregate_id": id } });
    removal.metadata = Some(Json::trusted(because.to_string()));
    let mut events = vec![parsed(&archival)];
    events.extend(plan.removals.into_iter().map(|(aggregate, patch)| ParsedEvent {
        aggregate,
        event_type: EventType::trusted(REFERENCE_REMOVED),
        kind: EventKind::Patch,
        expected: Expected::Existing,
        occurred_at: None,
        recipients: Recipients::Everyone,
        body: Body { payload: patch, ..removal.clone() },
        members: None,
    }));
    let rules = Rules::none(events.len());
    let Finished { mut events, .. } = finish(files, book, &files.db.snapshot(), events, rules, None)?;
    if let Some(first) = events.first_mut() {
        first.effect = Effect::Archive { seen: plan.seen };
    }
    let (outcome, origin) = (CheckOutcome::Write(events), Origin::System(archival));
    Ok(Checked { origin, outcome, keyed: false, book: None, judged_by: None, lane: None })
}

fn parsed(event: &SystemEvent) -> ParsedEvent {
    ParsedEvent {
        aggregate: event.aggregate.clone(),
        event_type: event.event_type.clone(),
        kind: EventKind::System,
        expected: event.expected,
        occurred_at: None,
        recipients: Recipients::Everyone,
        body: event.body.clone(),
        members: None,
    }
}

/// Checks an event of EventDBX's own.
pub(crate) fn check_system(files: &Files, book: &SchemaBook, event: SystemEvent) -> Result<Checked, AppendError> {
    let (at, rules) = (files.db.snapshot(), Rules::none(1));
    let Finished { mut events, .. } = finish(files, book, &at, vec![parsed(&event)], rules, None)?;
    let mut book = None;
    if let Some((planned, change)) = event.switch.as_deref() {
        events.iter_mut().for_each(|checked| checked.effect = Effect::Switch(change.clone()));
        book = Some(Arc::clone(planned));
    }
    let outcome = CheckOutcome::Write(events);
    Ok(Checked { origin: Origin::System(event), outcome, keyed: false, book, judged_by: None, lane: None })
}

/// The events of a request, ready for the committer.
struct Finished {
    events: Vec<CheckedEvent>,
    judged_by: Option<Arc<Provided>>,
}

fn finish(
    files: &Files,
    book: &SchemaBook,
    at: &fjall::Snapshot,
    mut events: Vec<ParsedEvent>,
    mut rules: Rules<'_>,
    key: Option<&str>,
) -> Result<Finished, AppendError> {
    let now = (files.clock)();
    let effects = evaluate(files, at, &mut events, &mut rules)?;
    let judged_by = rules.judged_by();
    rules.ask();
    if !rules.hold() {
        rules.complete(files, at, &events, &effects)?;
        return Err(rules.into_error(&events));
    }
    let mut kept: HashMap<AggregateRef, Arc<KeptKey>> = HashMap::new();
    let mut checked = Vec::with_capacity(events.len());
    for (index, (event, effect)) in events.into_iter().zip(effects).enumerate() {
        let kept = match kept.get(&event.aggregate) {
            Some(kept) => Arc::clone(kept),
            None => {
                let found = key_for(files, at, &event.aggregate)?;
                kept.insert(event.aggregate.clone(), Arc::clone(&found));
                found
            }
        };
        let follows = rules.schema(index).map(|stored| Follows::of(stored, &effect));
        let snapshot_threshold = threshold(files, book, &event.aggregate);
        let terms = Terms { effect, follows, needs: rules.take_needs(index), snapshot_threshold };
        checked.push(seal(files, event, terms, kept, key.map(|key| (key, index)), now));
    }
    Ok(Finished { events: checked, judged_by })
}

impl Follows {
    fn of(stored: &StoredSchema, effect: &Effect) -> Self {
        let is_open = match effect {
            Effect::Merge { members, .. } => !stored.schema.required().are_settled_by(members),
            _ => false,
        };
        Self { version: stored.version, schema: Arc::clone(&stored.schema), is_open }
    }
}

pub(super) fn key_for(files: &Files, at: &fjall::Snapshot, name: &AggregateRef) -> Result<Arc<KeptKey>, ReadError> {
    if let Some(kept) = files.keys.cached(name) {
        return Ok(kept);
    }
    let number = keys::number_of(at, &files.spaces, name);
    number.and_then(|number| files.keys.for_write(number, name))
}
