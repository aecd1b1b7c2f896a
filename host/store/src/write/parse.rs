//! From what a client sent to typed parts: every rule that needs no look at the log. All that is wrong is found at once.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    AggregateRef, Body, BodyKind, Draft, EventKind, EventType, Expected, Json, JsonFault, NameError, NewEvent,
    NewRecipient, Reason, Recipient, Recipients, Shape, limits, schema::time::timestamp,
};

/// A request that breaks no rule by itself.
pub(crate) struct Parsed {
    pub(crate) events: Vec<ParsedEvent>,
}

pub(crate) struct ParsedEvent {
    pub(crate) aggregate: AggregateRef,
    pub(crate) event_type: EventType,
    pub(crate) kind: EventKind,
    pub(crate) expected: Expected,
    pub(crate) occurred_at: Option<Arc<str>>,
    pub(crate) recipients: Recipients,
    pub(crate) body: Body,
    /// The payload's members, for an event that is merged into the state.
    pub(crate) members: Option<Map<String, Value>>,
}

/// Checks names, sizes and JSON.
pub(crate) fn parse(draft: &Draft) -> Result<Parsed, Vec<Reason>> {
    let mut reasons = Reasons::default();
    whole_request(draft, &mut reasons);
    let actor: Arc<str> = draft.actor.as_str().into();
    let mut events = Vec::with_capacity(draft.events.len());
    for (index, event) in draft.events.iter().enumerate() {
        reasons.event = index;
        events.extend(parse_event(event, &actor, &mut reasons));
    }
    if reasons.found.is_empty() { Ok(Parsed { events }) } else { Err(reasons.found) }
}

#[derive(Default)]
struct Reasons {
    event: usize,
    found: Vec<Reason>,
}

impl Reasons {
    fn add(&mut self, path: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.found.push(Reason { event: self.event, path: path.into(), code, message: message.into() });
    }

    fn name<T>(&mut self, path: &str, parsed: Result<T, NameError>) -> Option<T> {
        parsed.map_err(|error| self.add(path, "bad-name", error.to_string())).ok()
    }

    fn json(&mut self, path: &str, parsed: Result<Json, JsonFault>) -> Option<Json> {
        parsed.map_err(|fault| self.add(format!("{path}{}", fault.path), fault.code, fault.message)).ok()
    }
}

fn whole_request(draft: &Draft, reasons: &mut Reasons) {
    if draft.events.is_empty() {
        reasons.add("", "no-events", "the request has no events");
    }
    if draft.events.len() > limits::EVENTS_PER_REQUEST {
        let message = format!(
            "{} events in one request, more than EVENTS_PER_REQUEST allows ({}): send several requests",
            draft.events.len(),
            limits::EVENTS_PER_REQUEST
        );
        reasons.add("", "events-per-request", message);
    }
    let part = |part: &Option<String>| part.as_ref().map_or(0, String::len);
    let bytes: usize = draft.events.iter().map(|e| e.body.len() + part(&e.metadata) + part(&e.extensions)).sum();
    if bytes > limits::REQUEST_BYTES {
        let message = format!(
            "{bytes} bytes in one request, more than REQUEST_BYTES allows ({}): send several requests",
            limits::REQUEST_BYTES
        );
        reasons.add("", "request-bytes", message);
    }
    if draft.actor.is_empty() || draft.actor.len() > limits::NAME_BYTES || draft.actor.chars().any(char::is_control) {
        reasons.add("/actor", "bad-actor", format!("an actor has 1 to {} printable bytes", limits::NAME_BYTES));
    }
    if let Some(key) = &draft.key
        && (key.is_empty() || key.len() > limits::KEY_BYTES || key.chars().any(char::is_control))
    {
        let message = format!("an idempotency key has 1 to KEY_BYTES ({}) printable bytes", limits::KEY_BYTES);
        reasons.add("/key", "bad-key", message);
    }
}

