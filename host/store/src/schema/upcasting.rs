//! Old events in the shape of a schema, with the help of extensions: gathered from many events, and asked in few crossings.
//!
//! What the schema says itself, and what it leaves to upcasters, is applied in the order of its upcasts. All events go from one
//! upcaster to their next together.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    compiled::Schema,
    document::Upcast,
    extension::{ExtensionFailure, Extensions, OldEvent, Provided, Silence, UseKind},
};
use crate::{EventKind, Header, Json, Shape, json, limits};

/// An event as it was written, or as much of its payload as somebody may see.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// What it is.
    pub header: &'a Header,
    /// Its payload, JSON.
    pub payload: &'a str,
}

/// An event on its way to another shape.
pub(crate) struct Upcasting<'s> {
    /// Its place among those that were asked for.
    index: usize,
    header: &'s Header,
    /// Whether its schema hides anything: the words of an extension might quote it.
    hides: bool,
    written: Map<String, Value>,
    members: Map<String, Value>,
    steps: Box<dyn Iterator<Item = &'s Upcast> + 's>,
}

impl Schema {
    /// Gives events the shape that this schema has: as many answers as events; none: it reads as it was written.
    ///
    /// # Errors
    ///
    /// When an extension has no shape for one of them.
    pub fn upcast(
        &self,
        extensions: Option<&dyn Extensions>,
        events: &[Written<'_>],
    ) -> Result<Vec<Option<Json>>, ExtensionFailure> {
        let begun = events.iter().enumerate().filter_map(|(index, event)| Upcasting::begin(index, self, *event));
        upcast_all(extensions, events.len(), begun.collect())
    }
}

impl<'s> Upcasting<'s> {
    /// Begins with an event; none: it has the shape of the schema, or none that could change. JSON Patches and events of
    /// EventDBX's own read as they were written.
    pub(crate) fn begin(index: usize, schema: &'s Schema, event: Written<'s>) -> Option<Self> {
        let Written { header, payload } = event;
        if header.kind != EventKind::Payload || !schema.upcasts_from(header.schema_version) {
            return None;
        }
        let written: Map<String, Value> = serde_json::from_str(payload).ok()?;
        let steps = Box::new(schema.upcasts_of(header.schema_version));
        Some(Self { index, header, hides: schema.hides(), members: written.clone(), written, steps })
    }

    /// Goes on until an extension is to be asked; none: it has its shape.
    fn advance(&mut self) -> Option<OldEvent<'s>> {
        for step in self.steps.by_ref() {
            step.apply(&mut self.members);
            if let Some(upcaster) = &step.upcaster {
                return Some(OldEvent {
                    upcaster: &upcaster.name,
                    params: &upcaster.params,
                    aggregate_type: self.header.aggregate.kind.as_str(),
                    event_type: self.header.event_type.as_str(),
                    payload: Value::Object(self.members.clone()).to_string(),
                });
            }
        }
        None
    }
}

/// Brings events that were begun to their ends. `events`: how many answers there are to be.
pub(crate) fn upcast_all(
    extensions: Option<&dyn Extensions>,
    events: usize,
    mut begun: Vec<Upcasting<'_>>,
) -> Result<Vec<Option<Json>>, ExtensionFailure> {
    let provided = extensions.map(|extensions| extensions.provided()).unwrap_or_default();
    loop {
        let asked = begun.iter_mut().filter_map(|one| one.advance().map(|event| (one, event)));
        let (mut waiting, asked): (Vec<_>, Vec<_>) = asked.unzip();
        if asked.is_empty() {
            break;
        }
        let mut from = 0;
        for batch in batches(&asked) {
            let answers = ask(extensions, &provided, batch)?;
            for (one, (event, answer)) in waiting[from..].iter_mut().zip(batch.iter().zip(answers)) {
                one.members = accepted(&provided, one, event, answer)?;
            }
            from += batch.len();
        }
    }
    let mut shapes: Vec<Option<Json>> = Vec::new();
    shapes.resize_with(events, || None);
    for one in begun.into_iter().filter(|one| one.members != one.written) {
        shapes[one.index] = Some(Json::trusted(json::canonical_object(&one.members)));
    }
    Ok(shapes)
}

/// Stretches that are handed over in one crossing each.
fn batches<'a, 's>(asked: &'a [OldEvent<'s>]) -> impl Iterator<Item = &'a [OldEvent<'s>]> {
    let mut rest = asked;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |event: &&OldEvent<'_>| {
            bytes += event.payload.len();
            bytes <= limits::UPCAST_BYTES
        };
        let most = rest.iter().take(limits::UPCAST_EVENTS).take_while(fits).count().max(1);
        let (batch, behind) = rest.split_at(most.min(rest.len()));
        rest = behind;
        (!batch.is_empty()).then_some(batch)
    })
}

fn ask(
    extensions: Option<&dyn Extensions>,
    provided: &Arc<Provided>,
    events: &[OldEvent<'_>],
) -> Result<Vec<Result<String, super::Objection>>, ExtensionFailure> {
    if let Some(event) = events.iter().find(|event| !provided.upcasters.contains_key(event.upcaster)) {
        return Err(missing(provided, event.upcaster));
    }
    let Some(extensions) = extensions else { return Ok(Vec::new()) };
    let answers = extensions.upcast(events)?;
    if answers.len() == events.len() {
        return Ok(answers);
    }
    let reason = "the host lost a part of its answers, which is a mistake of ours".to_owned();
    Err(ExtensionFailure { extension: "that was asked".into(), reason })
}

/// Takes an answer over, if it is a payload.
fn accepted(
    provided: &Provided,
    one: &Upcasting<'_>,
    event: &OldEvent<'_>,
    answer: Result<String, super::Objection>,
) -> Result<Map<String, Value>, ExtensionFailure> {
    let fault = match answer {
        Ok(payload) => {
            match Json::parse(payload.as_str(), Shape::Object, limits::PAYLOAD_BYTES).map(|json| json.value()) {
                Ok(Ok(Value::Object(members))) => return Ok(members),
                Ok(_) => "it answers with something that is no object".to_owned(),
                Err(fault) => format!("it answers with no payload: {fault}"),
            }
        }
        Err(objection) if one.hides => {
            format!("{}, of which no more is said, since the schema hides fields", objection.code)
        }
        Err(objection) => {
            let told = objection.message.chars().filter(|c| !c.is_control()).take(limits::EXTENSION_MESSAGE_CHARS);
            format!("{} ({})", told.collect::<String>(), objection.code)
        }
    };
    let extension = provided.upcasters.get(event.upcaster).map_or(event.upcaster, |provider| provider.plugin.as_str());
    let (event_type, position) = (event.event_type, one.header.position);
    let reason =
        format!("its upcaster {} has no shape for the {event_type} at position {position}: {fault}", event.upcaster);
    Err(ExtensionFailure { extension: extension.to_owned(), reason })
}

/// Nobody answers for an upcaster.
fn missing(provided: &Provided, upcaster: &str) -> ExtensionFailure {
    match provided.silent.get(&(UseKind::Upcaster, upcaster.to_owned())) {
        Some(Silence { plugin, reason }) => ExtensionFailure {
            extension: plugin.clone(),
            reason: format!("{reason}; a schema reads old events by its {upcaster}"),
        },
        None => {
            let reason = "there is none in the domain: install it (`dbx plugin install`)".to_owned();
            ExtensionFailure { extension: format!("that brings the upcaster {upcaster}"), reason }
        }
    }
}
