//! The EventDBX daemon: who may ask, when things run, how machines talk.
//!
//! One process serves one data directory over a Unix socket that only its owner can open. It owns the [domains]
//! (`eventdbx_store`), feeds their plugins, and answers one HTTP/1.1 + JSON API that its OpenAPI document describes.
//! Nothing listens on a network.
//!
//! | module | what it owns |
//! |---|---|
//! | [`daemon`] | the life of the process: lock, key, domains, plugins, socket; and all of it backwards |
//! | `domains` | the domains of the data directory: opened, made, deleted |
//! | [`data_dir`] | where things lie, who may see them, the lock of the only writer |
//! | [`config`] | `config.toml`: keys, defaults, errors that name what was meant |
//! | [`master_key`] | where the master key comes from |
//! | [`socket`] | the owner's socket: bound safely, served until the daemon stops |
//! | [`grant`] | who asks and what they may; every handler takes a [`Grant`] |
//! | `stage` | events that are put aside until one commit writes them all |
//! | `api` | the routes, one file per resource, and their OpenAPI document |
//! | `schemas` | what schemas mean for what is there: check, infer, change |
//! | [`limits`] | every fixed limit of what an operator says of plugins |
//! | [`plugins`] | the plugins of a domain: installed, fed from the log, asked |
//! | `subscriptions` | programs outside the sandbox that follow the log by name |
//! | `metrics` | numbers of all of it, as Prometheus reads them |
//! | [`wire`] | the JSON of requests and answers, shared with the clients |
//! | [`client`] | a client of the socket, for the command line and for tests |
//! | [`logging`] | what is logged, and where; never a payload, a key or a token |
//!
//! # Example
//!
//! ```no_run
//! use eventdbx_node::{Daemon, KeySource, StartOptions};
//!
//! # fn main() -> Result<(), eventdbx_node::StartError> {
//! let running = Daemon::start(&StartOptions::new("/var/lib/eventdbx"))?;
//! if let KeySource::Generated(path) = running.key_source() {
//!     eprintln!("a new master key lies in {}: keep a copy of it elsewhere", path.display());
//! }
//! running.wait()
//! # }
//! ```
//!
//! [domains]: eventdbx_store::Domain

mod api;
mod append;
pub mod client;
pub mod config;
pub mod daemon;
pub mod data_dir;
mod domains;
pub mod grant;
pub mod limits;
pub mod logging;
pub mod master_key;
mod metrics;
mod node;
mod outbound;
pub mod plugins;
mod private_file;
mod schemas;
pub mod socket;
mod stage;
mod subscriptions;
mod timing;
mod trace;
pub mod wire;

pub use api::openapi_document;
pub use daemon::{Daemon, OTLP_ENDPOINT_VARIABLE, Running, StartError, StartOptions};
pub use data_dir::DataDir;
pub use grant::Grant;
pub use master_key::KeySource;
pub use schemas::schema_faults;
pub use trace::TraceError;
