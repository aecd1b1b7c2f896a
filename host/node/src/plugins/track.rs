//! One generation on its way through the log: cut a batch, hand it over, act on what came of it ([`settle`](super::settle)),
//! and commit that together with the cursor ([`commit`](super::commit)).

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Instant,
};

use eventdbx_sandbox::{Batch, DeliveryMode, Handled, Kind, Level, Outcome, StartContext, StartReason, Stop, Usage};
use eventdbx_store::{
    AggregateNumber, CompactRange, Digest, Position, ReadError,
    plugindb::{Cursor, Generation, PluginDbError},
};

use super::{
    PayloadMode,
    ahead::Ahead,
    calls::Calls,
    cut::{Cut, CutError, Cutter, Extent},
    guest::{Guest, Running},
    host::TableHost,
    jobs::Errand,
    logs::Logs,
    parking::ParkedRow,
    priority,
    selector::Selector,
    services::Services,
    settle::outcome_word,
    shaping::ModeFault,
    states::StateError,
    trouble::Trouble,
};
use crate::{
    outbound::{Link, Targets},
    trace::Span,
};

/// What a plugin is, to each of its tracks.
pub(super) struct Program {
    /// The name that it is installed under.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) guest: Box<dyn Guest>,
    pub(super) selector: Selector,
    /// Configuration, a JSON object.
    pub(super) config: String,
    pub(super) logs: Arc<Logs>,
    pub(super) calls: Arc<Calls>,
    /// The version that ran before, if there was one.
    pub(super) upgraded_from: Option<String>,
    /// What it may reach, if it is a transport.
    pub(super) targets: Arc<Targets>,
}

/// Which way a generation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It answers queries.
    Live,
    /// It is being built to take the live one's place.
    Rebuild,
}

/// One generation on its way through the log.
pub(super) struct Track {
    pub(super) services: Arc<Services>,
    pub(super) program: Arc<Program>,
    pub(super) generation: Generation,
    pub(super) purpose: Purpose,
    pub(super) mode: PayloadMode,
    pub(super) cursor: Cursor,
    /// The domain's tree up to the cursor.
    pub(super) tree: CompactRange,
    pub(super) parked: HashMap<AggregateNumber, ParkedRow>,
    /// What it was sent before its turn, if it is a transport.
    pub(super) ahead: Ahead,
    /// It has seen the end of the log.
    pub(super) caught_up: bool,
    pub(super) stopped: Option<String>,
    pub(super) last_error: Option<String>,
    pub(super) metrics: BTreeMap<String, f64>,
    pub(super) trouble: Trouble,
    /// What it does differently because it runs for a job.
    pub(super) errand: Option<Errand>,
    pub(super) instance: Option<Box<dyn Running>>,
}

/// How far a commit brings a generation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) end: Position,
    /// Root of the domain's tree there.
    pub(super) root: Digest,
    /// Items that were handed over.
    pub(super) items: usize,
    /// Items that were not, because their aggregate is parked.
    pub(super) left_out: u64,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There is nothing to do until something is committed.
    Idle,
    /// There may be more to do at once.
    Moved,
    /// There is something to do, but not before then.
    Wait(Instant),
    /// It stands still, for the reason in `stopped`.
    Stopped,
}

