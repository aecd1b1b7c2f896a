//! One switch of mode or schema: the event that it is in the log, and back from there.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Mode;
use crate::{
    AggregateId, AggregateRef, AggregateType, Event, EventType, ReadError, Schema, SchemaDocument,
    schema::{Known, Use},
};

const DOMAIN: &str = "$domain";
const SETTINGS: &str = "settings";
const SNAPSHOTS: &str = "snapshots";
const SCHEMA: &str = "$schema";

const MODE_SWITCHED: &str = "$mode_switched";
const SCHEMA_SET: &str = "$schema_set";
const SCHEMA_ACTIVATED: &str = "$schema_activated";
const SCHEMA_REMOVED: &str = "$schema_removed";

/// A switch of mode or schema.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Another mode.
    Mode { from: Mode, to: Mode },
    /// A new version of a type's schema, which is active from then on.
    Set {
        kind: AggregateType,
        version: u32,
        schema: Arc<Schema>,
        /// What of extensions it uses.
        uses: Arc<[Use]>,
    },
    /// An earlier version is active again.
    Activate { kind: AggregateType, version: u32 },
    /// The type has no active schema any more.
    Remove { kind: AggregateType },
}

/// Whether an aggregate is one that the store writes by itself, and nobody else.
pub(crate) fn is_own(name: &AggregateRef) -> bool {
    match name.kind.as_str() {
        SCHEMA => true,
        DOMAIN => [SETTINGS, SNAPSHOTS].contains(&name.id.as_str()),
        _ => false,
    }
}

/// Where the switches of mode stand.
pub(super) fn settings() -> AggregateRef {
    own(DOMAIN, SETTINGS)
}

/// Where snapshots are recorded.
pub(crate) fn snapshots() -> AggregateRef {
    own(DOMAIN, SNAPSHOTS)
}

/// The type of the aggregates in which the schemas stand, one for each type.
pub(super) fn schemas() -> AggregateType {
    AggregateType::trusted(SCHEMA)
}

fn own(kind: &str, id: &str) -> AggregateRef {
    // The type of an aggregate is an id as well: its letters are a part of those of ids.
    AggregateRef { kind: AggregateType::trusted(kind), id: AggregateId::trusted(id) }
}

impl Change {
    /// The aggregate in which it stands.
    pub(crate) fn aggregate(&self) -> AggregateRef {
        match self {
            Self::Mode { .. } => settings(),
            Self::Set { kind, .. } | Self::Activate { kind, .. } | Self::Remove { kind } => own(SCHEMA, kind.as_str()),
        }
    }

    pub(crate) fn event_type(&self) -> EventType {
        EventType::trusted(match self {
            Self::Mode { .. } => MODE_SWITCHED,
            Self::Set { .. } => SCHEMA_SET,
            Self::Activate { .. } => SCHEMA_ACTIVATED,
            Self::Remove { .. } => SCHEMA_REMOVED,
        })
    }

    pub(crate) fn payload(&self) -> String {
        match self {
            Self::Mode { from, to } => json!({ "from": from, "to": to }).to_string(),
            Self::Set { version, schema, uses, .. } => {
                let uses = if uses.is_empty() { String::new() } else { format!(r#","uses":{}"#, json!(**uses)) };
                format!(r#"{{"version":{version},"document":{}{uses}}}"#, schema.document().to_json())
            }
            Self::Activate { version, .. } => json!({ "version": version }).to_string(),
            Self::Remove { .. } => "{}".to_owned(),
        }
    }

    /// The switch that an event of an [own](is_own) aggregate is; none: it is something else.
    ///
    /// # Errors
    ///
    /// When it does not say what such an event says: it was written once, so that is damage.
    pub(super) fn of(event: &Event) -> Result<Option<Self>, ReadError> {
        let damaged = |what: &str| ReadError::Damaged(format!("position {}: {what}", event.header.position));
        let payload = event.body.payload.value().map_err(|_| damaged("its payload is not JSON"))?;
        let kind = || AggregateType::trusted(event.header.aggregate.id.as_str());
        let change = match event.header.event_type.as_str() {
            MODE_SWITCHED => mode(&payload, "from").zip(mode(&payload, "to")).map(|(from, to)| Self::Mode { from, to }),
            SCHEMA_SET => set(kind(), &payload),
            SCHEMA_ACTIVATED => version(&payload).map(|version| Self::Activate { kind: kind(), version }),
            SCHEMA_REMOVED => Some(Self::Remove { kind: kind() }),
            _ => return Ok(None),
        };
        change
            .map(Some)
            .ok_or_else(|| damaged("it is not a switch of mode or schema as this version of EventDBX reads it"))
    }
}

fn mode(payload: &Value, member: &str) -> Option<Mode> {
    payload.get(member)?.as_str()?.parse().ok()
}

fn version(payload: &Value) -> Option<u32> {
    u32::try_from(payload.get("version")?.as_u64()?).ok()
}

/// Whether those who bring what it uses are still there is a question for when it is used.
fn set(kind: AggregateType, payload: &Value) -> Option<Change> {
    let document = SchemaDocument::parse_knowing(&payload.get("document")?.to_string(), Known::Any).ok()?;
    let uses: Vec<Use> = match payload.get("uses") {
        Some(uses) => serde_json::from_value(uses.clone()).ok()?,
        None => Vec::new(),
    };
    Some(Change::Set { kind, version: version(payload)?, schema: Arc::new(Schema::new(document)), uses: uses.into() })
}
