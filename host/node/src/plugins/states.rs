//! The state of an aggregate right after an event, whichever event it is: folded on the way, once for all plugins.
//!
//! A delivery must carry the state after *its* event, also in a catch-up over years of history. Every pass over the log
//! asks for an aggregate's states in order, so the state before is nearly always at hand: in memory, or put aside in the
//! plugins' database when memory ran out. History is folded anew only where neither has anything.
//!
//! Memory is two generations of aggregates per shard. What is used moves to the young one; when that is full, the old one
//! is put aside as a whole and the young one takes its place. So a state that is evicted can always be found again.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
};

use eventdbx_store::{
    AggregateNumber, Domain, Event, EventQuery, Json, ReadError, State, Version,
    plugindb::{PluginDb, SpilledState},
};

use super::{PluginError, lock};

/// States of one aggregate that are kept, in memory and put aside: one for each pass that is under way, and some more.
const PLACES: usize = 4;
/// Shards, so that workers seldom wait for each other.
const SHARDS: u64 = 8;
/// What a state occupies beside its text, about.
const STATE_OVERHEAD: usize = 160;
/// Rows that are put aside in one batch.
const SPILL_ROWS: usize = 256;

/// Folded states of aggregates.
pub(super) struct States {
    domain: Domain,
    db: PluginDb,
    shards: Vec<Mutex<Shard>>,
    shard_budget: usize,
}

/// States of one aggregate by version.
type Places = BTreeMap<Version, Json>;

#[derive(Default)]
struct Shard {
    young: HashMap<AggregateNumber, Places>,
    old: HashMap<AggregateNumber, Places>,
    young_bytes: usize,
}

/// Why a state is not to be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum StateError {
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error(transparent)]
    Db(#[from] eventdbx_store::plugindb::PluginDbError),
    /// An old event has no shape of today.
    #[error("an old event cannot be delivered in today's shape: {0}")]
    Upcast(#[from] eventdbx_store::schema::ExtensionFailure),
}

impl From<StateError> for PluginError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Upcast(_) => Self::invalid(error.to_string()),
            StateError::Log(_) | StateError::Db(_) => Self::Internal(error.to_string()),
        }
    }
}

impl States {
    pub(super) fn new(domain: Domain, db: PluginDb, budget: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let shard_budget = budget / usize::try_from(SHARDS).unwrap_or(1) / 2;
        Self { domain, db, shards, shard_budget }
    }

    /// The state of the event's aggregate right after it.
    pub(super) fn after(&self, event: &Event) -> Result<Json, StateError> {
        let (number, version) = (event.header.number, event.header.version);
        let index = usize::try_from(number.get() % SHARDS).unwrap_or(0);
        let mut shard = lock(&self.shards[index]);
        let nearest = shard.nearest(number, version);
        if let Some((at, state)) = &nearest
            && *at == version
        {
            return Ok(state.clone());
        }
        let state = self.reach(event, nearest)?;
        shard.keep(number, version, state.clone());
        if shard.young_bytes > self.shard_budget {
            self.put_aside(shard.retire())?;
        }
        Ok(state)
    }

    /// The state after an event, from the nearest one that is known.
    fn reach(&self, event: &Event, nearest: Option<(Version, Json)>) -> Result<Json, StateError> {
        let (number, version) = (event.header.number, event.header.version);
        let before = Version::new(version.get() - 1);
        if before.get() == 0 {
            return Ok(State::default().fold(event)?.to_json());
        }
        let nearest = match nearest {
            Some((at, state)) if at == before => return Ok(State::parse(&state)?.fold(event)?.to_json()),
            other => other,
        };
        if let Some(head) = self.domain.aggregate(&event.header.aggregate)?
            && head.version == version
        {
            return Ok(head.state);
        }
        let aside = self.db.nearest_state(number, before)?;
        let from = nearest.into_iter().chain(aside).max_by_key(|(at, _)| *at);
        Ok(self.walk(event, from)?.fold(event)?.to_json())
    }

    /// Folds an aggregate's history from a known state up to the version before an event's.
    fn walk(&self, event: &Event, from: Option<(Version, Json)>) -> Result<State, StateError> {
        let (mut at, mut state) = match from {
            Some((at, state)) => (at, State::parse(&state)?),
            None => (Version::new(0), State::default()),
        };
        while at.next() < event.header.version {
            let page = self.domain.events(&EventQuery {
                aggregate: Some(event.header.aggregate.clone()),
                from: Some(at.next().get()),
                limit: SPILL_ROWS,
                system: true,
                ..EventQuery::default()
            })?;
            if page.rows.is_empty() {
                let what = format!("{} has no version {}", event.header.aggregate, at.next());
                return Err(ReadError::Damaged(what).into());
            }
            for row in page.rows.iter().take_while(|row| row.header.version < event.header.version) {
                state = state.fold(row)?;
                at = row.header.version;
            }
        }
        Ok(state)
    }

    fn put_aside(&self, evicted: HashMap<AggregateNumber, Places>) -> Result<(), StateError> {
        let rows: Vec<_> = evicted
            .into_iter()
            .flat_map(|(number, places)| {
                places.into_iter().map(move |(version, state)| SpilledState { number, version, state })
            })
            .collect();
        for rows in rows.chunks(SPILL_ROWS) {
            self.db.spill(rows, PLACES)?;
        }
        Ok(())
    }
}

impl Shard {
    /// The latest known state of an aggregate at or below a version. Moves what is known of the aggregate to the young.
    fn nearest(&mut self, number: AggregateNumber, version: Version) -> Option<(Version, Json)> {
        if let Some(places) = self.old.remove(&number) {
            self.young_bytes += places.values().map(weight).sum::<usize>();
            self.young.entry(number).or_default().extend(places);
        }
        let places = self.young.get(&number)?;
        places.range(..=version).next_back().map(|(at, state)| (*at, state.clone()))
    }

    /// Keeps a state. It takes the place of the one just below it, which the same pass left there, once places are short.
    fn keep(&mut self, number: AggregateNumber, version: Version, state: Json) {
        let places = self.young.entry(number).or_default();
        if places.len() >= PLACES {
            let below = places.range(..version).next_back().or_else(|| places.first_key_value());
            if let Some(state) = below.map(|(at, _)| *at).and_then(|at| places.remove(&at)) {
                self.young_bytes -= weight(&state);
            }
        }
        self.young_bytes += weight(&state);
        places.insert(version, state);
    }

    /// Makes the young old, and hands out what was old.
    fn retire(&mut self) -> HashMap<AggregateNumber, Places> {
        self.young_bytes = 0;
        std::mem::replace(&mut self.old, std::mem::take(&mut self.young))
    }
}

fn weight(state: &Json) -> usize {
    state.as_str().len() + STATE_OVERHEAD
}
