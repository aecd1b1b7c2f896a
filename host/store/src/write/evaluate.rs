//! Works out, on the caller's thread, what each event does to its aggregate's state.
//!
//! A payload is merged by the committer, whatever the version. A JSON Patch depends on the state that it meets, so a
//! request with a patch is evaluated here against the aggregate as it stands; the committer only checks that it still
//! stands there.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{Effect, parse::ParsedEvent, rules::Rules};
use crate::{
    AggregateRef, AppendError, EventKind, Reason, Version,
    files::Files,
    json::{self, apply_patch},
    limits,
};

/// The effect of each event, in their order. Takes the parsed members out of the events.
pub(crate) fn evaluate(
    files: &Files,
    at: &fjall::Snapshot,
    events: &mut [ParsedEvent],
    rules: &mut Rules<'_>,
) -> Result<Vec<Effect>, AppendError> {
    let mut runs: HashMap<AggregateRef, Run> = HashMap::new();
    for name in with_state(events, rules) {
        runs.insert(name.clone(), Run::start(files, at, name)?);
    }
    let mut effects = Vec::with_capacity(events.len());
    for (index, event) in events.iter_mut().enumerate() {
        effects.push(match (runs.get_mut(&event.aggregate), event.members.take()) {
            (Some(run), members) => run.step(files, index, event, members, rules),
            (None, Some(members)) => Effect::Merge { members, growth: growth(event.body.payload.as_str()) },
            (None, None) => Effect::None,
        });
    }
    for run in runs.into_values().filter(|run| !run.failed) {
        run.finish(&mut effects)?;
    }
    Ok(effects)
}

/// The aggregates whose state must be known now: those that a patch changes or a rule of an extension looks at, and those with so many events under a schema
/// that the committer would be kept busy finding out what they leave unsaid.
fn with_state<'e>(events: &'e [ParsedEvent], rules: &mut Rules<'_>) -> HashSet<&'e AggregateRef> {
    let patches = events.iter().enumerate();
    let patches = patches.filter(|(index, event)| event.kind == EventKind::Patch || rules.want_states(*index, event));
    let mut names: HashSet<&AggregateRef> = patches.map(|(_, event)| &event.aggregate).collect();
    if events.len() > limits::MERGE_LAYERS {
        let mut counts: HashMap<&AggregateRef, usize> = HashMap::new();
        for (index, event) in events.iter().enumerate() {
            if rules.schema(index).is_some_and(|stored| !stored.schema.required().is_empty()) {
                *counts.entry(&event.aggregate).or_default() += 1;
            }
        }
        names.extend(counts.into_iter().filter(|(_, count)| *count > limits::MERGE_LAYERS).map(|(name, _)| name));
    }
    names
}

/// By how many bytes the canonical state can grow by a payload: a number such as `1e20` is written out in full, a string
/// at most escaped.
fn growth(payload: &str) -> usize {
    payload.len().saturating_mul(6)
}

/// The events of one request on one aggregate, evaluated one after the other.
struct Run {
    version: Version,
    state: Value,
    last: usize,
    /// An event does not apply, so that nothing is known of what would follow.
    failed: bool,
}

impl Run {
    fn start(files: &Files, at: &fjall::Snapshot, name: &AggregateRef) -> Result<Self, AppendError> {
        let head = files.head_of(at, name).map_err(AppendError::from)?;
        let (version, state) = head.map_or_else(Default::default, |head| (head.version, head.state));
        Ok(Self { version, state: Value::Object(state), last: 0, failed: false })
    }

    fn step(
        &mut self,
        files: &Files,
        index: usize,
        event: &ParsedEvent,
        members: Option<Map<String, Value>>,
        rules: &mut Rules<'_>,
    ) -> Effect {
        let after = self.version;
        // A payload says itself what it refers to. A patch may leave what was there as it was.
        let patched = rules.schema(index).filter(|_| event.kind == EventKind::Patch);
        let before = patched.zip(self.state.as_object()).map(|(stored, state)| stored.schema.links(state));
        let state = self.state.as_object().filter(|_| !self.failed);
        let proposal = state.and_then(|state| rules.before(index, event, state, after.get() == 0));
        if !self.failed
            && let Err(reason) = self.apply(index, event, members)
        {
            self.failed = true;
            rules.add(reason);
        }
        if let (false, Value::Object(state)) = (self.failed, &self.state) {
            check_state(index, event, state, rules);
            if let Some(before) = before {
                rules.need(files, index, "/state", (&before, state));
            }
            rules.after(index, event, state, proposal);
        }
        self.version = after.next();
        self.last = index;
        Effect::Evaluated { after, state: None }
    }

    fn apply(&mut self, index: usize, event: &ParsedEvent, members: Option<Map<String, Value>>) -> Result<(), Reason> {
        match (members, &mut self.state) {
            (Some(members), Value::Object(state)) => json::merge(state, members),
            _ => apply_patch(&mut self.state, event.body.payload.as_str()).map_err(|fault| {
                reason(index, format!("/patch/{}", fault.index), "patch-does-not-apply", fault.message)
            })?,
        }
        match self.state.is_object() {
            true => Ok(()),
            false => Err(reason(index, "/patch".into(), "state-not-object", "the state must stay an object".into())),
        }
    }

    fn finish(self, effects: &mut [Effect]) -> Result<(), AppendError> {
        let depth = json::depth(&self.state);
        if depth > limits::JSON_DEPTH {
            let message =
                format!("the state would nest {depth} deep, more than JSON_DEPTH allows ({})", limits::JSON_DEPTH);
            return Err(refused(self.last, "/patch".into(), "too-deep", message));
        }
        let bytes = json::canonical(&self.state).len();
        if bytes > limits::STATE_BYTES {
            return Err(state_too_large(self.last, bytes));
        }
        if let (Effect::Evaluated { state, .. }, Value::Object(members)) = (&mut effects[self.last], self.state) {
            *state = Some(members);
        }
        Ok(())
    }
}

/// The state that an event would make is too large.
pub(crate) fn state_too_large(index: usize, bytes: usize) -> AppendError {
    let message = format!(
        "the aggregate's state would have {bytes} bytes, more than STATE_BYTES allows ({}): remove members or use more \
         aggregates",
        limits::STATE_BYTES
    );
    refused(index, "/payload".into(), "state-bytes", message)
}

fn reason(event: usize, path: String, code: &'static str, message: String) -> Reason {
    Reason { event, path, code, message }
}

fn refused(event: usize, path: String, code: &'static str, message: String) -> AppendError {
    AppendError::Refused(vec![reason(event, path, code, message)])
}

/// What the schema of an event says about the state that it made.
fn check_state(index: usize, event: &ParsedEvent, state: &Map<String, Value>, rules: &mut Rules<'_>) {
    rules.check(index, |schema, found| {
        if event.kind == EventKind::Patch
            && let Ok(operations) = event.body.payload.value()
        {
            schema.check_patch(event.event_type.as_str(), &operations, state, found);
        }
        schema.check_required(&[state], found);
    });
}
