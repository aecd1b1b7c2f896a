//! Runs WebAssembly plugins: foreign code can do only what was granted, for only so long.
//!
//! A plugin is a component of the contract in `wit/plugin.wit`. It reaches nothing by itself: no file, no socket, no clock,
//! no randomness. What it may read and log goes through one trait, [`Host`], that the owner of the sandbox implements; what
//! it writes stays here until its call has succeeded and is then handed out as one value, [`Writes`].
//!
//! ```text
//! bytes → Sandbox::load → Plugin → start → Instance → handle(batch) → Call { outcome, usage, instance? }
//!                                ├ start_query → QueryInstance → query → QueryOutcome
//!                                └ start_gateway → GatewayInstance → serve(request) → Served
//! ```
//!
//! Everything has a limit ([`Limits`]), and how a call can end is a closed enum ([`Outcome`]): a plugin that loops,
//! allocates, crashes or lies costs a bounded amount and says which limit it broke.
//!
//! This crate knows wasmtime. It knows no store, no key, no token and no async runtime: a call blocks its thread.

mod cache;
mod call;
mod component;
mod contract;
mod descriptor;
pub mod gateway;
mod guest;
mod halt;
mod host;
mod http;
mod imports;
mod inspect;
mod inspection;
mod instance;
mod kind;
pub mod limits;
mod load_error;
mod logs;
mod memory;
mod metrics;
mod network;
mod outbound;
mod outcome;
mod plugin;
mod pure;
mod query;
mod sandbox;
mod scan;
mod text;
mod ticker;
mod wire;
mod writes;

pub use component::{ComponentHash, NotAHash};
pub use contract::{API_VERSION, Mismatch};
pub use descriptor::{Descriptor, Fields, Parts, Query, Selector, Table};
pub use gateway::{GatewayInstance, GatewayRequest, GatewayResponse, Served};
pub use host::{Host, HostError, KeyRange, Level, ScanPage};
pub use inspect::ApiVersion;
pub use inspection::{Inspection, Sizes, inspect};
pub use instance::{Call, Instance};
pub use kind::Kind;
pub use limits::{Limit, Limits};
pub use load_error::{LoadError, SandboxError};
pub use metrics::Metrics;
pub use outbound::{Connection, Exchange, HttpRequest, HttpResponse, Outbound, OutboundError};
pub use outcome::{Answer, Halt, Handled, Lie, Outcome, QueryOutcome, Stop, Trap, TrapKind, Usage};
pub use plugin::{Plugin, StartContext, StartReason};
pub use pure::{
    ColumnType, Extension, ProposedEvent, PureError, PureStart, Replacement, RuleDeclaration, Shaped, Shaper,
    TypeDeclaration, TypedValue, Verdict, Violation,
};
pub use query::QueryInstance;
pub use sandbox::{Sandbox, SandboxOptions};
pub use wire::types::{Batch, Delivery, DeliveryMode, Envelope, Failure, ItemFailure, SchemaDocument};
pub use writes::{TableWrites, Writes};
