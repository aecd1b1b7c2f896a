//! Infers a schema from all that there is of a type.

use std::ops::ControlFlow;

use eventdbx_store::{
    AggregateRef, AggregateType, Domain, Event, EventKind, ReadError, Schema, SchemaDocument, Version,
    schema::Inference,
};
use serde_json::{Map, Value};

use super::walk::{Visitor, walk};
use crate::{
    api::ApiError,
    wire::{ErrorCode, InferredSchema},
};

/// Counts what it shows to the inference.
struct Watch<G> {
    inference: Inference,
    go_on: G,
    events: u64,
    aggregates: u64,
    stopped: bool,
}

/// A document that accepts all that there is of a type. What the active schema hides stays hidden, and its values are not
/// repeated. None: `go_on` said no.
pub(crate) fn infer(
    log: &Domain,
    kind: &AggregateType,
    go_on: impl FnMut() -> ControlFlow<()>,
) -> Result<Option<InferredSchema>, ApiError> {
    let inference = Inference::new(kind.clone());
    let mut watch = Watch { inference, go_on, events: 0, aggregates: 0, stopped: false };
    walk(log, kind, &mut watch)?;
    if watch.stopped {
        return Ok(None);
    }
    if watch.aggregates == 0 {
        return Err(ApiError::not_found(format_args!("aggregate of type {kind} to infer a schema from")));
    }
    let mut document = watch.inference.finish();
    if let Some(active) = log.schemas().active(kind) {
        document = with_hidden(document, &active.schema)?;
    }
    let document = serde_json::value::RawValue::from_string(document.to_json()).map_err(internal)?;
    let (events, aggregates) = (watch.events, watch.aggregates);
    Ok(Some(InferredSchema { aggregate_type: kind.to_string(), events, aggregates, document }))
}

/// The document with those fields hidden that the schema hides, as far as it has them.
fn with_hidden(document: SchemaDocument, schema: &Schema) -> Result<SchemaDocument, ApiError> {
    let hidden = schema.hidden_pointers();
    if hidden.is_empty() {
        return Ok(document);
    }
    let mut value: Value = serde_json::from_str(&document.to_json()).map_err(internal)?;
    for pointer in hidden {
        let steps: Vec<&str> = pointer.split('/').skip(1).collect();
        let place = format!("/fields/{}", steps.join("/properties/"));
        if let Some(Value::Object(field)) = value.pointer_mut(&place) {
            forget_values(field);
            field.insert("hidden".to_owned(), true.into());
        }
    }
    let faults = |faults| internal(format_args!("what was inferred has faults: {faults:?}"));
    SchemaDocument::parse(&value.to_string()).map_err(faults)
}

/// Takes out the values that a field and those in it were seen with.
fn forget_values(field: &mut Map<String, Value>) {
    field.remove("enum");
    let nested = field.get_mut("properties").and_then(Value::as_object_mut);
    nested.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut).for_each(forget_values);
}

fn internal(what: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::Internal, what.to_string())
}

impl<G: FnMut() -> ControlFlow<()>> Visitor for Watch<G> {
    fn event(&mut self, event: &Event, body: &Value, _: &Map<String, Value>, after: &Map<String, Value>) {
        self.events += 1;
        let event_type = event.header.event_type.as_str();
        match (event.header.kind, body) {
            (EventKind::Payload, Value::Object(members)) => self.inference.observe(event_type, members),
            (EventKind::Patch, operations) => self.inference.observe_patch(event_type, operations, after),
            _ => {}
        }
    }

    fn state(&mut self, _: &AggregateRef, _: Version, state: &Map<String, Value>) -> Result<(), ReadError> {
        self.aggregates += 1;
        self.inference.observe_state(state);
        Ok(())
    }

    fn pause(&mut self) -> ControlFlow<()> {
        let going = (self.go_on)();
        self.stopped |= going.is_break();
        going
    }
}
