//! A payload mode for those who may know roughly when something happened: times are rounded down, some members are stripped,
//! and some events are left out.
//!
//! The lesson: a mode is a pure function of one delivery, and a payload may be a JSON Patch, whose operations speak of the
//! same members by their paths.

use eventdbx_plugin_sdk::{
    Descriptor, export_payload_mode,
    shape::{About, Content, PayloadMode},
};
use serde::Deserialize;
use serde_json::{Value, json};

export_payload_mode!(CoarseTimes);

/// The configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Times are rounded down to so many minutes past the hour.
    minutes: Minutes,
    /// Members of payload and state that are stripped.
    strip: Vec<String>,
    /// Types of events that are left out.
    leave_out: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { minutes: Minutes(60), strip: Vec::new(), leave_out: Vec::new() }
    }
}

/// 1 to 60.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
struct Minutes(u32);

impl TryFrom<u32> for Minutes {
    type Error = &'static str;

    fn try_from(minutes: u32) -> Result<Self, &'static str> {
        if (1..=60).contains(&minutes) { Ok(Self(minutes)) } else { Err("`minutes` are 1 to 60") }
    }
}

/// The mode.
pub struct CoarseTimes;

impl PayloadMode for CoarseTimes {
    type Config = Config;

    fn describe() -> Descriptor {
        // No envelope: an actor or a note may tell what the times no longer do.
        Descriptor::new().payload().state().config_schema(json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "minutes": {"type": "integer", "minimum": 1, "maximum": 60},
                "strip": {"type": "array", "items": {"type": "string", "minLength": 1}},
                "leave_out": {"type": "array", "items": {"type": "string", "minLength": 1}},
            },
        }))
    }

    fn shape(config: &Config, about: &About<'_>, content: &mut Content) -> bool {
        for part in [&mut content.payload, &mut content.state].into_iter().flatten() {
            strip(part, &config.strip);
            round(part, config.minutes);
        }
        !config.leave_out.iter().any(|event_type| event_type == about.event_type)
    }
}

/// Takes members out of an object, or out of the object that a JSON Patch changes.
fn strip(part: &mut Value, names: &[String]) {
    match part {
        Value::Object(members) => members.retain(|name, _| !names.contains(name)),
        Value::Array(operations) => {
            for operation in operations.iter_mut().filter(|operation| operation["path"] == "") {
                strip(&mut operation["value"], names);
            }
            let speaks_of = |operation: &Value, key: &str| {
                let path = operation[key].as_str().unwrap_or_default();
                path.split('/').nth(1).is_some_and(|name| names.iter().any(|stripped| escaped(stripped) == name))
            };
            operations.retain(|operation| !speaks_of(operation, "path") && !speaks_of(operation, "from"));
        }
        _ => {}
    }
}

/// A name as it stands in a JSON Pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Rounds every time, at any depth.
fn round(value: &mut Value, minutes: Minutes) {
    match value {
        Value::String(text) => {
            if let Some(rounded) = rounded(text, minutes) {
                *text = rounded;
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| round(element, minutes)),
        Value::Object(members) => members.values_mut().for_each(|member| round(member, minutes)),
        _ => {}
    }
}

/// A time as RFC 3339 writes it, rounded down; none: the text is no such time.
fn rounded(text: &str, Minutes(step): Minutes) -> Option<String> {
    let (date, time) = text.split_once(['T', 't'])?;
    let numbers = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b':');
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let (hour, rest) = clock.split_once(':')?;
    let minute = rest.get(..2)?;
    if date.len() != 10 || hour.len() != 2 || !numbers(date) || !numbers(hour) || !numbers(minute) {
        return None;
    }
    let minute: u32 = minute.parse().ok()?;
    Some(format!("{date}T{hour}:{:02}:00{zone}", minute - minute % step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(config: Value) -> Config {
        serde_json::from_value(config).unwrap()
    }

    fn shaped(config: &Config, event_type: &str, payload: Value) -> Option<Value> {
        let about = About { aggregate_type: "flight", aggregate_id: "UA1", event_type };
        let mut content = Content { payload: Some(payload), ..Content::default() };
        let goes = CoarseTimes::shape(config, &about, &mut content);
        assert!(content.state.is_none(), "nothing is put in");
        content.payload.filter(|_| goes)
    }

    #[test]
    fn times_are_rounded_and_members_stripped() {
        let config = config(json!({"minutes": 15, "strip": ["tail_number"]}));
        let payload =
            json!({"at": "2013-01-01T05:29:31.5-05:00", "tail_number": "N1", "legs": [{"at": "2013-01-01T23:59:59Z"}]});
        let expected = json!({"at": "2013-01-01T05:15:00-05:00", "legs": [{"at": "2013-01-01T23:45:00Z"}]});
        assert_eq!(shaped(&config, "flight_departed", payload), Some(expected));
    }

    #[test]
    fn a_patch_loses_what_speaks_of_a_stripped_member() {
        let config = config(json!({"strip": ["tail/number"]}));
        let payload = json!([
            {"op": "add", "path": "/tail~1number", "value": "N1"},
            {"op": "copy", "from": "/tail~1number/x", "path": "/y"},
            {"op": "replace", "path": "/at", "value": "2013-01-01T05:29:00Z"},
            {"op": "replace", "path": "", "value": {"tail/number": "N1", "z": 1}},
        ]);
        let expected = json!([
            {"op": "replace", "path": "/at", "value": "2013-01-01T05:00:00Z"},
            {"op": "replace", "path": "", "value": {"z": 1}},
        ]);
        assert_eq!(shaped(&config, "flight_corrected", payload), Some(expected));
    }

    #[test]
    fn some_events_are_left_out() {
        let config = config(json!({"leave_out": ["flight_cancelled"]}));
        assert_eq!(shaped(&config, "flight_cancelled", json!({})), None);
        assert_eq!(shaped(&config, "flight_departed", json!({})), Some(json!({})));
    }

    #[test]
    fn what_is_no_time_stays() {
        for text in ["", "T", "2013-01-01", "Terminal A-3", "2013-01-01T05", "x-y-z-abTcd:ef:00Z", "2013-01-01Tää:00Z"]
        {
            assert_eq!(rounded(text, Minutes(60)), None, "{text:?}");
        }
        assert!(serde_json::from_value::<Config>(json!({"minutes": 0})).is_err());
    }
}
