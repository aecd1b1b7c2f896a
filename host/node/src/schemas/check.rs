//! Checks history: what of it a schema would refuse. Each event is judged in the shape in which it would be read, which is the
//! one in which it was written unless the schema has upcasts for it, against the state that those before it make; and each
//! aggregate once more as it stands.

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

use eventdbx_store::{
    AggregateRef, AggregateType, Domain, Event, EventKind, Json, ReadError, Schema, Version, Violation,
    schema::{Extensions, Inquiry, Written},
};
use serde_json::{Map, Value};

use super::{
    EXAMPLES,
    walk::{Visitor, events_of, walk},
};
use crate::{
    api::ApiError,
    wire::{BrokenRule, CheckExample, CheckProgress, CheckReport, ErrorCode, SchemaViolation},
};

/// Violations that one example shows.
const VIOLATIONS: usize = 16;

/// Places that are told apart: an undeclared field is a place too, and there is no end to them.
const RULES: usize = 256;

/// Below what the pointer of a violation lies in a state.
pub(super) const STATE: &str = "/state";

/// A check on its way.
pub(crate) struct Check<'l, P> {
    log: &'l Domain,
    schema: Arc<Schema>,
    extensions: Option<Arc<dyn Extensions>>,
    progress: P,
    found: Vec<Violation>,
    total: u64,
    report: CheckReport,
    rules: BTreeMap<(&'static str, String), (u64, u64)>,
    stopped: bool,
}

impl<'l, P: FnMut(CheckProgress) -> ControlFlow<()>> Check<'l, P> {
    /// Checks all of a type. `version`: that of the schema, if it has one. `progress` is told now and then how far it is and
    /// says whether to go on. None: it said no.
    pub(crate) fn run(
        log: &'l Domain,
        kind: &AggregateType,
        schema: Arc<Schema>,
        version: Option<u32>,
        progress: P,
    ) -> Result<Option<CheckReport>, ApiError> {
        let report = CheckReport {
            done: true,
            aggregate_type: kind.to_string(),
            version,
            aggregates: 0,
            events: 0,
            refused_events: 0,
            refused_states: 0,
            rules: Vec::new(),
            examples: Vec::new(),
        };
        let total = events_of(log, kind)?;
        let (found, rules) = (Vec::new(), BTreeMap::new());
        let extensions = log.extensions();
        let mut check = Self { log, schema, extensions, progress, found, total, report, rules, stopped: false };
        if check.pause().is_continue() {
            walk(log, kind, &mut check)?;
        }
        Ok(check.finish())
    }

    /// Counts what was found, and shows it as an example if there is room.
    fn count(&mut self, below: &str, is_event: bool, example: impl FnOnce(&[Violation]) -> CheckExample) {
        let found = std::mem::take(&mut self.found);
        if found.is_empty() {
            return;
        }
        for violation in &found {
            let key = (violation.rule, format!("{below}{}", violation.pointer));
            if self.rules.len() >= RULES && !self.rules.contains_key(&key) {
                continue;
            }
            let (events, states) = self.rules.entry(key).or_default();
            *(if is_event { events } else { states }) += 1;
        }
        *(if is_event { &mut self.report.refused_events } else { &mut self.report.refused_states }) += 1;
        if self.report.examples.len() < EXAMPLES {
            self.report.examples.push(example(&found));
        }
    }

    /// Asks the extensions about an event, if the schema leaves anything to them.
    fn ask(&mut self, event: &Event, body: &Value, before: &Map<String, Value>, after: &Map<String, Value>) {
        if !self.schema.is_extended() {
            return;
        }
        let mut inquiry = Inquiry::new(self.extensions.clone());
        inquiry.values(0, &self.schema, body.as_object().unwrap_or(after));
        let header = &event.header;
        let is_new = header.version.get() == 1;
        let proposal = inquiry.propose(0, &self.schema, header.event_type.as_str(), before, is_new);
        inquiry.submit(proposal, &header.aggregate, &header.event_type, event.body.payload.as_str(), after);
        self.found.extend(inquiry.ask().into_iter().map(|(_, violation)| violation));
    }

