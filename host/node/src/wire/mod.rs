//! What crosses the socket: the JSON of requests and answers, as types that both ends share.
//!
//! The server writes them, the command line reads them back, and the OpenAPI document is made from them, so that the three
//! cannot part. Nothing in here is checked beyond its shape: names and numbers become the store's own types in the API.
//! Text that must come through byte for byte (payloads, states, answers of plugins) is carried as raw JSON.

mod aggregate;
mod append;
mod domain;
mod error;
mod event;
mod import;
mod node;
mod publish;
mod query;
mod reference;
mod schema;
mod snapshot;
mod stage;
mod subscription;

pub use aggregate::{AggregateRow, AggregateView, Aggregates, VerifyReport};
pub use append::{AppendEvent, AppendRequest, AppendResponse, EventReceipt, Expect, NoteRequest};
pub use domain::{DomainDetails, DomainState, DomainStatus, Domains, RemoteRequest, RemoteView};
pub use error::{ErrorBody, ErrorCode, Reason, WireError};
pub use event::{Event, EventBodyKind, Events};
pub use import::{ImportDone, ImportLine, ImportProgress, ImportReply};
pub use node::{DomainStats, Health, RunState, StatsResponse, StatusResponse};
pub use publish::{Priority, Publish};
pub use query::QueryRequest;
pub use reference::{ReferenceStatus, Referrer, Referrers, ResolvedReference};
pub use schema::{
    ActivateRequest, BrokenRule, CheckExample, CheckProgress, CheckReply, CheckReport, InferredSchema, ModeRequest,
    ModeView, SchemaChange, SchemaDiff, SchemaFaults, SchemaRow, SchemaSwitch, SchemaVersion, SchemaVersions,
    SchemaView, SchemaViolation, SchemaWritten, Schemas,
};
pub use snapshot::{SnapshotInfo, SnapshotReport, SnapshotView, Snapshots};
pub use stage::{CommitRequest, Dropped, Stage, StageRequest, StagedEvent};
pub use subscription::{
    AckAnswer, AckRequest, NackAnswer, NackRequest, Subscription, SubscriptionDealt, SubscriptionDeliveries,
    SubscriptionDelivery, SubscriptionMember, SubscriptionParked, SubscriptionQueue, SubscriptionRequest,
    Subscriptions,
};

/// Paths into states and payloads, which both ends read by the same rules.
pub use eventdbx_store::{FilterFault, Path};

/// JSON text that is carried as it is.
pub type Raw = Box<serde_json::value::RawValue>;
