//! What happened to the schema of a type, from the log.

use eventdbx_store::{AggregateRef, AggregateType, Domain, Event, EventQuery, limits::PAGE_ROWS};
use serde_json::Value;

use crate::{api::ApiError, wire::SchemaSwitch};

/// The aggregates in which schemas stand, by type.
const SCHEMA: &str = "$schema";

/// The last switches of a type's schema, the oldest of them first; as many as a page has.
pub(crate) fn switches(log: &Domain, kind: &AggregateType) -> Result<Vec<SchemaSwitch>, ApiError> {
    let name = AggregateRef::new(SCHEMA, kind.as_str())?;
    let query =
        EventQuery { aggregate: Some(name), reverse: true, limit: PAGE_ROWS, system: true, ..EventQuery::default() };
    let mut switches: Vec<SchemaSwitch> = log.events(&query)?.rows.iter().filter_map(switch).collect();
    switches.reverse();
    Ok(switches)
}

/// None: it is something else.
fn switch(event: &Event) -> Option<SchemaSwitch> {
    let what = match event.header.event_type.as_str() {
        "$schema_set" => "set",
        "$schema_activated" => "activated",
        "$schema_removed" => "removed",
        _ => return None,
    };
    let payload = event.body.payload.value().ok();
    let version = payload.as_ref().and_then(|payload| payload.get("version")).and_then(Value::as_u64);
    Some(SchemaSwitch {
        position: event.header.position.get(),
        recorded_at: event.header.recorded_at.to_rfc3339(),
        actor: event.body.actor.to_string(),
        what: what.to_owned(),
        version: version.and_then(|version| u32::try_from(version).ok()),
    })
}
