//! One generation on its way through the log: cut a batch, hand it over, commit what came of it, together with the cursor.
//!
//! Invariant: what the plugin wrote, where the cursor is and what is parked move in one batch of the plugins' database, or
//! not at all. So wherever this is interrupted, the next start goes on as if it had not been.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use eventdbx_sandbox::{
    Batch, DeliveryMode, Failure, Halt, Handled, Kind, Level, Outcome, StartContext, StartReason, Stop, TrapKind,
    Usage, Writes,
};
use eventdbx_store::{
    AggregateNumber, CompactRange, Digest, Position, ReadError,
    plugindb::{Change, Cursor, Generation, GenerationCommit, PluginDbError, TableWrite},
};

use super::{
    PayloadMode,
    cut::{Cut, Cutter, Extent},
    figures,
    guest::{Guest, Running},
    host::TableHost,
    jobs::Errand,
    logs::Logs,
    parking::{Grounds, ParkedRow},
    selector::Selector,
    services::Services,
    states::StateError,
    trouble::{SOLITARY_FAILURES, Trouble, Verdict},
};
use crate::outbound::{Link, Targets};

/// Items that a plugin left out are logged, but so many of a batch at most.
const SKIPPED_LOGGED: usize = 5;

/// What a plugin is, to each of its tracks.
pub(super) struct Program {
    pub(super) kind: Kind,
    pub(super) guest: Box<dyn Guest>,
    pub(super) selector: Selector,
    /// Configuration, a JSON object.
    pub(super) config: String,
    pub(super) logs: Arc<Logs>,
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
    /// It has seen the end of the log.
    pub(super) caught_up: bool,
    pub(super) stopped: Option<String>,
    pub(super) last_error: Option<String>,
    pub(super) metrics: BTreeMap<String, f64>,
    trouble: Trouble,
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

/// What the host itself failed at. No plugin is to blame.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error(transparent)]
    Db(#[from] PluginDbError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("a row of the queue does not read: {0}")]
    Row(#[from] serde_json::Error),
    #[error("the component of an upgrade cannot start: {0}")]
    Upgrade(String),
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
        Cutter::new(&self.services, &self.program.selector, &self.parked, self.mode).within(span)
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
        self.count(usage);
        Ok(Delivered { outcome, instance })
    }

    fn start(&self) -> Result<Box<dyn Running>, Stop> {
        let (generation, _) = self.written();
        let tables = Some(self.services.db.tables(generation));
        let link = (self.program.kind == Kind::Transport).then(|| Link(Arc::clone(&self.program.targets)));
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
        self.program.guest.start(Box::new(host), context, &self.services.instance_limits)
    }

    /// The generation whose tables it reads and writes, and where that one is.
    fn written(&self) -> (Generation, Cursor) {
        let lent = self.errand.as_ref().and_then(|errand| errand.tables_of);
        lent.unwrap_or((self.generation, self.cursor))
    }

    fn count(&mut self, usage: Usage) {
        let micros = u64::try_from(usage.cpu.as_micros()).unwrap_or(u64::MAX);
        self.cursor.counters.cpu_micros = self.cursor.counters.cpu_micros.saturating_add(micros);
    }

    /// Acts on what a batch came to.
    pub(super) fn settle(&mut self, cut: Cut, delivered: Delivered) -> Result<(), Fault> {
        match delivered.outcome {
            Outcome::Done(handled) => {
                self.commit(cut, handled)?;
                self.instance = delivered.instance;
            }
            Outcome::Retry { failure, after, done } => {
                let end = cut.end;
                self.commit_sent(&cut, done)?;
                self.retry_later(end, &failure, after);
            }
            Outcome::Fatal(failure) => self.stop(format!("it cannot go on: {}", words(&failure))),
            Outcome::Poison(item) => {
                let grounds = Grounds { reason: item.failure.message, code: item.failure.code };
                let guilty = item.index as usize;
                let sent = self.commit_sent(&cut, guilty)?;
                self.failed(cut, sent, Some(guilty - sent), grounds)?;
            }
            Outcome::Halted(Halt::HostFailed(error)) => {
                self.broke(&error.to_string());
            }
            Outcome::Halted(halt) => {
                self.cursor.counters.traps += 1;
                self.failed(cut, 0, None, grounds(&halt))?;
            }
        }
        Ok(())
    }

    /// Commits the leading items of a batch that failed, where the plugin is a transport, of which they stay sent; a read
    /// model's writes are thrown away with its call. Answers how many those are.
    fn commit_sent(&mut self, cut: &Cut, done: usize) -> Result<usize, Fault> {
        if done == 0 || self.program.kind != Kind::Transport {
            return Ok(0);
        }
        let extent = Extent {
            from: self.cursor.position.next(),
            to: cut.end,
            items: done,
            bytes: self.services.limits.batch_bytes,
        };
        // The log does not change: these are the same items once more.
        let sent = self.cutter().cut(extent, &self.tree)?;
        self.commit(sent, Handled::default())?;
        Ok(done)
    }

    fn retry_later(&mut self, end: Position, failure: &Failure, after: Option<Duration>) {
        self.cursor.counters.retries += 1;
        self.note(Level::Warn, &format!("it asks for a retry: {}", words(failure)));
        self.trouble.asked_to_retry(end, after, Instant::now());
    }

    /// A batch failed, of which the first `sent` items are committed; `guilty` counts from there.
    fn failed(&mut self, cut: Cut, sent: usize, guilty: Option<usize>, grounds: Grounds) -> Result<(), Fault> {
        self.last_error = Some(format!("{} ({})", grounds.reason, grounds.code));
        match self.trouble.failed(cut.items.len() - sent, guilty, Instant::now()) {
            Verdict::Narrow | Verdict::Pause => Ok(()),
            Verdict::Convict => self.convict(cut, grounds),
        }
    }

    /// Parks the only item of a batch, and with it all that follows in its aggregate.
    fn convict(&mut self, cut: Cut, grounds: Grounds) -> Result<(), Fault> {
        let Some(item) = cut.items.first() else { return Ok(()) };
        let (header, most) = (item.header(), self.services.limits.parked);
        if self.parked.len() >= most {
            self.stop(format!(
                "{most} aggregates are parked, and the limit `parked` allows no more: mend what ails them, then retry or \
                 discard them and enable the plugin again"
            ));
            return Ok(());
        }
        let (aggregate, position, code) = (&header.aggregate, header.position, &grounds.code);
        self.note(Level::Error, &format!("parked {aggregate} from position {position} on ({code})"));
        let (number, now) = (header.number, (self.services.clock)());
        let row = ParkedRow::new(header, SOLITARY_FAILURES, grounds, now);
        let progress = Progress { items: 0, ..cut.progress() };
        self.commit_with(progress, Handled::default(), &[(number, row)], &[])?;
        self.tree = cut.tree;
        if self.trouble.convicted() {
            let last = self.last_error.take().unwrap_or_default();
            self.stop(format!(
                "one event after the other fails: the plugin is at fault rather than they. Last: {last}"
            ));
        }
        Ok(())
    }

    /// Commits a batch and remembers that it went well.
    fn commit(&mut self, cut: Cut, handled: Handled) -> Result<(), Fault> {
        if self.commit_with(cut.progress(), handled, &[], &[])? {
            self.tree = cut.tree;
            self.trouble.succeeded(cut.items.len());
        }
        Ok(())
    }

    /// Commits tables, cursor and parked rows in one batch. Answers false, and stops, if the tables would outgrow their
    /// limit.
    pub(super) fn commit_with(
        &mut self,
        progress: Progress,
        handled: Handled,
        park: &[(AggregateNumber, ParkedRow)],
        unpark: &[AggregateNumber],
    ) -> Result<bool, Fault> {
        let mut cursor = self.cursor;
        (cursor.position, cursor.root) = (progress.end, progress.root);
        let (items, skipped) = (progress.items as u64, handled.skipped.len() as u64);
        cursor.counters.batches += u64::from(items > 0);
        cursor.counters.deliveries += items.saturating_sub(skipped);
        cursor.counters.skipped += skipped;
        cursor.counters.left_out += progress.left_out;
        let rows: Vec<_> = park.iter().map(|(number, row)| (*number, row.encode())).collect();
        let writes = table_writes(&handled.writes);
        let commit = GenerationCommit { generation: self.generation, writes: &writes, cursor, park: &rows, unpark };
        let (written, at) = self.written();
        let prepared = match written == self.generation {
            true => self.services.db.prepare(&commit)?,
            false => self.services.db.prepare_in(&commit, written, at)?,
        };
        let (bytes, most) = (prepared.table_bytes(), self.services.limits.table_bytes);
        if bytes > most && bytes > at.counters.table_bytes {
            self.stop(format!(
                "its tables would have {bytes} bytes; the limit `table_bytes` is {most}. Raise it, or have the plugin keep \
                 less"
            ));
            return Ok(false);
        }
        self.cursor = prepared.write()?;
        if let Some((_, lent)) = self.errand.as_mut().and_then(|errand| errand.tables_of.as_mut()) {
            lent.counters.table_bytes = bytes;
        }
        self.services.keeper.committed();
        self.parked.extend(park.iter().cloned());
        unpark.iter().for_each(|number| drop(self.parked.remove(number)));
        self.keep(handled);
        Ok(true)
    }

    /// Takes in what a successful call counted and left out.
    fn keep(&mut self, handled: Handled) {
        for item in handled.skipped.iter().take(SKIPPED_LOGGED) {
            self.program.logs.line(Level::Warn, &format!("it left an event out: {}", words(&item.failure)), None);
        }
        figures::take_in(&mut self.metrics, handled.metrics);
    }

    fn did_not_start(&mut self, stop: &Stop) {
        self.cursor.counters.traps += u64::from(matches!(stop, Stop::Halted(_)));
        self.broke(&stop.to_string());
    }

    /// Something failed that no event is to blame for.
    fn broke(&mut self, what: &str) -> Step {
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

fn table_writes(writes: &Writes) -> Vec<TableWrite<'_>> {
    let mut out = Vec::new();
    for (table, writes) in (0..).zip(&writes.tables) {
        if writes.cleared {
            out.push(TableWrite { table, change: Change::Clear });
        }
        out.extend(writes.entries.iter().map(|(key, value)| {
            let change = match value {
                Some(value) => Change::Put { key, value },
                None => Change::Remove { key },
            };
            TableWrite { table, change }
        }));
    }
    out
}

/// Why a call without an answer counts against the events of its batch.
pub(super) fn grounds(halt: &Halt) -> Grounds {
    let code = match halt {
        Halt::Trapped(trap) => match trap.kind {
            TrapKind::Limit(limit) => format!("limit-{}", limit.name()),
            TrapKind::StackOverflow => "limit-stack_bytes".to_owned(),
            TrapKind::Forbidden => "forbidden".to_owned(),
            TrapKind::Crashed => "crashed".to_owned(),
        },
        Halt::Lied(_) => "nonsense".to_owned(),
        Halt::HostFailed(_) => "host".to_owned(),
    };
    Grounds { code, reason: halt.to_string() }
}

fn words(failure: &Failure) -> String {
    format!("{} ({})", failure.message, failure.code)
}
