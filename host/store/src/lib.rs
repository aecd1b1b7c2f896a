//! The log of EventDBX: what was acknowledged is durable, ordered, provable and readable.
//!
//! A [`Domain`] is one isolated log on the fjall LSM store, in a directory of its own. Events are appended to *aggregates*
//! (type and id), get the next *version* there and the next *position* in the domain, are hashed into two Merkle trees and
//! sealed before they touch the disk. `docs/FORMAT.md` specifies every byte.
//!
//! The stages of a write are types whose fields are private, so that no step can be skipped:
//! [`Draft`] (what a client sent) → [`Checked`] (sizes, names, JSON; commitments and ciphertext made, on the caller's
//! thread) → a bounded queue → one committer → [`Receipt`].
//!
//! This crate has no async runtime, no socket, no wasmtime and no clock of its own: time comes in through
//! [`OpenOptions::clock`].
//!
//! # Example
//!
//! ```
//! use eventdbx_store::{Domain, Draft, MasterKey, NewEvent, OpenOptions, system_clock};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = tempfile::tempdir()?;
//! let master = MasterKey::generate();
//! let domain = Domain::open(dir.path(), "default".parse()?, &master, OpenOptions::new(system_clock()))?;
//!
//! let event = NewEvent::new("order", "o-1", "order_placed", r#"{"total":"12.50"}"#);
//! let receipt = domain.append(Draft::one(event, "alice"))?;
//! assert_eq!(receipt.events[0].version.get(), 1);
//!
//! let order = domain.aggregate(&"order/o-1".parse()?)?.expect("just written");
//! assert_eq!(order.state.as_str(), r#"{"total":"12.50"}"#);
//! # Ok(())
//! # }
//! ```

mod anchor;
mod book;
mod destroy;
mod digest;
mod domain;
mod draft;
mod error;
mod event;
mod files;
mod filter;
mod history;
mod journal;
mod json;
mod keys;
pub mod limits;
mod links;
mod members;
mod merkle;
mod names;
mod open;
pub mod plugindb;
mod read;
mod receipt;
mod recipients;
mod remote;
mod rows;
pub mod schema;
mod seal;
mod snapshot;
mod stage;
mod state;
mod unseal;
mod verify;
mod write;

pub use book::{Mode, ModeError, SchemaBook, StoredSchema};
pub use domain::{
    COMMIT_BOUNDS, Clock, Committed, Domain, Head, OpenOptions, Stats, SubmitError, Unsettled, system_clock,
};
pub use draft::{BodyKind, Draft, Expected, NewEvent, NewRecipient};
pub use error::{OpenError, ReadError};
pub use event::{Body, Event, EventKind, Header};
pub use filter::{
    ClearFields, Datum, Document, Field, Filter, FilterFault, Instant, Needs, Path, Row, Sort, SortKey, Subject,
};
pub use json::{Json, JsonFault, Shape, canonical_json};
pub use links::Referrer;
pub use members::MemberProof;
pub use merkle::CompactRange;
pub use names::{
    AggregateId, AggregateNumber, AggregateRef, AggregateType, Digest, DomainName, EventId, EventType, Micros,
    NameError, PayloadModeName, Position, RecipientName, Version,
};
pub use read::{Aggregate, AggregatePlace, AggregateQuery, AggregateRow, EventQuery, Page, SealedEvent};
pub use receipt::{AppendError, Durability, EventReceipt, Reason, Receipt};
pub use recipients::{Priority, Recipient, Recipients};
pub use schema::{Schema, SchemaDocument, SchemaFault, Violation};
pub use seal::{Cipher, MasterKey, MasterKeyError};
pub use snapshot::{Snapshot, SnapshotInfo};
pub use state::State;
pub use unseal::Unsealer;
pub use verify::VerifyReport;
pub use write::{Checked, Lane, Reply};
