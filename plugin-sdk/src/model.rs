//! The trait that a read model is.

use serde::{Deserialize, de::DeserializeOwned};

use crate::{Answer, Descriptor, Event, Failure, HandleError, Query, QueryError, Tables};

/// A read model: makes tables out of events, and answers out of tables.
///
/// The host commits what [`handle`](ReadModel::handle) writes together with the place in the log that it has reached. So
/// every event counts exactly once, whatever crashes when. This holds for tables and for nothing else, which is why the
/// methods take `&self`: an instance keeps its configuration, and never what it has counted.
pub trait ReadModel: Sized + 'static {
    /// The operator's configuration; [`NoConfig`] if there is none.
    type Config: DeserializeOwned;

    /// To be raised when stored tables can no longer be read: the host then rebuilds them from the log.
    const STATE_VERSION: u32 = 1;

    /// What the model wants to see, and what it offers. Constant.
    fn describe() -> Descriptor;

    /// Makes an instance that works. Instances come and go.
    ///
    /// # Errors
    /// When the configuration makes no sense, beyond what its JSON Schema can say.
    fn start(config: Self::Config, context: &StartContext) -> Result<Self, Failure>;

    /// Takes one event into the tables.
    ///
    /// # Errors
    /// See [`HandleError`] for what each of them makes the host do.
    fn handle(&self, event: &Event<'_>, tables: &mut Tables<'_>) -> Result<(), HandleError>;

    /// Answers a query. Everything in one answer is from one snapshot.
    ///
    /// # Errors
    /// [`QueryError::UnknownQuery`] for a name that was not declared.
    fn query(&self, query: &Query<'_>, tables: &Tables<'_>) -> Result<Answer, QueryError> {
        let (_, _) = (query, tables);
        Err(QueryError::UnknownQuery)
    }
}

/// The configuration of a plugin that takes none: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// Where and why an instance starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartContext {
    /// The domain whose events it will see.
    pub domain: String,
    /// Why it starts.
    pub reason: StartReason,
}

/// Why an instance starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartReason {
    /// Freshly installed.
    FirstStart,
    /// It has run before.
    Restart,
    /// It has run before, in this version.
    UpgradedFrom(String),
    /// Its tables are being made anew.
    Rebuild,
    /// Only to answer queries.
    Query,
}
