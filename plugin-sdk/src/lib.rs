//! Write an EventDBX plugin in Rust.
//!
//! A plugin is a WebAssembly component that EventDBX loads while it runs, and that can do only what it was granted. Of the
//! kinds of plugins this crate covers *read models*, which take events and keep tables, from which they answer queries,
//! and *transports*, which send events to somewhere else; schema extensions are in [`extension`], payload modes in [`shape`],
//! gateways, which answer HTTP requests, in [`gateway`]. A read model takes one trait ([`ReadModel`]), one macro
//! ([`export_read_model!`]) and [tables](Table) with typed keys and values; a transport takes [`Transport`],
//! [`export_transport!`] and a [`Network`]. [`testing`] runs it all natively, with no daemon. docs/PLUGINS.md leads from
//! the first line to the installed plugin.
//!
//! What a plugin does *not* have: a clock, randomness, files, threads, and any network beyond what was granted. The same events make the same tables.
//!
//! ```
//! use eventdbx_plugin_sdk::*;
//!
//! const DELAYS: Table<String, i64> = Table::new("delays");
//!
//! struct Delays;
//!
//! impl ReadModel for Delays {
//!     type Config = NoConfig;
//!
//!     fn describe() -> Descriptor {
//!         Descriptor::new().event_types(["flight_arrived"]).state().table(DELAYS).query("delay")
//!     }
//!
//!     fn start(_: NoConfig, _: &StartContext) -> Result<Self, Failure> {
//!         Ok(Self)
//!     }
//!
//!     fn handle(&self, event: &Event<'_>, tables: &mut Tables<'_>) -> Result<(), HandleError> {
//!         #[derive(serde::Deserialize)]
//!         struct Flight<'a> {
//!             carrier: &'a str,
//!             delay_minutes: i64,
//!         }
//!         let flight: Flight<'_> = event.state()?;
//!         tables.update(DELAYS, flight.carrier, |minutes| *minutes += flight.delay_minutes)?;
//!         Ok(())
//!     }
//!
//!     fn query(&self, query: &Query<'_>, tables: &Tables<'_>) -> Result<Answer, QueryError> {
//!         match query.name() {
//!             "delay" => Answer::new(&tables.get(DELAYS, &query.params::<String>()?)?),
//!             _ => Err(QueryError::UnknownQuery),
//!         }
//!     }
//! }
//!
//! export_read_model!(Delays);
//! # fn main() {}
//! ```

#[doc(hidden)]
pub mod bindings;
mod deliver;
mod descriptor;
mod error;
mod event;
#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub mod exports;
pub mod extension;
pub mod gateway;
#[doc(hidden)]
pub mod guest;
pub mod host;
#[cfg(target_arch = "wasm32")]
mod meta;
mod model;
mod network;
mod query;
mod record;
pub mod shape;
mod table;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod transport;
#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub mod transport_exports;

pub use descriptor::{Descriptor, QueryDeclaration};
pub use error::{Failure, HandleError};
pub use event::{Event, EventError, Mode};
#[doc(hidden)]
pub use eventdbx_plugin_bindings_transport as transport_bindings;
pub use guest::API_VERSION;
pub use model::{NoConfig, ReadModel, StartContext, StartReason};
pub use network::{Connection, Network, OutboundError, Request, Response};
pub use query::{Answer, Query, QueryError};
pub use table::{Keys, Rows, Table, TableError, TableKey, Tables};
pub use transport::{ExportedTransport, Transport};
