//! Which fields of payload and state a plugin sees, by JSON Pointer, and how the others are cut out.
//!
//! What is cut out is gone before the sandbox is entered. A pointer names what lies at it and below. Without pointers to
//! include, everything is seen but what is excluded; with them, only what they name, less what is excluded. An element of an
//! array that is not seen becomes `null` where one behind it is seen, so that the others keep their places.
//!
//! Of a JSON Patch, an operation is lost that writes to or reads from (`from`) a place that is not seen, and the value that an
//! operation sets is cut as what lies there would be. What an index means changes from operation to operation: in a patch,
//! any index counts as any other when something is excluded by one.

use std::iter;

use eventdbx_sandbox::Fields;
use eventdbx_store::Path;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::limits::FIELD_POINTERS;

/// Fields by JSON Pointer, as people give them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FieldList {
    /// Only these fields of payload and state, and what lies below them; none: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Not these, nor what lies below them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
}

/// Steps from the top to a field.
type Steps = Vec<String>;

/// Fields by pointer, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldFilter {
    /// None: all.
    include: Option<Vec<Steps>>,
    exclude: Vec<Steps>,
}

impl FieldFilter {
    /// Parses two lists; none: they leave everything. Every fault is reported.
    pub(super) fn new(list: &FieldList) -> Result<Option<Self>, Vec<String>> {
        let mut faults = Vec::new();
        let mut parse = |name: &str, pointers: &[String]| -> Vec<Steps> {
            if pointers.len() > FIELD_POINTERS {
                faults.push(format!(
                    "{name} has {} pointers; the limit FIELD_POINTERS is {FIELD_POINTERS}",
                    pointers.len()
                ));
                return Vec::new();
            }
            pointers.iter().filter_map(|text| steps(text).map_err(|fault| faults.push(fault)).ok()).collect()
        };
        let (include, exclude) = (parse("include", &list.include), parse("exclude", &list.exclude));
        if !faults.is_empty() {
            return Err(faults);
        }
        let include = (!include.is_empty()).then_some(include);
        Ok((include.is_some() || !exclude.is_empty()).then_some(Self { include, exclude }))
    }

    /// The fields that a plugin can use, by its own word.
    pub(super) fn own(fields: &Fields) -> Result<Option<Self>, Vec<String>> {
        match fields {
            Fields::All => Ok(None),
            Fields::Only(pointers) if pointers.is_empty() => {
                Ok(Some(Self { include: Some(Vec::new()), exclude: Vec::new() }))
            }
            Fields::Only(pointers) => Self::new(&FieldList { include: pointers.clone(), exclude: Vec::new() }),
            Fields::Except(pointers) => Self::new(&FieldList { include: Vec::new(), exclude: pointers.clone() }),
        }
    }