    fn finish(self) -> Option<CheckReport> {
        let rules = self.rules.into_iter();
        let mut rules: Vec<BrokenRule> = rules
            .map(|((rule, path), (events, states))| BrokenRule { rule: rule.to_owned(), path, events, states })
            .collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.events + rule.states));
        (!self.stopped).then_some(CheckReport { rules, ..self.report })
    }
}

impl<P: FnMut(CheckProgress) -> ControlFlow<()>> Visitor for Check<'_, P> {
    fn shapes(&mut self, events: &[Event]) -> Result<Vec<Option<Json>>, ApiError> {
        let written: Vec<_> =
            events.iter().map(|it| Written { header: &it.header, payload: it.body.payload.as_str() }).collect();
        let shapes = self.schema.upcast(self.extensions.as_deref(), &written);
        shapes.map_err(|failure| ApiError::new(ErrorCode::Refused, failure.to_string()))
    }

    fn wants_before(&self) -> bool {
        self.schema.is_extended()
    }

    fn event(&mut self, event: &Event, body: &Value, before: &Map<String, Value>, after: &Map<String, Value>) {
        self.report.events += 1;
        let event_type = event.header.event_type.as_str();
        let below = match (event.header.kind, body) {
            (EventKind::Payload, Value::Object(members)) => {
                self.schema.check_payload(event_type, members, &mut self.found);
                "/payload"
            }
            (EventKind::Patch, operations) => {
                self.schema.check_patch(event_type, operations, after, &mut self.found);
                STATE
            }
            _ => return,
        };
        self.schema.check_required(&[after], &mut self.found);
        self.ask(event, body, before, after);
        self.count(below, true, |found| CheckExample {
            position: Some(event.header.position.get()),
            event_type: Some(event_type.to_owned()),
            ..example(&event.header.aggregate, event.header.version, below, found)
        });
    }

    fn state(&mut self, name: &AggregateRef, version: Version, state: &Map<String, Value>) -> Result<(), ReadError> {
        self.report.aggregates += 1;
        check_standing(self.log, &self.schema, self.extensions.clone(), state, &mut self.found)?;
        self.count(STATE, false, |found| example(name, version, STATE, found));
        Ok(())
    }

    fn pause(&mut self) -> ControlFlow<()> {
        let (checked, total) = (self.report.events, self.total.max(self.report.events));
        let going = (self.progress)(CheckProgress { checked, total, refused: self.report.refused_events });
        self.stopped |= going.is_break();
        going
    }
}

/// Checks a state as it stands, its strong references too, and has extensions look at the values that are theirs.
pub(super) fn check_standing(
    log: &Domain,
    schema: &Schema,
    extensions: Option<Arc<dyn Extensions>>,
    state: &Map<String, Value>,
    found: &mut Vec<Violation>,
) -> Result<(), ReadError> {
    schema.check_standing(state, found);
    let mut inquiry = Inquiry::new(extensions);
    inquiry.values(0, schema, state);
    found.extend(inquiry.ask().into_iter().map(|(_, violation)| violation));
    log.check_references(schema, state, found)
}

/// A state that breaks rules.
pub(crate) fn example(name: &AggregateRef, version: Version, below: &str, found: &[Violation]) -> CheckExample {
    let violation = |violation: &Violation| SchemaViolation {
        path: format!("{below}{}", violation.pointer),
        rule: violation.rule.to_owned(),
        expected: violation.expected.clone(),
        actual: violation.actual.clone(),
    };
    CheckExample {
        aggregate_type: name.kind.to_string(),
        aggregate_id: name.id.to_string(),
        version: version.get(),
        position: None,
        event_type: None,
        violations: found.iter().take(VIOLATIONS).map(violation).collect(),
    }
}
