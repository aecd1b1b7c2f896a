//! Runs a plugin natively, against tables in memory: no daemon, no sandbox, a debugger if wanted.
//!
//! ```
//! # use eventdbx_plugin_sdk::{*, testing::{Draft, Log, Runner}};
//! # use serde_json::json;
//! # const SEEN: Table<String, u64> = Table::new("seen");
//! # struct Counter;
//! # impl ReadModel for Counter {
//! #     type Config = NoConfig;
//! #     fn describe() -> Descriptor { Descriptor::new().table(SEEN).query("seen") }
//! #     fn start(_: NoConfig, _: &StartContext) -> Result<Self, Failure> { Ok(Self) }
//! #     fn handle(&self, event: &Event<'_>, tables: &mut Tables<'_>) -> Result<(), HandleError> {
//! #         tables.update(SEEN, event.event_type(), |n| *n += 1)?;
//! #         Ok(())
//! #     }
//! #     fn query(&self, query: &Query<'_>, tables: &Tables<'_>) -> Result<Answer, QueryError> {
//! #         Answer::new(&tables.scan(SEEN, Keys::all()).collect::<Result<std::collections::BTreeMap<_, _>, _>>()?)
//! #     }
//! # }
//! let mut log = Log::new();
//! log.append(Draft::new("flight", "AA1", "departed").payload(json!({"delay": 4})));
//! let mut runner = Runner::<Counter>::new();
//! runner.deliver(&log);
//! assert_eq!(runner.query("seen", json!({})), Ok(json!({"departed": 1})));
//! ```

mod front;
mod log;
mod memory;
mod outside;
mod runner;

pub use front::{Domain, Front};
pub use log::{Draft, Log};
#[cfg(test)]
pub(crate) use memory::Memory;
pub use outside::{Outside, Sender};
pub use runner::Runner;
use runner::cut;
