//! An installed plugin, as everybody but its worker sees it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use eventdbx_sandbox::{Kind, Plugin};
use eventdbx_store::{
    Clock, Micros, Position,
    plugindb::{Cursor, Generation, PluginDbError, Snapshot},
};

use super::{
    KeptStatus, PayloadMode, PluginError, PluginState, PluginStatus, RebuildStatus,
    calls::Calls,
    gateway::{Gateway, Requests},
    lock,
    logs::Logs,
    record::Record,
    services::Services,
    track::{Program, Track},
    worker::Handle,
};
use crate::outbound::Targets;

/// An installed plugin.
pub(super) struct Installed {
    pub(super) name: String,
    pub(super) logs: Arc<Logs>,
    pub(super) calls: Arc<Calls>,
    /// What it may reach, if it is a transport.
    pub(super) targets: Arc<Targets>,
    /// Whoever reads tables takes its snapshot under this lock, so that it is never one from before a flip with the
    /// generation from after.
    record: Mutex<Record>,
    board: Mutex<Board>,
    /// The board changed.
    changed: Condvar,
    /// None until the worker has loaded it.
    plugin: Mutex<Option<Plugin>>,
    pub(super) worker: Mutex<Option<Handle>>,
    /// What answers requests, if it is a gateway that runs.
    pub(super) gateway: Mutex<Option<Gateway>>,
    /// What became of its requests, if it is a gateway.
    pub(super) requests: Arc<Requests>,
}

/// How the worker stands, as it told last.
#[derive(Debug, Clone)]
pub(super) struct Board {
    pub(super) state: PluginState,
    reason: Option<String>,
    pub(super) generation: Generation,
    pub(super) cursor: Cursor,
    parked: u64,
    attempt: u32,
    last_error: Option<String>,
    metrics: BTreeMap<String, f64>,
    rebuild: Option<(Generation, PayloadMode, Position, Option<String>)>,
}

impl Installed {
    pub(super) fn new(name: &str, record: Record, cursor: Cursor, clock: Clock, log_lines: usize) -> Self {
        let state = match (record.enabled, record.life.paused) {
            (false, _) => PluginState::Disabled,
            (true, true) => PluginState::Paused,
            (true, false) => PluginState::Starting,
        };
        let board = Board {
            state,
            reason: None,
            generation: record.generation,
            cursor,
            parked: 0,
            attempt: 1,
            last_error: None,
            metrics: BTreeMap::new(),
            rebuild: None,
        };
        Self {
            name: name.to_owned(),
            logs: Arc::new(Logs::new(clock, log_lines)),
            calls: Arc::default(),
            // They were checked when they were granted.
            targets: Arc::new(Targets::new(&record.targets).unwrap_or_default()),
            record: Mutex::new(record),
            board: Mutex::new(board),
            changed: Condvar::new(),
            plugin: Mutex::default(),
            worker: Mutex::default(),
            gateway: Mutex::default(),
            requests: Arc::default(),
        }
    }

    /// Whether it is of a kind.
    pub(super) fn is(&self, kind: Kind) -> bool {
        lock(&self.record).kind == kind.as_str()
    }

    pub(super) fn record(&self) -> Record {
        lock(&self.record).clone()
    }

    /// Gives it code that is loaded already, if it is of a kind that keeps it.
    pub(super) fn start_with(&self, plugin: Plugin) {
        if !self.is(Kind::SchemaExtension) && !self.is(Kind::PayloadMode) {
            *lock(&self.plugin) = Some(plugin);
        }
    }

    /// The plugin's code, once its worker has loaded it.
    pub(super) fn plugin(&self) -> Option<Plugin> {
        lock(&self.plugin).clone()
    }

    /// What answers queries: code, generation, and the database at this moment. None: the code is not loaded.
    pub(super) fn answering(&self, services: &Services) -> Option<(Plugin, Generation, Snapshot)> {
        let record = lock(&self.record);
        Some((self.plugin()?, record.generation, services.db.snapshot()))
    }

    /// Loads the code of a plugin that has no worker to do so, for queries.
    pub(super) fn load_if_paused(&self, services: &Services) -> Result<(), PluginError> {
        let record = self.record();
        if record.life.paused && self.plugin().is_none() {
            *lock(&self.plugin) = Some(services.load(&record.component)?);
        }
        Ok(())
    }

    /// Changes the record, and dooms generations that it no longer names.
    pub(super) fn change(
        &self,
        services: &Services,
        change: impl FnOnce(&mut Record),
        doomed: &[Generation],
    ) -> Result<(), PluginDbError> {
        self.change_code(services, None, change, doomed)
    }

