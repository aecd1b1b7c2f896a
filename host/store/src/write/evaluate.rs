//! Works out, on the caller's thread, what each event does to its aggregate's state.
//!
//! A payload is merged by the committer, whatever the version. A JSON Patch depends on the state that it meets, so a
//! request with a patch is evaluated here against the aggregate as it stands; the committer only checks that it still
//! stands there.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Effect, parse::ParsedEvent};
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
) -> Result<Vec<Effect>, AppendError> {
    let mut patched: HashMap<AggregateRef, Run> = HashMap::new();
    for event in events.iter().filter(|event| event.kind == EventKind::Patch) {
        if !patched.contains_key(&event.aggregate) {
            patched.insert(event.aggregate.clone(), Run::start(files, at, &event.aggregate)?);
        }
    }
    let mut effects = Vec::with_capacity(events.len());
    for (index, event) in events.iter_mut().enumerate() {
        effects.push(match (patched.get_mut(&event.aggregate), event.members.take()) {
            (Some(run), members) => run.step(index, &event.body.payload, members)?,
            (None, Some(members)) => Effect::Merge { members, growth: growth(event.body.payload.as_str()) },
            (None, None) => Effect::None,
        });
    }
    for run in patched.into_values() {
        run.finish(&mut effects)?;
    }
    Ok(effects)
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
}

impl Run {
    fn start(files: &Files, at: &fjall::Snapshot, name: &AggregateRef) -> Result<Self, AppendError> {
        let head = files.head_of(at, name).map_err(AppendError::from)?;
        let (version, state) = head.map_or_else(Default::default, |head| (head.version, head.state));
        Ok(Self { version, state: Value::Object(state), last: 0 })
    }

    fn step(
        &mut self,
        index: usize,
        payload: &crate::Json,
        members: Option<Map<String, Value>>,
    ) -> Result<Effect, AppendError> {
        let after = self.version;
        match (members, &mut self.state) {
            (Some(members), Value::Object(state)) => json::merge(state, members),
            _ => apply_patch(&mut self.state, payload.as_str()).map_err(|fault| {
                refused(index, format!("/patch/{}", fault.index), "patch-does-not-apply", fault.message)
            })?,
        }
        if !self.state.is_object() {
            return Err(refused(index, "/patch".into(), "state-not-object", "the state must stay an object".into()));
        }
        self.version = after.next();
        self.last = index;
        Ok(Effect::Evaluated { after, state: None })
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

fn refused(event: usize, path: String, code: &'static str, message: String) -> AppendError {
    AppendError::Refused(vec![Reason { event, path, code, message }])
}