fn parse_event(event: &NewEvent, actor: &Arc<str>, reasons: &mut Reasons) -> Option<ParsedEvent> {
    let before = reasons.found.len();
    let kind = reasons.name("/aggregate_type", event.aggregate_type.parse());
    let id = reasons.name("/aggregate_id", event.aggregate_id.parse());
    let event_type: Option<EventType> = reasons.name("/event_type", event.event_type.parse());
    if kind.as_ref().is_some_and(crate::AggregateType::is_system) {
        reasons.add("/aggregate_type", "reserved-name", "aggregate types that begin with $ are EventDBX's own");
    }
    if event_type.as_ref().is_some_and(EventType::is_system) {
        reasons.add("/event_type", "reserved-name", "event types that begin with $ are EventDBX's own");
    }
    let (path, shape) = match event.body_kind {
        BodyKind::Payload => ("/payload", Shape::Object),
        BodyKind::Patch => ("/patch", Shape::Array),
    };
    let payload = reasons.json(path, Json::parse(event.body.as_str(), shape, limits::PAYLOAD_BYTES));
    let metadata = event
        .metadata
        .as_deref()
        .map(|text| reasons.json("/metadata", Json::parse(text, Shape::Object, limits::METADATA_BYTES)));
    let extensions = event.extensions.as_deref().map(|text| {
        let parsed = reasons.json("/extensions", Json::parse(text, Shape::Object, limits::EXTENSIONS_BYTES));
        parsed.inspect(|json| check_extension_keys(json, reasons))
    });
    // An empty note says nothing: it is none.
    let note = event.note.as_deref().filter(|note| !note.is_empty()).inspect(|note| check_note(note, reasons));
    let occurred_at = event.occurred_at.as_deref().inspect(|time| check_time(time, reasons));
    let recipients = match &event.publish {
        Some(list) => Recipients::Only(recipients(list, reasons)),
        None => Recipients::Everyone,
    };
    if reasons.found.len() > before {
        return None;
    }
    let payload = payload?;
    let members = match event.body_kind {
        BodyKind::Payload => match payload.value() {
            Ok(Value::Object(members)) => Some(members),
            _ => unreachable!("checked to be an object"),
        },
        BodyKind::Patch => None,
    };
    Some(ParsedEvent {
        aggregate: AggregateRef { kind: kind?, id: id? },
        event_type: event_type?,
        kind: match event.body_kind {
            BodyKind::Payload => EventKind::Payload,
            BodyKind::Patch => EventKind::Patch,
        },
        expected: event.expected,
        occurred_at: occurred_at.map(Arc::from),
        recipients,
        body: Body {
            actor: Arc::clone(actor),
            payload,
            metadata: metadata.flatten(),
            extensions: extensions.flatten(),
            note: note.map(Arc::from),
        },
        members,
    })
}

fn recipients(list: &[NewRecipient], reasons: &mut Reasons) -> Arc<[Recipient]> {
    if list.len() > limits::RECIPIENTS {
        let message =
            format!("{} recipients, more than RECIPIENTS allows ({}): name fewer", list.len(), limits::RECIPIENTS);
        reasons.add("/publish", "recipients", message);
        return Arc::default();
    }
    let mut read: Vec<Recipient> = Vec::with_capacity(list.len());
    for (index, asked) in list.iter().enumerate() {
        let name = reasons.name(&format!("/publish/{index}/plugin"), asked.name.parse());
        let mode = asked.mode.as_deref().map(|mode| reasons.name(&format!("/publish/{index}/mode"), mode.parse()));
        let Some(name) = name else { continue };
        if read.iter().any(|known| known.name == name) {
            reasons.add(format!("/publish/{index}"), "named-twice", format!("{name} is named twice: name it once"));
        }
        read.push(Recipient { name, mode: mode.flatten(), priority: asked.priority });
    }
    read.into()
}

fn check_extension_keys(extensions: &Json, reasons: &mut Reasons) {
    let members: Map<String, Value> = serde_json::from_str(extensions.as_str()).unwrap_or_default();
    if let Some(key) = members.keys().find(|key| !key.starts_with('@')) {
        let key: String = key.chars().take(64).collect();
        reasons.add("/extensions", "extension-key", format!("the key {key:?} does not begin with @: e.g. \"@{key}\""));
    }
}

fn check_note(note: &str, reasons: &mut Reasons) {
    let chars = note.chars().count();
    if chars > limits::NOTE_CHARS {
        let message = format!("the note has {chars} characters, more than NOTE_CHARS allows ({})", limits::NOTE_CHARS);
        reasons.add("/note", "note-chars", message);
    }
}

fn check_time(text: &str, reasons: &mut Reasons) {
    if timestamp(text).is_none() {
        let message = "not a time as RFC 3339 writes it: e.g. 2013-01-01T05:15:00-05:00 or 2013-01-01T10:15:00.5Z";
        reasons.add("/occurred_at", "bad-time", message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_reported_at_once() {
        let mut event = NewEvent::new("Order", "o 1", "$placed", "[1]");
        event.metadata = Some("{".into());
        event.extensions = Some(r#"{"trace":1}"#.into());
        event.note = Some("x".repeat(129));
        event.occurred_at = Some("yesterday".into());
        let named = |name: &str, mode: &str| NewRecipient {
            name: name.to_owned(),
            mode: Some(mode.to_owned()),
            ..NewRecipient::default()
        };
        event.publish = Some(vec![named("a", "all"), named("a b", "All"), named("a", "all")]);
        let reasons = parse(&Draft::one(event, "")).err().expect("refused");
        let paths: Vec<&str> = reasons.iter().map(|reason| reason.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "/actor",
                "/aggregate_type",
                "/aggregate_id",
                "/event_type",
                "/payload",
                "/metadata",
                "/extensions",
                "/note",
                "/occurred_at",
                "/publish/1/plugin",
                "/publish/1/mode",
                "/publish/2"
            ]
        );
    }

    #[test]
    fn an_event_names_no_more_recipients_than_there_may_be() {
        let named = |count: usize| NewEvent {
            publish: Some((0..count).map(|n| NewRecipient { name: format!("p{n}"), ..Default::default() }).collect()),
            ..NewEvent::new("order", "o-1", "placed", "{}")
        };
        assert!(parse(&Draft::one(named(limits::RECIPIENTS), "alice")).is_ok());
        let reasons = parse(&Draft::one(named(limits::RECIPIENTS + 1), "alice")).err().expect("refused");
        assert_eq!((reasons[0].path.as_str(), reasons[0].code), ("/publish", "recipients"));
        assert!(reasons[0].message.contains("RECIPIENTS"));
    }
}
