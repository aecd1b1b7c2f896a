//! The batch of a capsule: deliveries as the plugin gets them, owned and as JSON.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use eventdbx_sandbox::{Batch, Delivery, DeliveryMode, Envelope, SchemaDocument};
use serde::{Deserialize, Serialize};

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CapsuleBatch {
    domain: String,
    payload_mode: String,
    attempt: u32,
    head_position: u64,
    schemas: Vec<CapsuleSchema>,
    items: Vec<CapsuleDelivery>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CapsuleSchema {
    aggregate_type: String,
    schema_version: u32,
    document: String,
}

/// A delivery. JSON parts stay texts, byte for byte: a plugin may fail on the very spelling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CapsuleDelivery {
    position: u64,
    event_id: String,
    aggregate_type: String,
    aggregate_id: String,
    version: u64,
    event_type: String,
    recorded_at_ms: u64,
    occurred_at: Option<String>,
    payload: Option<String>,
    state: Option<String>,
    schema: Option<u32>,
    envelope: Option<CapsuleEnvelope>,
    extensions: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CapsuleEnvelope {
    actor: Option<String>,
    note: Option<String>,
    metadata: Option<String>,
    /// Base64.
    digest: String,
}

impl CapsuleBatch {
    pub(super) fn of(batch: &Batch<'_>) -> Self {
        let schema = |schema: &SchemaDocument<'_>| CapsuleSchema {
            aggregate_type: schema.aggregate_type.to_owned(),
            schema_version: schema.schema_version,
            document: schema.document.to_owned(),
        };
        Self {
            domain: batch.domain.to_owned(),
            payload_mode: batch.payload_mode.to_owned(),
            attempt: batch.attempt,
            head_position: batch.head_position,
            schemas: batch.schemas.iter().map(schema).collect(),
            items: batch.items.iter().map(CapsuleDelivery::of).collect(),
        }
    }

    pub(super) fn domain(&self) -> &str {
        &self.domain
    }

    /// Has the batch as it is handed over; none: a digest is none.
    pub(super) fn lend<T>(&self, take: impl FnOnce(&Batch<'_>) -> T) -> Option<T> {
        let digests: Vec<_> = self.items.iter().map(CapsuleDelivery::digest).collect::<Option<_>>()?;
        let items: Vec<_> = self.items.iter().zip(&digests).map(|(item, digest)| item.lend(digest)).collect();
        let schemas: Vec<_> = self.schemas.iter().map(CapsuleSchema::lend).collect();
        Some(take(&Batch {
            domain: &self.domain,
            mode: DeliveryMode::Live,
            payload_mode: &self.payload_mode,
            attempt: self.attempt,
            head_position: self.head_position,
            schemas: &schemas,
            items: &items,
        }))
    }
}

impl CapsuleSchema {
    fn lend(&self) -> SchemaDocument<'_> {
        SchemaDocument {
            aggregate_type: &self.aggregate_type,
            schema_version: self.schema_version,
            document: &self.document,
        }
    }
}

impl CapsuleDelivery {
    fn of(item: &Delivery<'_>) -> Self {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Self {
            position: item.position,
            event_id: item.event_id.to_owned(),
            aggregate_type: item.aggregate_type.to_owned(),
            aggregate_id: item.aggregate_id.to_owned(),
            version: item.version,
            event_type: item.event_type.to_owned(),
            recorded_at_ms: item.recorded_at_ms,
            occurred_at: text(item.occurred_at),
            payload: text(item.payload),
            state: text(item.state),
            schema: item.schema,
            envelope: item.envelope.as_ref().map(|envelope| CapsuleEnvelope {
                actor: text(envelope.actor),
                note: text(envelope.note),
                metadata: text(envelope.metadata),
                digest: BASE64_STANDARD.encode(envelope.digest),
            }),
            extensions: text(item.extensions),
        }
    }

    fn digest(&self) -> Option<Vec<u8>> {
        match &self.envelope {
            Some(envelope) => BASE64_STANDARD.decode(&envelope.digest).ok(),
            None => Some(Vec::new()),
        }
    }

    fn lend<'a>(&'a self, digest: &'a [u8]) -> Delivery<'a> {
        Delivery {
            position: self.position,
            event_id: &self.event_id,
            aggregate_type: &self.aggregate_type,
            aggregate_id: &self.aggregate_id,
            version: self.version,
            event_type: &self.event_type,
            recorded_at_ms: self.recorded_at_ms,
            occurred_at: self.occurred_at.as_deref(),
            payload: self.payload.as_deref(),
            state: self.state.as_deref(),
            schema: self.schema,
            envelope: self.envelope.as_ref().map(|envelope| Envelope {
                actor: envelope.actor.as_deref(),
                note: envelope.note.as_deref(),
                metadata: envelope.metadata.as_deref(),
                digest,
            }),
            extensions: self.extensions.as_deref(),
        }
    }
}