/// What the host itself, or the component of a payload mode, failed at. No plugin that takes deliveries is to blame.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error(transparent)]
    Db(#[from] PluginDbError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Mode(#[from] ModeFault),
    #[error("a row of the queue does not read: {0}")]
    Row(#[from] serde_json::Error),
    #[error("a row of what was sent ahead does not read")]
    Ahead,
    #[error("the component of an upgrade cannot start: {0}")]
    Upgrade(String),
}

impl From<CutError> for Fault {
    fn from(error: CutError) -> Self {
        match error {
            CutError::Rows(error) => Self::State(error),
            CutError::Mode(fault) => Self::Mode(fault),
        }
    }
}

/// A cursor that does not belong to this log.
#[derive(Debug, thiserror::Error)]
#[error("its tables were built from another log, or from one that went further: {0}")]
pub(super) struct OtherLog(String);

/// What a delivered batch came to.
pub(super) struct Delivered {
    pub(super) outcome: Outcome<Handled>,
    pub(super) instance: Option<Box<dyn Running>>,
}

impl Track {
    /// Takes a generation up where it was left.
    pub(super) fn open(
        services: Arc<Services>,
        program: Arc<Program>,
        generation: Generation,
        purpose: Purpose,
        mode: PayloadMode,
    ) -> Result<Result<Self, OtherLog>, Fault> {
        let cursor = services.db.cursor(generation)?.unwrap_or_default();
        let tree = match tree_at(&services, &cursor) {
            Ok(tree) => tree,
            Err(other) => return Ok(Err(other)),
        };
        let sends = program.kind == Kind::Transport;
        let ahead = if sends { Ahead::open(&services.db, generation)? } else { Ahead::default() };
        let parked = services.db.parked(generation)?;
        let parked = parked.into_iter().map(|(number, row)| ParkedRow::decode(&row).map(|row| (number, row)));
        Ok(Ok(Self {
            parked: parked.collect::<Result<_, _>>()?,
            services,
            program,
            generation,
            purpose,
            mode,
            cursor,
            tree,
            ahead,
            caught_up: false,
            stopped: None,
            last_error: None,
            metrics: BTreeMap::new(),
            trouble: Trouble::default(),
            errand: None,
            instance: None,
        }))
    }

    /// Does one thing: delivers a batch and commits it, or deals with its failure.
    pub(super) fn step(&mut self) -> Step {
        if self.stopped.is_some() {
            return Step::Stopped;
        }
        if let Some(time) = self.trouble.not_before() {
            if Instant::now() < time {
                return Step::Wait(time);
            }
            self.end_pause();
        }
        let head = self.services.feed.head();
        if self.cursor.position >= self.end(head) {
            self.caught_up = true;
            return Step::Idle;
        }
        match self.advance(head) {
            Ok(()) => self.standing(),
            Err(fault @ Fault::State(StateError::Upcast(_))) => {
                self.note(Level::Error, &fault.to_string());
                self.trouble.waits(Instant::now());
                self.standing()
            }
            Err(fault) => self.broke(&fault.to_string()),
        }
    }

    /// How far it may go.
    fn end(&self, head: Position) -> Position {
        self.errand.as_ref().map_or(head, |errand| errand.end.min(head))
    }

    /// Goes on at once.
    pub(super) fn end_pause(&mut self) {
        self.trouble.end_pause();
    }

    /// Number of the next try of the batch that is due.
    pub(super) fn attempt(&self) -> u32 {
        self.trouble.attempt()
    }

    /// Waiting for a pause to end.
    pub(super) fn is_retrying(&self) -> bool {
        self.trouble.not_before().is_some()
    }

    fn standing(&self) -> Step {
        match (&self.stopped, self.trouble.not_before()) {
            (Some(_), _) => Step::Stopped,
            (None, Some(time)) => Step::Wait(time),
            (None, None) => Step::Moved,
        }
    }

    fn advance(&mut self, head: Position) -> Result<(), Fault> {
        if self.send_ahead(head)? {
            return Ok(());
        }
        let cut = self.cut(head)?;
        if cut.items.is_empty() {
            return self.commit(cut, Handled::default());
        }
        match self.deliver(&cut, head) {
            Ok(delivered) => self.settle(cut, delivered),
            Err(stop) => {
                self.did_not_start(&stop);
                Ok(())
            }
        }
    }

    /// Cuts the next batch.
    pub(super) fn cut(&self, head: Position) -> Result<Cut, Fault> {
        let limits = &self.services.limits;
        let extent = Extent {
            from: self.cursor.position.next(),
            to: self.trouble.end(self.end(head)),
            items: self
                .trouble
                .items(self.errand.as_ref().map_or(usize::MAX, |errand| errand.items).min(limits.batch_items)),
            bytes: limits.batch_bytes,
        };
        Ok(self.cutter().cut(extent, &self.tree)?)
    }

    pub(super) fn cutter(&self) -> Cutter<'_> {
        let span = self.errand.as_ref().map(|errand| &errand.span);
        Cutter::new(&self.services, &self.program.selector, &self.parked, self.mode).within(span).behind(&self.ahead)
    }

    /// Hands a batch to the plugin. Nothing is committed.
    pub(super) fn deliver(&mut self, cut: &Cut, head: Position) -> Result<Delivered, Stop> {
        let instance = match self.instance.take() {
            Some(instance) => instance,
            None => self.start()?,
        };
        let mode = match (&self.errand, self.purpose) {
            (Some(errand), _) => errand.mode,
            (None, Purpose::Rebuild) => DeliveryMode::Replay,
            (None, Purpose::Live) if self.caught_up => DeliveryMode::Live,
            (None, Purpose::Live) => DeliveryMode::CatchUp,
        };
        let span = self.span(cut);
        let entered = span.enter();
        let (outcome, usage, instance) = cut.lend(&self.services.domain.schemas(), |schemas, items| {
            instance.handle(&Batch {
                domain: self.services.domain.name().as_str(),
                mode,
                payload_mode: self.mode.as_str(),
                attempt: self.trouble.attempt(),
                head_position: head.get(),
                schemas,
                items,
            })
        });
        drop(entered);
        let word = outcome_word(&outcome);
        span.text("eventdbx.outcome", word);
        if matches!(outcome, Outcome::Halted(_) | Outcome::Fatal(_)) {
            span.failed(word);
        }
        self.count(usage);
        Ok(Delivered { outcome, instance })
    }

    /// The span of a batch.
    fn span(&self, cut: &Cut) -> Span {
        let span = self.services.tracer.span("batch");
        span.text("eventdbx.domain", self.services.domain.name().as_str());
        span.text("eventdbx.plugin", &self.program.name);
        span.number("eventdbx.items", cut.items.len() as u64);
        span.number("eventdbx.attempt", self.trouble.attempt().into());
        span
    }

    fn start(&self) -> Result<Box<dyn Running>, Stop> {
        let (generation, _) = self.written();
        let tables = Some(self.services.db.tables(generation));
        let link = self.sends().then(|| Link(Arc::clone(&self.program.targets)));
        let host = TableHost { tables, logs: Arc::clone(&self.program.logs), link };
        let reason = match self.purpose {
            Purpose::Rebuild => StartReason::Rebuild,
            Purpose::Live if self.cursor.position.get() == 0 && self.errand.is_none() => StartReason::FirstStart,
            Purpose::Live => match &self.program.upgraded_from {
                Some(version) => StartReason::UpgradedFrom(version),
                None => StartReason::Restart,
            },
        };
        let context =
            StartContext { domain: self.services.domain.name().as_str(), config: &self.program.config, reason };
        self.program.guest.start(Box::new(host), context, &self.services.limits.instance)
    }

    /// Whether it sends what it is given: what it has sent of a batch that failed stays sent.
    pub(super) fn sends(&self) -> bool {
        self.program.kind == Kind::Transport
    }

    /// The generation whose tables it reads and writes, and where that one is.
    pub(super) fn written(&self) -> (Generation, Cursor) {
        let lent = self.errand.as_ref().and_then(|errand| errand.tables_of);
        lent.unwrap_or((self.generation, self.cursor))
    }

    fn count(&mut self, usage: Usage) {
        priority::called(usage.cpu);
        self.program.calls.batch(usage);
        let micros = u64::try_from(usage.cpu.as_micros()).unwrap_or(u64::MAX);
        self.cursor.counters.cpu_micros = self.cursor.counters.cpu_micros.saturating_add(micros);
    }

    pub(super) fn did_not_start(&mut self, stop: &Stop) {
        self.cursor.counters.traps += u64::from(matches!(stop, Stop::Halted(_)));
        self.broke(&stop.to_string());
    }

    /// Something failed that no event is to blame for.
    pub(super) fn broke(&mut self, what: &str) -> Step {
        self.note(Level::Error, what);
        if self.trouble.broke(Instant::now()) {
            self.stop(format!("it failed again and again: {what}"));
        }
        self.standing()
    }

    pub(super) fn stop(&mut self, reason: String) {
        self.instance = None;
        self.note(Level::Error, &format!("stopped: {reason}"));
        self.stopped = Some(reason);
    }

    /// Remembers what went wrong, and logs it.
    pub(super) fn note(&mut self, level: Level, what: &str) {
        self.program.logs.line(level, what, None);
        self.last_error = Some(what.to_owned());
    }
}

/// The tree at a cursor, if the cursor belongs to this log: the log has come at least as far, and was the same there.
fn tree_at(services: &Services, cursor: &Cursor) -> Result<CompactRange, OtherLog> {
    if cursor.position.get() == 0 {
        return Ok(CompactRange::new());
    }
    let tree = services.domain.tree_at(cursor.position).map_err(|error| OtherLog(error.to_string()))?;
    if tree.root() == cursor.root {
        return Ok(tree);
    }
    let (position, ours, theirs) = (cursor.position, tree.root(), cursor.root);
    Err(OtherLog(format!("at position {position} the root of this log is {ours}, theirs was {theirs}")))
}