    /// The same; with `code`, queries are answered by that code as soon as the change is made.
    pub(super) fn change_code(
        &self,
        services: &Services,
        code: Option<Plugin>,
        change: impl FnOnce(&mut Record),
        doomed: &[Generation],
    ) -> Result<(), PluginDbError> {
        let mut record = lock(&self.record);
        let mut changed = record.clone();
        change(&mut changed);
        services.db.save_plugin(&self.name, &changed.encode(), doomed)?;
        *record = changed;
        if code.is_some() {
            *lock(&self.plugin) = code;
        }
        drop(record);
        services.keeper.sweep();
        Ok(())
    }

    /// Whether it takes deliveries; the error says why what was asked for makes no sense otherwise.
    pub(super) fn check_fed(&self) -> Result<(), PluginError> {
        let Some(kind) = lock(&self.record).takes_none() else { return Ok(()) };
        let (name, article) = (&self.name, kind.article());
        Err(PluginError::invalid(format!("{name} is {article}: it takes no deliveries and answers no queries")))
    }

    /// Loads the component of a gateway.
    pub(super) fn load(&self, services: &Services) -> Result<Plugin, PluginError> {
        let plugin = self.code(services, &self.record())?;
        *lock(&self.plugin) = Some(plugin.clone());
        Ok(plugin)
    }

    /// Whoever exchanged the code has loaded it: the plugin pauses no longer than it must.
    fn code(&self, services: &Services, record: &Record) -> Result<Plugin, PluginError> {
        let loaded = self.plugin().filter(|plugin| plugin.hash().to_string() == record.component);
        loaded.map_or_else(|| services.load(&record.component), Ok)
    }

    /// Loads the component and compiles the selector.
    pub(super) fn program(&self, services: &Services) -> Result<Program, String> {
        let record = self.record();
        let plugin = self.code(services, &record).map_err(|error| error.to_string())?;
        let program = self.program_of(services, &record, plugin.clone(), record.life.upgraded_from.clone())?;
        *lock(&self.plugin) = Some(plugin);
        Ok(program)
    }

    /// The component that an upgrade builds tables for, if one is on its way.
    pub(super) fn upgrade(&self, services: &Services) -> Result<Option<(Plugin, Program)>, String> {
        let record = self.record();
        let Some(code) = &record.life.upgrade else { return Ok(None) };
        let plugin = services.load(&code.component).map_err(|error| error.to_string())?;
        let program = self.program_of(services, &record, plugin.clone(), Some(record.version.clone()))?;
        Ok(Some((plugin, program)))
    }

    fn program_of(
        &self,
        services: &Services,
        record: &Record,
        plugin: Plugin,
        upgraded_from: Option<String>,
    ) -> Result<Program, String> {
        let selector = record.selector(plugin.descriptor(), &services.modes.current());
        let selector = selector.map_err(|faults| faults.join("; "))?.named(&self.name);
        Ok(Program {
            name: self.name.clone(),
            kind: plugin.descriptor().kind,
            guest: Box::new(plugin),
            selector,
            config: services.secrets.fill(&record.config)?,
            logs: Arc::clone(&self.logs),
            calls: Arc::clone(&self.calls),
            upgraded_from,
            targets: Arc::clone(&self.targets),
        })
    }

    pub(super) fn starting(&self) {
        self.tell(|board| (board.state, board.reason) = (PluginState::Starting, None));
    }

    pub(super) fn disabled(&self) {
        self.tell(|board| (board.state, board.reason) = (PluginState::Disabled, None));
    }

    pub(super) fn paused(&self) {
        self.tell(|board| (board.state, board.reason) = (PluginState::Paused, None));
    }

    /// It answers whenever it is asked.
    pub(super) fn serving(&self) {
        self.tell(|board| (board.state, board.reason) = (PluginState::Live, None));
    }

    pub(super) fn stopped(&self, reason: String) {
        self.tell(|board| {
            board.state = PluginState::Stopped;
            board.last_error = Some(reason.clone());
            board.reason = Some(reason);
        });
    }

    /// Takes over how the worker stands.
    pub(super) fn publish(&self, live: &Track, rebuild: Option<&Track>) {
        self.tell(|board| {
            let retrying = live.is_retrying();
            board.state = match &live.stopped {
                Some(_) => PluginState::Stopped,
                None if retrying => PluginState::Retrying,
                None if live.caught_up => PluginState::Live,
                None => PluginState::CatchingUp,
            };
            let trouble = if retrying { live.last_error.as_ref() } else { None };
            board.reason = live.stopped.as_ref().or(trouble).cloned();
            (board.generation, board.cursor) = (live.generation, live.cursor);
            board.parked = live.parked.len() as u64;
            board.attempt = live.attempt();
            board.last_error.clone_from(&live.last_error);
            board.metrics.clone_from(&live.metrics);
            board.rebuild = rebuild.map(|track| {
                let reason = track.stopped.clone().or_else(|| track.last_error.clone());
                (track.generation, track.mode, track.cursor.position, reason)
            });
        });
    }

