//! The interface `types` of the contract, written by hand: what crosses the boundary in every call.
//!
//! A batch borrows all its text, so that it is copied once, into the guest. wasmtime compares these types with the
//! component's before the first call, so they cannot drift from `wit/plugin.wit` unnoticed.

use wasmtime::component::{ComponentType, HasData, Lift, Linker, Lower};

/// One JSON value as text.
pub type Json = String;

wasmtime::component::flags! {
    Parts {
        #[component(name = "payload")] const PAYLOAD;
        #[component(name = "state")] const STATE;
        #[component(name = "schema")] const SCHEMA;
        #[component(name = "envelope")] const ENVELOPE;
        #[component(name = "extensions")] const EXTENSIONS;
    }
}

/// What surrounds the payload of an event.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub struct Envelope<'a> {
    /// Who wrote the event.
    pub actor: Option<&'a str>,
    /// A remark for people.
    pub note: Option<&'a str>,
    /// JSON object.
    pub metadata: Option<&'a str>,
    /// The event digest, 32 bytes.
    pub digest: &'a [u8],
}

/// One event, as much of it as the plugin may see.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub struct Delivery<'a> {
    /// Place in the log of the domain.
    pub position: u64,
    /// The same in every replay.
    #[component(name = "event-id")]
    pub event_id: &'a str,
    /// Type of the aggregate.
    #[component(name = "aggregate-type")]
    pub aggregate_type: &'a str,
    /// Id of the aggregate.
    #[component(name = "aggregate-id")]
    pub aggregate_id: &'a str,
    /// Place in the history of the aggregate.
    pub version: u64,
    /// Type of the event.
    #[component(name = "event-type")]
    pub event_type: &'a str,
    /// Milliseconds since 1970, when the event was committed.
    #[component(name = "recorded-at-ms")]
    pub recorded_at_ms: u64,
    /// RFC 3339, as the writer gave it.
    #[component(name = "occurred-at")]
    pub occurred_at: Option<&'a str>,
    /// JSON: the payload, or the operations of a JSON Patch.
    pub payload: Option<&'a str>,
    /// JSON: the state of the aggregate right after this event.
    pub state: Option<&'a str>,
    /// Index into [`Batch::schemas`].
    pub schema: Option<u32>,
    /// What surrounds the payload.
    pub envelope: Option<Envelope<'a>>,
    /// JSON object whose keys begin with `@`.
    pub extensions: Option<&'a str>,
}

/// A schema that deliveries of the batch were checked with.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub struct SchemaDocument<'a> {
    /// Type of the aggregates that it describes.
    #[component(name = "aggregate-type")]
    pub aggregate_type: &'a str,
    /// Its version.
    #[component(name = "schema-version")]
    pub schema_version: u32,
    /// The schema, as JSON.
    pub document: &'a str,
}

/// Why deliveries come now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum DeliveryMode {
    /// Just committed.
    #[component(name = "live")]
    Live,
    /// The plugin lags, or is new.
    #[component(name = "catch-up")]
    CatchUp,
    /// Somebody asked for history once more.
    #[component(name = "replay")]
    Replay,
    /// Nothing will be kept.
    #[component(name = "dry-run")]
    DryRun,
}

/// What one call hands over.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub struct Batch<'a> {
    /// Name of the domain.
    pub domain: &'a str,
    /// Why these deliveries come now.
    pub mode: DeliveryMode,
    /// Name of the payload mode that cut them.
    #[component(name = "payload-mode")]
    pub payload_mode: &'a str,
    /// 1 on the first try of this batch.
    pub attempt: u32,
    /// End of the log when the batch was cut.
    #[component(name = "head-position")]
    pub head_position: u64,
    /// Schemas that the deliveries name.
    pub schemas: &'a [SchemaDocument<'a>],
    /// The deliveries, in ascending positions.
    pub items: &'a [Delivery<'a>],
}

/// Why something failed, in the words of the plugin.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Failure {
    /// Machine-readable and of few values.
    pub code: String,
    /// For people.
    pub message: String,
    /// JSON, if the plugin has more to say.
    pub detail: Option<String>,
}

/// One delivery that failed or was left out.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct ItemFailure {
    /// Index into [`Batch::items`].
    pub index: u32,
    /// Why.
    pub failure: Failure,
}

#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub struct RetryHint {
    pub failure: Failure,
    #[component(name = "after-ms")]
    pub after_ms: Option<u32>,
    /// Leading items that are done. A read model's writes of a failed call are thrown away, so nothing of it ever is.
    pub done: u32,
}

#[derive(Debug, Clone, ComponentType, Lift)]
#[component(variant)]
pub enum HandleError {
    #[component(name = "retry")]
    Retry(RetryHint),
    #[component(name = "poison")]
    Poison(ItemFailure),
    #[component(name = "fatal")]
    Fatal(Failure),
}

#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub struct Ack {
    pub skipped: Vec<ItemFailure>,
}

/// What is wrong with a value or an event, in the words of a schema extension.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Violation {
    /// A JSON Pointer into what was judged.
    pub path: String,
    /// Machine-readable.
    pub code: String,
    /// For people.
    pub message: String,
}

/// What the generated code asks of an interface without functions: nothing.
pub trait HostWithStore<T>: HasData {}

impl<T, D: HasData> HostWithStore<T> for D {}

/// What the generated code asks of an interface without functions: nothing.
pub trait Host {}

impl<S> Host for S {}

/// Types need no linking.
///
/// # Errors
///
/// Never; the generated code expects a result.
pub fn add_to_linker<T, D>(_linker: &mut Linker<T>, _getter: fn(&mut T) -> D::Data<'_>) -> wasmtime::Result<()>
where
    D: HasData,
    T: 'static,
{
    Ok(())
}
