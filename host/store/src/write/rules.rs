//! What the schemas of a domain say about the events of a request: which one each follows, and all that breaks it.
//!
//! What a payload must be is decided by the payload alone. What must be *there* after it depends on the state. So a merge
//! that leaves something open is decided by the committer ([`missing`]), which has the state at hand: nobody has to read it
//! first. What a schema leaves to extensions is gathered on the way, and they are asked once.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};

use super::{
    CheckedEvent, Effect,
    parse::ParsedEvent,
    references::{self, Need},
};
use crate::{
    AggregateRef, AppendError, EventKind, Reason, Schema, SchemaBook, StoredSchema, Violation,
    book::Rule,
    files::Files,
    limits,
    schema::{Inquiry, Link, Proposal, Provided},
};

/// The events of a request under their schemas.
pub(super) struct Rules<'b> {
    /// The schema that each event follows.
    schemas: Vec<Option<&'b StoredSchema>>,
    /// What each breaks, in the words of the schema.
    violations: Vec<Vec<Violation>>,
    /// What else is wrong.
    reasons: Vec<Reason>,
    /// What must be there for each to be written; short where nothing must.
    needs: Vec<Vec<Need>>,
    /// What extensions are to be asked.
    inquiry: Inquiry<'b>,
}

impl<'b> Rules<'b> {
    /// No schema holds for events of EventDBX's own.
    pub(super) fn none(events: usize) -> Self {
        Self {
            schemas: vec![None; events],
            violations: Vec::new(),
            reasons: Vec::new(),
            needs: Vec::new(),
            inquiry: Inquiry::new(None),
        }
    }

    /// Finds the schema of each event, and checks what payloads carry.
    pub(super) fn of(files: &Files, book: &'b SchemaBook, events: &[ParsedEvent]) -> Self {
        let mut rules = Self { inquiry: Inquiry::new(files.extensions()), ..Self::none(events.len()) };
        for (index, event) in events.iter().enumerate() {
            match book.rule(&event.aggregate.kind) {
                Rule::Free => {}
                Rule::Follow(stored) => {
                    rules.schemas[index] = Some(stored);
                    if let Some(members) = &event.members {
                        let event_type = event.event_type.as_str();
                        rules.check(index, |schema, found| schema.check_payload(event_type, members, found));
                        rules.need(files, index, "/payload", (&[], members));
                        rules.inquiry.values(index, &stored.schema, members);
                    }
                }
                Rule::NoSchema => rules.reasons.push(no_schema(index, event)),
            }
        }
        rules
    }