    fn tell(&self, change: impl FnOnce(&mut Board)) {
        change(&mut lock(&self.board));
        self.changed.notify_all();
    }

    /// Waits until the plugin has started and its live generation has reached a position.
    pub(super) fn reach(&self, wanted: Position, timeout: Duration) -> Result<(), PluginError> {
        let standing = [PluginState::Stopped, PluginState::Disabled, PluginState::Paused];
        let stands = |board: &Board| standing.contains(&board.state);
        let started = |board: &Board| board.state != PluginState::Starting;
        match self.until(timeout, |board| started(board) && board.cursor.position >= wanted || stands(board)) {
            Ok(board) if board.cursor.position >= wanted => Ok(()),
            Ok(board) => Err(self.stands_still(&board)),
            Err(board) if !started(&board) => Err(self.not_running()),
            Err(board) => {
                let (name, cursor) = (self.name.clone(), board.cursor.position.get());
                Err(PluginError::WaitTimeout { name, cursor, wanted: wanted.get() })
            }
        }
    }

    /// Waits until the board is as `wanted`; an error: it was not, in time.
    pub(super) fn until(&self, timeout: Duration, wanted: impl Fn(&Board) -> bool) -> Result<Board, Box<Board>> {
        let deadline = Instant::now() + timeout;
        let mut board = lock(&self.board);
        while !wanted(&board) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Box::new(board.clone()));
            }
            board = self.changed.wait_timeout(board, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(board.clone())
    }

    /// Why a request cannot be carried out now.
    pub(super) fn not_running(&self) -> PluginError {
        let board = lock(&self.board);
        match board.state {
            PluginState::Starting => PluginError::Busy(format!("{} is starting", self.name)),
            _ => self.stands_still(&board),
        }
    }

    fn stands_still(&self, board: &Board) -> PluginError {
        let reason = match (board.state, &board.reason) {
            (PluginState::Disabled, _) => "it is disabled: enable it first".to_owned(),
            (PluginState::Paused, _) => "it is paused: resume it first".to_owned(),
            (_, Some(reason)) => reason.clone(),
            (_, None) => "it is being stopped".to_owned(),
        };
        PluginError::Stopped { name: self.name.clone(), reason }
    }

    /// How it stands. `unseen` is when the first event that it has not seen was committed.
    pub(super) fn status(
        &self,
        head: Position,
        unseen: impl FnOnce(Position) -> Option<Micros>,
        now: Micros,
    ) -> PluginStatus {
        let record = self.record();
        let board = lock(&self.board).clone();
        let (cursor, counters) = (board.cursor.position, board.cursor.counters);
        // What takes no deliveries misses none.
        let kind = Kind::named(&record.kind);
        let cursor = if record.takes_none().is_some() { head } else { cursor };
        let gateway = (kind == Some(Kind::Gateway)).then(|| self.requests.status(&record.grants));
        let lag = head.get().saturating_sub(cursor.get());
        let since = if lag > 0 { unseen(cursor.next()) } else { None };
        PluginStatus {
            name: self.name.clone(),
            version: record.version,
            kind: record.kind,
            component: record.component,
            enabled: record.enabled,
            state: board.state,
            reason: board.reason,
            payload_mode: record.payload_mode,
            priority: record.priority,
            aggregates: record.aggregates,
            events: record.events,
            emit: record.selection.is_fed(),
            filter: record.selection.filter,
            fields: record.selection.fields,
            max_mode: record.selection.max_mode,
            signer: record.life.signer,
            kept: record.life.kept.into_iter().map(KeptStatus::from).collect(),
            generation: board.generation.get(),
            cursor: cursor.get(),
            head: head.get(),
            lag_events: lag,
            lag_ms: since.map_or(0, |since| now.get().saturating_sub(since.get()) / 1000),
            parked: board.parked,
            attempt: board.attempt,
            batches: counters.batches,
            deliveries: counters.deliveries,
            skipped: counters.skipped,
            left_out: counters.left_out,
            retries: counters.retries,
            traps: counters.traps + self.requests.traps(),
            cpu_ms: counters.cpu_micros / 1000 + self.requests.cpu_ms(),
            table_bytes: counters.table_bytes,
            last_error: board.last_error,
            metrics: if gateway.is_some() { self.requests.metrics() } else { board.metrics },
            gateway,
            calls: self.calls.read(),
            targets: self.targets.status(Instant::now()),
            extension: None,
            rebuild: board.rebuild.map(|(generation, payload_mode, cursor, reason)| RebuildStatus {
                generation: generation.get(),
                cursor: cursor.get(),
                head: head.get(),
                payload_mode,
                version: record.life.upgrade.map(|code| code.version),
                reason,
            }),
            drop_in: None,
        }
    }
}