    /// Whether all that lies at these steps is seen.
    pub(super) fn sees_all<'s>(&self, steps: impl IntoIterator<Item = &'s str>) -> bool {
        let steps: Steps = steps.into_iter().map(str::to_owned).collect();
        self.below(&steps).is_some_and(|rest| rest.include.is_none() && rest.exclude.is_empty())
    }

    /// Leaves out of an object what is excluded by name, and keeps what is not included: it may be what an included field was
    /// called before.
    pub(super) fn leave_out(&self, mut value: Value) -> Value {
        self.exclude.iter().for_each(|steps| remove(&mut value, steps));
        value
    }

    /// Cuts a payload that is an object, or a state.
    pub(super) fn cut(&self, value: Value) -> Value {
        let mut value = match &self.include {
            Some(include) => pick(&value, include).unwrap_or_else(|| Value::Object(Map::new())),
            None => value,
        };
        self.exclude.iter().for_each(|steps| remove(&mut value, steps));
        value
    }

    /// Cuts a payload that is a JSON Patch.
    pub(super) fn cut_patch(&self, operations: &mut Value) {
        if let Value::Array(operations) = operations {
            operations.retain_mut(|operation| self.keeps(operation));
        }
    }

    /// Whether an operation stays; its value is cut.
    fn keeps(&self, operation: &mut Value) -> bool {
        let at = |operation: &Value, member: &str| operation.get(member).and_then(Value::as_str).map(patch_steps);
        if let Some(from) = at(operation, "from")
            && !self.sees_all(from.iter().map(String::as_str))
        {
            return false;
        }
        // An operation without a path is none that was ever taken in.
        let Some(rest) = at(operation, "path").and_then(|path| self.below(&path)) else { return false };
        let whole = rest.include.is_none() && rest.exclude.is_empty();
        let sets = matches!(operation.get("op").and_then(Value::as_str), Some("add" | "replace"));
        if whole {
            return true;
        }
        let Some(value) = operation.get_mut("value").filter(|_| sets) else { return false };
        if let Some(include) = &rest.include {
            let Some(picked) = pick(value, include) else { return false };
            *value = picked;
        }
        rest.exclude.iter().for_each(|steps| remove(value, steps));
        true
    }

    /// What holds for a value at these steps; none: nothing of it is seen.
    fn below(&self, steps: &[String]) -> Option<Self> {
        let covers = |pointer: &Steps, same: fn(&str, &str) -> bool| {
            pointer.len() <= steps.len() && iter::zip(pointer, steps).all(|(one, other)| same(one, other))
        };
        let rest = |pointers: &[Steps], same: fn(&str, &str) -> bool| -> Vec<Steps> {
            let inside = |pointer: &&Steps| {
                pointer.len() > steps.len() && iter::zip(*pointer, steps).all(|(one, other)| same(one, other))
            };
            pointers.iter().filter(inside).map(|pointer| pointer[steps.len()..].to_vec()).collect()
        };
        if self.exclude.iter().any(|pointer| covers(pointer, alike)) {
            return None;
        }
        let exclude = rest(&self.exclude, alike);
        let include = match &self.include {
            Some(include) if !include.iter().any(|pointer| covers(pointer, equal)) => {
                let inside = rest(include, equal);
                if inside.is_empty() {
                    return None;
                }
                Some(inside)
            }
            _ => None,
        };
        Some(Self { include, exclude })
    }
}

fn equal(one: &str, other: &str) -> bool {
    one == other
}

/// Any index is like any other: operations before it may have moved what it means.
fn alike(one: &str, other: &str) -> bool {
    let index = |step: &str| step == "-" || !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
    one == other || index(one) && index(other)
}

fn steps(pointer: &str) -> Result<Steps, String> {
    if !pointer.starts_with('/') {
        return Err(format!("{pointer:?} is no JSON Pointer to a field: it begins with /, e.g. /address/city"));
    }
    let path = Path::parse(pointer).map_err(|fault| fault.to_string())?;
    Ok(path.segments().map(str::to_owned).collect())
}

/// The steps of a pointer in a patch that was checked when it was taken in.
fn patch_steps(pointer: &str) -> Steps {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
}

fn index(step: &str) -> Option<usize> {
    let plain = step == "0" || !step.starts_with('0') && step.bytes().all(|byte| byte.is_ascii_digit());
    if plain { step.parse().ok() } else { None }
}

/// What the pointers lead to, with what lies above it; none: they lead nowhere.
fn pick(value: &Value, pointers: &[Steps]) -> Option<Value> {
    if pointers.iter().any(Vec::is_empty) {
        return Some(value.clone());
    }
    let below = |step: &str| -> Vec<Steps> {
        let here = pointers.iter().filter(|pointer| pointer[0] == step);
        here.map(|pointer| pointer[1..].to_vec()).collect()
    };
    match value {
        Value::Object(members) => {
            let picked = members.iter().filter_map(|(name, value)| Some((name.clone(), pick(value, &below(name))?)));
            let picked: Map<_, _> = picked.collect();
            (!picked.is_empty()).then_some(Value::Object(picked))
        }
        Value::Array(elements) => {
            let element = |at: usize| pick(elements.get(at)?, &below(&at.to_string()));
            let places = pointers.iter().filter_map(|pointer| index(&pointer[0]));
            let last = places.filter(|at| element(*at).is_some()).max()?;
            Some((0..=last).map(|at| element(at).unwrap_or(Value::Null)).collect())
        }
        _ => None,
    }
}

