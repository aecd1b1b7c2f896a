//! JSON Patch (RFC 6902): how a patch event changes the state.
//!
//! The operations are those of the `json-patch` crate. Around it stands what a hostile patch would need to be allowed to
//! do harm: copies are counted, since each can double the state; nesting is measured before each operation, since moves
//! and copies can deepen it beyond what recursion bears; and the patch works on a copy of the state, so that a failed one
//! leaves nothing behind.

use json_patch::{PatchErrorKind, PatchOperation, patch_unsafe};
use serde_json::Value;

use super::{fault::too_deep, number};
use crate::limits;

/// Why a patch cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatchFault {
    /// Index of the operation in the patch.
    pub(crate) index: usize,
    /// For people; repeats neither paths nor values.
    pub(crate) message: String,
}

/// Applies a patch to the state, wholly or not at all. `patch` is an array that was checked. Whether the result is still
/// an object is the caller's to see.
pub(crate) fn apply_patch(state: &mut Value, patch: &str) -> Result<(), PatchFault> {
    let operations = operations(patch)?;
    let mut patched = state.clone();
    let mut room = limits::STATE_BYTES;
    for (index, operation) in operations.iter().enumerate() {
        let fault = |message: String| PatchFault { index, message };
        measure(&patched, operation, &mut room).map_err(fault)?;
        patch_unsafe(&mut patched, std::slice::from_ref(operation)).map_err(|error| fault(reason(&error.kind)))?;
    }
    *state = patched;
    Ok(())
}

fn operations(patch: &str) -> Result<Vec<PatchOperation>, PatchFault> {
    let whole = |message: &str| PatchFault { index: 0, message: message.to_owned() };
    let values: Vec<Value> =
        serde_json::from_str(patch).map_err(|_| whole("a JSON Patch is an array of operations"))?;
    if values.len() > limits::PATCH_OPERATIONS {
        let most = limits::PATCH_OPERATIONS;
        let message = format!("has {} operations, and at most {most} are taken (PATCH_OPERATIONS)", values.len());
        return Err(PatchFault { index: most, message });
    }
    let parsed = values.into_iter().enumerate().map(|(index, mut value)| {
        number::settle(&mut value);
        serde_json::from_value(value).map_err(|_| PatchFault { index, message: MALFORMED.to_owned() })
    });
    parsed.collect()
}

const MALFORMED: &str = "is not an operation of RFC 6902: an object with `op` (add, remove, replace, move, copy or test), \
     `path` (a JSON Pointer) and, as the operation needs it, `value` or `from`";

/// Refuses an operation whose result would be nested too deeply or that copies more than there is room for.
fn measure(state: &Value, operation: &PatchOperation, room: &mut usize) -> Result<(), String> {
    let below = match operation {
        PatchOperation::Add(add) => depth(&add.value),
        PatchOperation::Replace(replace) => depth(&replace.value),
        PatchOperation::Move(from) => state.pointer(from.from.as_str()).map_or(0, depth),
        PatchOperation::Copy(from) => {
            let source = state.pointer(from.from.as_str()).unwrap_or(&Value::Null);
            take(source, room)?;
            depth(source)
        }
        PatchOperation::Remove(_) | PatchOperation::Test(_) => return Ok(()),
    };
    if operation.path().count() + below > limits::JSON_DEPTH { Err(too_deep()) } else { Ok(()) }
}

/// How many arrays and objects lie within each other.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Takes about the length of a value's text from `room`.
fn take(value: &Value, room: &mut usize) -> Result<(), String> {
    let own = match value {
        Value::String(text) => text.len() + 2,
        Value::Object(members) => members.keys().map(|name| name.len() + 4).sum::<usize>() + 2,
        Value::Array(elements) => elements.len() + 2,
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    };
    let copied_too_much = || format!("copies more than {} bytes (STATE_BYTES)", limits::STATE_BYTES);
    *room = room.checked_sub(own).ok_or_else(copied_too_much)?;
    match value {
        Value::Array(elements) => elements.iter().try_for_each(|element| take(element, room)),
        Value::Object(members) => members.values().try_for_each(|member| take(member, room)),
        _ => Ok(()),
    }
}

fn reason(kind: &PatchErrorKind) -> String {
    let reason = match kind {
        PatchErrorKind::TestFailed => "the value that it tests is another",
        PatchErrorKind::InvalidFromPointer => "what its `from` names is not there",
        PatchErrorKind::InvalidPointer => "what its `path` names is not there",
        PatchErrorKind::CannotMoveInsideItself => "it moves a value into itself",
        _ => "it cannot be applied",
    };
    reason.to_owned()
}

#[cfg(test)]
mod tests;
