//! Queries: one generation, one snapshot, a read-only instance.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use eventdbx_sandbox::{Plugin, QueryOutcome};
use eventdbx_store::{Position, plugindb::Generation};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{PluginError, host::TableHost, installed::Installed, lock, services::Services};

/// How long a query waits for a plugin that is starting.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// What a plugin answered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QueryAnswer {
    /// Position up to which the log is in the answer.
    pub as_of: u64,
    /// The answer, as the plugin gave it.
    #[schema(value_type = Object)]
    pub body: Box<RawValue>,
    /// Cursor of the following page.
    pub next: Option<String>,
    /// Aggregates that are missing from the answer, in part, because they are parked.
    pub parked: u64,
}

/// Why a query was not answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The plugin has no such query.
    #[error("{plugin} has no query {query:?}: {known}")]
    Unknown {
        /// The plugin.
        plugin: String,
        /// What was asked for.
        query: String,
        /// What it does answer, in words.
        known: String,
    },
    /// The parameters do not suit the query.
    #[error("bad parameters: {0}")]
    BadParams(String),
    /// The cursor is of another generation of the tables, which a replay has replaced since.
    #[error("the cursor belongs to tables that a replay has replaced since: ask again from the first page")]
    StaleCursor,
    /// The plugin failed.
    #[error("the query failed: {0}")]
    Failed(String),
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) query: &'a str,
    /// JSON text.
    pub(super) params: &'a str,
    /// Cursor of a page, as an earlier answer gave it.
    pub(super) cursor: Option<&'a str>,
}

/// The plugins of a domain, as whoever asks them sees them: the API, and gateways.
pub(super) struct Queries {
    services: Arc<Services>,
    plugins: Arc<Mutex<BTreeMap<String, Arc<Installed>>>>,
    running: AtomicUsize,
}

impl Queries {
    pub(super) fn new(services: &Arc<Services>, plugins: &Arc<Mutex<BTreeMap<String, Arc<Installed>>>>) -> Self {
        Self { services: Arc::clone(services), plugins: Arc::clone(plugins), running: AtomicUsize::new(0) }
    }

    /// Asks a plugin; with `wait`, once it has reached a position.
    pub(super) fn ask(
        &self,
        name: &str,
        question: Question<'_>,
        wait: Option<(Position, Duration)>,
    ) -> Result<QueryAnswer, PluginError> {
        let installed = lock(&self.plugins).get(name).cloned().ok_or_else(|| PluginError::no_plugin(name))?;
        installed.check_fed()?;
        let (position, timeout) = wait.unwrap_or((Position::default(), START_TIMEOUT));
        installed.reach(position, timeout)?;
        let _running = Asking::enter(&self.running, self.services.limits.queries)?;
        installed.load_if_paused(&self.services)?;
        ask(&self.services, &installed, question)
    }
}

/// A query that runs.
struct Asking<'a>(&'a AtomicUsize);

impl<'a> Asking<'a> {
    fn enter(running: &'a AtomicUsize, most: usize) -> Result<Self, PluginError> {
        let entered = Self(running);
        if running.fetch_add(1, Ordering::AcqRel) < most {
            return Ok(entered);
        }
        Err(PluginError::Busy(format!("{most} queries run already, which is the limit `queries`")))
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Asks the live generation of a plugin, on an instance of its own, over one snapshot.
fn ask(services: &Services, installed: &Installed, question: Question<'_>) -> Result<QueryAnswer, PluginError> {
    let (plugin, generation, snapshot) = installed.answering(services).ok_or_else(|| installed.not_running())?;
    check_name(installed, &plugin, question.query)?;
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(question.params) {
        return Err(QueryError::BadParams(format!("they are not JSON: {error}")).into());
    }
    let cursor = question.cursor.map(|cursor| own_cursor(cursor, generation)).transpose()?;
    let as_of = snapshot.cursor(generation).map_err(internal)?.position;
    let parked = snapshot.parked(generation).map_err(internal)?;
    let host = TableHost { tables: Some(snapshot.tables(generation)), logs: Arc::clone(&installed.logs), link: None };
    let domain = services.domain.name().as_str();
    let config = services.secrets.fill(&installed.record().config).map_err(QueryError::Failed)?;
    let instance = plugin.start_query(Box::new(host), domain, &config, &services.limits.instance);
    let instance = instance.map_err(|stop| QueryError::Failed(stop.to_string()))?;
    let (outcome, usage) = instance.query(question.query, question.params, cursor);
    installed.calls.query(usage);
    match outcome {
        QueryOutcome::Answered(answer) => Ok(QueryAnswer {
            as_of: as_of.get(),
            body: RawValue::from_string(answer.body).map_err(internal)?,
            next: answer.next.map(|next| format!("{generation}:{next}")),
            parked,
        }),
        QueryOutcome::Unknown => Err(unknown(installed, &plugin, question.query)),
        QueryOutcome::BadParams(reason) => Err(QueryError::BadParams(reason).into()),
        QueryOutcome::Failed(failure) => {
            Err(QueryError::Failed(format!("{} ({})", failure.message, failure.code)).into())
        }
        QueryOutcome::Halted(halt) => Err(QueryError::Failed(halt.to_string()).into()),
    }
}

/// What a cursor says to the plugin: it begins with the generation that its page came from.
fn own_cursor(cursor: &str, generation: Generation) -> Result<&str, QueryError> {
    match cursor.split_once(':') {
        Some((number, own)) if number.parse() == Ok(generation.get()) => Ok(own),
        Some((number, _)) if number.parse::<u32>().is_ok() => Err(QueryError::StaleCursor),
        _ => Err(QueryError::BadParams("this is not a cursor that an answer gave".to_owned())),
    }
}

fn check_name(installed: &Installed, plugin: &Plugin, query: &str) -> Result<(), PluginError> {
    let known = plugin.descriptor().queries.iter().any(|known| known.name == query);
    if known { Ok(()) } else { Err(unknown(installed, plugin, query)) }
}

fn unknown(installed: &Installed, plugin: &Plugin, query: &str) -> PluginError {
    let names: Vec<_> = plugin.descriptor().queries.iter().map(|query| query.name.as_str()).collect();
    let known =
        if names.is_empty() { "it answers none".to_owned() } else { format!("it answers {}", names.join(", ")) };
    QueryError::Unknown { plugin: installed.name.clone(), query: query.to_owned(), known }.into()
}

fn internal(error: impl std::fmt::Display) -> PluginError {
    PluginError::Internal(error.to_string())
}
