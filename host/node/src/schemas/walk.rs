//! Walks what there is of a type: its aggregates by id, the events of each by version, and the state that they make.

use std::{borrow::Cow, ops::ControlFlow};

use eventdbx_store::{
    AggregateQuery, AggregateRef, AggregateRow, AggregateType, Domain, Event, EventQuery, Json, Position, ReadError,
    SchemaBook, State, Version, limits,
};
use serde_json::{Map, Value};

use crate::api::ApiError;

/// Types without a schema that are looked for at most: they go into an answer for people.
const KINDS: usize = 100;

/// Who looks at what is walked.
pub(super) trait Visitor {
    /// An event, its parsed payload or patch, and the state right after it.
    /// `before`: the state before it, if the visitor [asks](Self::wants_before) for it.
    fn event(&mut self, event: &Event, body: &Value, before: &Map<String, Value>, after: &Map<String, Value>);

    /// The payloads of events in the shape in which the visitor wants them and the states that they make; none: as they were
    /// written.
    fn shapes(&mut self, events: &[Event]) -> Result<Vec<Option<Json>>, ApiError> {
        Ok(events.iter().map(|_| None).collect())
    }

    /// Whether states before events are to be shown: that takes a copy of each.
    fn wants_before(&self) -> bool {
        false
    }

    /// A state as it stands, as it was written, after all events of its aggregate.
    fn state(&mut self, name: &AggregateRef, version: Version, state: &Map<String, Value>) -> Result<(), ReadError>;

    /// Called now and then; whether to go on.
    fn pause(&mut self) -> ControlFlow<()>;
}

/// Shows all of a type to a visitor: aggregates by id, archived ones too, and the events of each by version.
pub(super) fn walk(log: &Domain, kind: &AggregateType, visitor: &mut impl Visitor) -> Result<(), ApiError> {
    each_aggregate(log, kind, false, |aggregate| history(log, &aggregate, visitor))
}

/// The history of an aggregate up to where it is now, and its state there.
fn history(log: &Domain, aggregate: &AggregateRow, visitor: &mut impl Visitor) -> Result<ControlFlow<()>, ApiError> {
    let mut state = State::default();
    // The same of the events as the visitor wants them, once one was shaped.
    let mut shaped: Option<State> = None;
    let mut from = 1;
    loop {
        let name = Some(aggregate.name.clone());
        let limit = limits::PAGE_ROWS;
        let page = log.events(&EventQuery { aggregate: name, from: Some(from), limit, ..EventQuery::default() })?;
        let shapes = visitor.shapes(&page.rows)?;
        // What comes after the aggregate was listed is another walk's.
        let known = |event: &Event| event.header.version <= aggregate.version;
        for (event, shape) in page.rows.iter().zip(shapes).filter(|(event, _)| known(event)) {
            if shape.is_some() && shaped.is_none() {
                shaped = Some(state.clone());
            }
            let shown = match shape {
                Some(payload) => {
                    let mut shown = event.clone();
                    shown.body.payload = payload;
                    Cow::Owned(shown)
                }
                None => Cow::Borrowed(event),
            };
            let before =
                if visitor.wants_before() { shaped.as_ref().unwrap_or(&state).members().clone() } else { Map::new() };
            state = state.fold(event)?;
            // A JSON Patch that was written for the old shape need not fit the new one: then what it made counts.
            shaped = shaped.map(|shaped| shaped.fold(&shown).unwrap_or_else(|_| state.clone()));
            let body = shown.body.payload.value().map_err(|_| unreadable(event.header.position))?;
            visitor.event(&shown, &body, &before, shaped.as_ref().unwrap_or(&state).members());
        }
        if visitor.pause().is_break() {
            return Ok(ControlFlow::Break(()));
        }
        match page.rows.last() {
            Some(last) if page.more && last.header.version < aggregate.version => from = last.header.version.get() + 1,
            _ => break,
        }
    }
    visitor.state(&aggregate.name, aggregate.version, state.members())?;
    Ok(ControlFlow::Continue(()))
}

/// Hands the aggregates of a type over, by id, archived ones too, until there are no more or `each` says so. With `states`,
/// each has its state.
pub(super) fn each_aggregate(
    log: &Domain,
    kind: &AggregateType,
    states: bool,
    mut each: impl FnMut(AggregateRow) -> Result<ControlFlow<()>, ApiError>,
) -> Result<(), ApiError> {
    let mut after = None;
    loop {
        let query = AggregateQuery {
            kind: Some(kind.clone()),
            after: after.take(),
            limit: limits::PAGE_ROWS,
            archived: true,
            states,
            ..AggregateQuery::default()
        };
        let page = log.aggregates(&query)?;
        after = page.last;
        for aggregate in page.rows {
            if each(aggregate)?.is_break() {
                return Ok(());
            }
        }
        if !page.more {
            return Ok(());
        }
    }
}

/// How many events a type has at most: archivings count as versions.
pub(super) fn events_of(log: &Domain, kind: &AggregateType) -> Result<u64, ApiError> {
    let mut events = 0;
    each_aggregate(log, kind, false, |aggregate| {
        events += aggregate.version.get();
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(events)
}

/// Types of which there are aggregates but that have no active schema: in strict mode nothing can be written to them.
pub(crate) fn kinds_without_schema(log: &Domain, book: &SchemaBook) -> Result<Vec<AggregateType>, ApiError> {
    // No id comes after this one, so that the row after it is the first of the next type.
    let last_id = "z".repeat(limits::NAME_BYTES);
    let (mut kinds, mut after) = (Vec::new(), None);
    while kinds.len() < KINDS {
        let query = AggregateQuery { after: after.take(), limit: 1, archived: true, ..AggregateQuery::default() };
        let Some(first) = log.aggregates(&query)?.rows.pop() else { break };
        let kind = first.name.kind;
        after = Some(AggregateRef::new(kind.as_str(), &last_id)?.into());
        if book.active(&kind).is_none() {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

fn unreadable(position: Position) -> ReadError {
    ReadError::Damaged(format!("position {position}: its payload is not JSON"))
}