    /// The schema that an event follows.
    pub(super) fn schema(&self, index: usize) -> Option<&'b StoredSchema> {
        self.schemas.get(index).copied().flatten()
    }

    /// Has an event checked by its schema, if it follows one.
    pub(super) fn check(&mut self, index: usize, check: impl FnOnce(&Schema, &mut Vec<Violation>)) {
        let Some(stored) = self.schema(index) else { return };
        if self.is_full() {
            return;
        }
        let mut found = self.violations.get_mut(index).map(std::mem::take).unwrap_or_default();
        check(&stored.schema, &mut found);
        self.keep(index, found);
    }

    fn keep(&mut self, index: usize, found: Vec<Violation>) {
        // Nothing is wrong as a rule, and then there is no list.
        if !found.is_empty() {
            if self.violations.len() <= index {
                self.violations.resize_with(index + 1, Vec::new);
            }
            self.violations[index] = found;
        }
    }

    /// Notes what an event needs to be there that writes the references of `after` where those `before` were.
    pub(super) fn need(&mut self, files: &Files, index: usize, below: &str, written: (&[Link], &Map<String, Value>)) {
        let Some(stored) = self.schema(index).filter(|stored| stored.schema.refers()) else { return };
        let mut needs = Vec::new();
        self.check(index, |_, found| needs = references::needs(files, &stored.schema, below, written, found));
        if !needs.is_empty() {
            self.needs.resize_with(self.needs.len().max(index + 1), Vec::new);
            self.needs[index] = needs;
        }
    }

    /// Hands out what an event needs to be there.
    pub(super) fn take_needs(&mut self, index: usize) -> Vec<Need> {
        self.needs.get_mut(index).map(std::mem::take).unwrap_or_default()
    }

    /// Whether extensions want to see the states before and after an event.
    pub(super) fn want_states(&mut self, index: usize, event: &ParsedEvent) -> bool {
        let Some(stored) = self.schema(index) else { return false };
        self.inquiry.has_rules(&stored.schema, event.event_type.as_str())
    }

    /// Takes of the state before an event what extensions may see.
    pub(super) fn before(
        &mut self,
        index: usize,
        event: &ParsedEvent,
        state: &Map<String, Value>,
        is_new: bool,
    ) -> Option<Proposal<'b>> {
        let stored = self.schema(index)?;
        let proposal = self.inquiry.propose(index, &stored.schema, event.event_type.as_str(), state, is_new);
        (!proposal.is_empty()).then_some(proposal)
    }

    /// The same of the state after it; with a patch, extensions look at the values in that state too.
    pub(super) fn after(
        &mut self,
        index: usize,
        event: &ParsedEvent,
        state: &Map<String, Value>,
        proposal: Option<Proposal<'b>>,
    ) {
        if let Some(stored) = self.schema(index).filter(|_| event.kind == EventKind::Patch) {
            self.inquiry.values(index, &stored.schema, state);
        }
        if let Some(proposal) = proposal {
            let payload = event.body.payload.as_str();
            self.inquiry.submit(proposal, &event.aggregate, &event.event_type, payload, state);
        }
    }

    /// By whom the verdicts of extensions are given; none: it needs none.
    pub(super) fn judged_by(&self) -> Option<Arc<Provided>> {
        self.inquiry.judged_by()
    }

    /// Asks the extensions, once for the whole request.
    pub(super) fn ask(&mut self) {
        let inquiry = std::mem::replace(&mut self.inquiry, Inquiry::new(None));
        for (index, violation) in inquiry.ask() {
            if self.is_full() {
                break;
            }
            let mut found = self.violations.get_mut(index).map(std::mem::take).unwrap_or_default();
            found.push(violation);
            self.keep(index, found);
        }
    }

    /// Adds what is wrong beside the schema.
    pub(super) fn add(&mut self, reason: Reason) {
        self.reasons.push(reason);
    }

    /// Whether so much is wrong that no more is looked for: a request of nothing but mistakes must not grow its answer.
    fn is_full(&self) -> bool {
        self.reasons.len() + self.violations.iter().map(Vec::len).sum::<usize>() >= limits::VIOLATIONS
    }

    /// Whether nothing was found wrong.
    pub(super) fn hold(&self) -> bool {
        self.reasons.is_empty() && self.violations.iter().all(Vec::is_empty)
    }

    /// Looks, for a request that is refused anyway, at what the committer would have found: all is said at once.
    pub(super) fn complete(
        &mut self,
        files: &Files,
        at: &fjall::Snapshot,
        events: &[ParsedEvent],
        effects: &[Effect],
    ) -> Result<(), AppendError> {
        let mut states: HashMap<&AggregateRef, Map<String, Value>> = HashMap::new();
        for (index, event) in events.iter().enumerate() {
            let Effect::Merge { .. } = &effects[index] else { continue };
            if self.schema(index).is_none_or(|stored| stored.schema.required().is_empty()) {
                continue;
            }
            if !states.contains_key(&event.aggregate) {
                let head = files.head_of(at, &event.aggregate)?;
                states.insert(&event.aggregate, head.map(|head| head.state).unwrap_or_default());
            }
            let merges = (0..=index).rev().filter(|&i| events[i].aggregate == event.aggregate);
            let mut layers: Vec<&Map<String, Value>> = merges.filter_map(|i| merged_by(&effects[i])).collect();
            layers.extend(states.get(&event.aggregate));
            self.check(index, |schema, found| schema.check_required(&layers, found));
        }
        self.reasons.extend(references::unmet(files, at, events, &self.needs)?);
        Ok(())
    }

    /// All that is wrong, in the order of the events.
    pub(super) fn into_error(self, events: &[ParsedEvent]) -> AppendError {
        let mut reasons = self.reasons;
        for (index, violations) in self.violations.into_iter().enumerate() {
            let below = match events[index].kind {
                EventKind::Patch => "/state",
                EventKind::Payload | EventKind::System => "/payload",
            };
            reasons.extend(violations.into_iter().map(|violation| violation.into_reason(index, below)));
        }
        reasons.sort_by_key(|reason| reason.event);
        reasons.truncate(limits::VIOLATIONS);
        AppendError::Refused(reasons)
    }
}

fn no_schema(index: usize, event: &ParsedEvent) -> Reason {
    let kind = &event.aggregate.kind;
    let message = format!("the domain is in strict mode, and {kind} has no schema: give it one, or switch the mode");
    Reason { event: index, path: "/aggregate_type".to_owned(), code: "no-schema", message }
}

fn merged_by(effect: &Effect) -> Option<&Map<String, Value>> {
    match effect {
        Effect::Merge { members, .. } => Some(members),
        _ => None,
    }
}

/// What would be missing after the event at `index`, were it merged into `state` after those before it in the request, of
/// which the one at `first` is the first on its aggregate.
pub(super) fn missing(events: &[CheckedEvent], first: usize, index: usize, state: &Map<String, Value>) -> Vec<Reason> {
    let event = &events[index];
    let Some(follows) = event.follows.as_ref().filter(|follows| follows.is_open) else { return Vec::new() };
    let before = events[first..index].iter().rev().filter(|other| other.aggregate == event.aggregate);
    let mut layers: Vec<&Map<String, Value>> = merged_by(&event.effect).into_iter().collect();
    layers.extend(before.filter_map(|event| merged_by(&event.effect)));
    layers.push(state);
    let mut found = Vec::new();
    follows.schema.check_required(&layers, &mut found);
    found.into_iter().map(|violation| violation.into_reason(index, "/payload")).collect()
}