fn remove(value: &mut Value, steps: &[String]) {
    let Some((step, below)) = steps.split_first() else { return };
    match value {
        Value::Object(members) if below.is_empty() => drop(members.remove(step)),
        Value::Object(members) => {
            if let Some(member) = members.get_mut(step) {
                remove(member, below);
            }
        }
        Value::Array(elements) => {
            let Some(element) = index(step).and_then(|at| elements.get_mut(at)) else { return };
            if below.is_empty() { *element = Value::Null } else { remove(element, below) }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> FieldFilter {
        let list = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        FieldFilter::new(&FieldList { include: list(include), exclude: list(exclude) }).unwrap().unwrap()
    }

    #[test]
    fn values_are_cut() {
        let value = json!({"a": {"b": 1, "c": [1, {"d": 2, "e": 3}]}, "x/y": 4, "z": null});
        for (include, exclude, left) in [
            (&["/a/b", "/z"][..], &[][..], json!({"a": {"b": 1}, "z": null})),
            (&["/a/c/1/e"], &[], json!({"a": {"c": [null, {"e": 3}]}})),
            (&["/nowhere", "/a/b/c", "/a/c/7"], &[], json!({})),
            (&[], &["/a", "/x~1y"], json!({"z": null})),
            (
                &[],
                &["/a/c/0", "/a/c/1/d", "/nowhere/a"],
                json!({"a": {"b": 1, "c": [null, {"e": 3}]}, "x/y": 4, "z": null}),
            ),
            (&["/a"], &["/a/c"], json!({"a": {"b": 1}})),
        ] {
            assert_eq!(filter(include, exclude).cut(value.clone()), left, "{include:?} {exclude:?}");
        }
    }

    #[test]
    fn a_patch_loses_what_touches_what_is_not_seen() {
        let patch = json!([
            {"op": "add", "path": "/ssn", "value": "CANARY"},
            {"op": "add", "path": "/ssn/deeper", "value": "CANARY"},
            {"op": "test", "path": "", "value": {"ssn": "CANARY"}},
            {"op": "replace", "path": "", "value": {"ssn": "CANARY", "name": "Ada"}},
            {"op": "move", "from": "/ssn", "path": "/name"},
            {"op": "copy", "from": "", "path": "/all"},
            {"op": "remove", "path": "/ssn"},
            {"op": "copy", "from": "/name", "path": "/nick"},
            {"op": "add", "path": "/items/-", "value": {"price": "CANARY", "sku": 1}},
            {"op": "add", "path": "/items/3", "value": "x"},
            {"op": "add", "path": "/first/-", "value": "CANARY"},
        ]);
        let mut cut = patch.clone();
        filter(&[], &["/ssn", "/items/0/price", "/first/0"]).cut_patch(&mut cut);
        let left = json!([
            {"op": "replace", "path": "", "value": {"name": "Ada"}},
            {"op": "copy", "from": "/name", "path": "/nick"},
            {"op": "add", "path": "/items/-", "value": {"sku": 1}},
            {"op": "add", "path": "/items/3", "value": "x"},
        ]);
        assert_eq!(cut, left);

        let mut cut = patch;
        filter(&["/name", "/nick"], &[]).cut_patch(&mut cut);
        let left = json!([
            {"op": "replace", "path": "", "value": {"name": "Ada"}},
            {"op": "copy", "from": "/name", "path": "/nick"},
        ]);
        assert_eq!(cut, left);
    }

    #[test]
    fn what_is_seen_whole_is_known() {
        let filter = filter(&["/a", "/b"], &["/a/secret"]);
        for (steps, seen) in
            [(&["b"][..], true), (&["a", "x"], true), (&["a"], false), (&["a", "secret", "y"], false), (&["c"], false)]
        {
            assert_eq!(filter.sees_all(steps.iter().copied()), seen, "{steps:?}");
        }
    }

    #[test]
    fn every_bad_pointer_is_reported() {
        let list = FieldList { include: vec!["a".to_owned(), String::new()], exclude: vec!["/a~2".to_owned()] };
        assert_eq!(FieldFilter::new(&list).unwrap_err().len(), 3);
        let many = FieldList { include: vec!["/a".to_owned(); FIELD_POINTERS + 1], ..FieldList::default() };
        assert!(FieldFilter::new(&many).unwrap_err()[0].contains("FIELD_POINTERS"));
        assert_eq!(FieldFilter::new(&FieldList::default()), Ok(None));
        let nothing = FieldFilter::own(&Fields::Only(Vec::new())).unwrap().unwrap();
        assert_eq!(nothing.cut(json!({"a": 1})), json!({}));
    }
}
