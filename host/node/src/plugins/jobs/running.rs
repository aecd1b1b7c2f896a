//! A job at work: one step after the other, until it has ended.

use std::{sync::Arc, time::Instant};

use eventdbx_sandbox::DeliveryMode;
use eventdbx_store::{
    CompactRange, Position,
    plugindb::{Cursor, Generation, GenerationCommit, Snapshot},
};

use super::{Errand, JobRecord, JobState, Work, compare::Comparing, copy::Copying, pace::Pace, record::Progress};
use crate::plugins::{
    services::Services,
    track::{Fault, Program, Purpose, Step, Track},
};

/// A job at work.
pub(in crate::plugins) struct Running {
    pub(super) record: JobRecord,
    /// Who ended it: whoever began it, unless somebody called it off.
    pub(super) ended_by: String,
    pace: Pace,
    phase: Phase,
    /// The live tables that a dry run of a stretch began with.
    against: Option<(Generation, Snapshot)>,
}

/// What a job is at.
enum Phase {
    /// The worker's second track does it.
    Rebuild,
    /// The live generation has not come as far as the stretch yet.
    Await,
    Copy(Copying),
    Deliver(Box<Track>),
    Compare(Comparing),
}

impl Running {
    /// Takes a job up, at its beginning or where it was interrupted.
    pub(super) fn new(record: JobRecord) -> Self {
        let pace = Pace::new(record.rate);
        Self { ended_by: record.actor.clone(), record, pace, phase: Phase::Rebuild, against: None }
    }

    /// Gets ready to deliver.
    pub(super) fn begin(&mut self, services: &Arc<Services>, program: &Arc<Program>) -> Result<(), Fault> {
        let whole = self.record.span.is_whole();
        self.phase = match self.record.work {
            Work::Rebuild => Phase::Rebuild,
            Work::DryRun if !whole => {
                self.start_over(services)?;
                Phase::Await
            }
            Work::Stretch | Work::DryRun => self.delivering(services, program)?,
        };
        Ok(())
    }

    /// A scratch generation with a copy of what the live tables were before a restart is of no use any more.
    fn start_over(&mut self, services: &Services) -> Result<(), Fault> {
        let old = self.record.generation;
        if services.db.cursor(old)?.is_some() {
            self.record.generation = services.db.next_generation()?;
            services.jobs.save(self.record.clone(), &[old])?;
            services.keeper.sweep();
        }
        Ok(())
    }

    fn delivering(&mut self, services: &Arc<Services>, program: &Arc<Program>) -> Result<Phase, Fault> {
        let (generation, span) = (self.record.generation, self.record.span.clone());
        if services.db.cursor(generation)?.is_none() {
            let cursor = before(services, span.before())?;
            let commit = GenerationCommit { generation, writes: &[], cursor, park: &[], unpark: &[] };
            services.db.prepare(&commit)?.write()?;
        }
        let purpose = if span.is_whole() { Purpose::Rebuild } else { Purpose::Live };
        let opened =
            Track::open(Arc::clone(services), Arc::clone(program), generation, purpose, self.record.payload_mode)?;
        let mut track = match opened {
            Ok(track) => track,
            Err(other) => {
                self.end(JobState::Failed, Some(other.to_string()));
                return Ok(Phase::Await);
            }
        };
        let mode = if self.record.work == Work::DryRun { DeliveryMode::DryRun } else { DeliveryMode::Replay };
        track.errand = Some(Errand { end: span.before(), span, items: self.pace.items(), mode, tables_of: None });
        Ok(Phase::Deliver(Box::new(track)))
    }

    /// Whether there is nothing left to do but to tell.
    pub(super) fn has_ended(&self) -> bool {
        self.record.state != JobState::Running
    }

    pub(super) fn end(&mut self, state: JobState, reason: Option<String>) {
        (self.record.state, self.record.reason) = (state, reason);
    }

    /// Does one thing.
    pub(super) fn step(&mut self, live: &mut Track, rebuild: Option<&mut Track>) -> Result<Step, Fault> {
        if let Some(due) = self.pace.not_before(Instant::now()) {
            return Ok(Step::Wait(due));
        }
        let services = Arc::clone(&live.services);
        match &mut self.phase {
            Phase::Rebuild => Ok(rebuild.map_or(Step::Idle, |track| self.rebuild(track))),
            Phase::Deliver(_) => self.deliver(live, &services),
            Phase::Await if self.record.span.to.is_none_or(|to| live.cursor.position >= to) => {
                self.copy(live, &services).map(|()| Step::Moved)
            }
            Phase::Await => {
                self.record.reason = Some("it waits until live delivery has come as far as the stretch".to_owned());
                Ok(Step::Idle)
            }
            Phase::Copy(copying) => {
                if copying.step(&services.db)? {
                    self.phase = self.delivering(&services, &live.program)?;
                }
                Ok(Step::Moved)
            }
            Phase::Compare(comparing) => {
                if let Some(differences) = comparing.step()? {
                    self.record.differences = Some(differences);
                    self.done();
                }
                Ok(Step::Moved)
            }
        }
    }

    fn rebuild(&mut self, track: &mut Track) -> Step {
        if self.record.rate.is_some() && track.errand.is_none() {
            let (span, items) = (self.record.span.clone(), self.pace.items());
            let end = Position::new(u64::MAX);
            track.errand = Some(Errand { span, end, items, mode: DeliveryMode::Replay, tables_of: None });
        }
        let step = self.paced(track);
        self.record.progress = progress(track, track.parked.len());
        step
    }

    /// One step of a track, after which the pace is reckoned anew. A track that stands still ends the job.
    fn paced(&mut self, track: &mut Track) -> Step {
        let before = track.cursor.counters;
        let step = track.step();
        let after = track.cursor.counters;
        let taken = (after.deliveries + after.skipped).saturating_sub(before.deliveries + before.skipped);
        self.pace.delivered(taken, Instant::now());
        if let Some(reason) = &track.stopped {
            self.end(JobState::Failed, Some(reason.clone()));
        } else {
            self.record.reason = track.last_error.clone().filter(|_| track.is_retrying());
        }
        step
    }

    fn deliver(&mut self, live: &mut Track, services: &Services) -> Result<Step, Fault> {
        let Phase::Deliver(mut track) = std::mem::replace(&mut self.phase, Phase::Await) else {
            return Ok(Step::Idle);
        };
        let end = self.record.span.to.unwrap_or(live.cursor.position);
        let lends = self.record.work == Work::Stretch && !self.record.tables.is_empty();
        if let Some(errand) = &mut track.errand {
            errand.end = end.min(live.cursor.position);
            errand.tables_of = lends.then_some((live.generation, live.cursor));
        }
        if self.record.work == Work::Stretch {
            // What is parked waits for somebody to look after it. Later events of the same aggregate must not overtake it.
            for (number, row) in &live.parked {
                track.parked.entry(*number).or_insert_with(|| row.clone());
            }
        }
        if lends {
            // One instance for both, because what an instance remembers must not fall behind its tables.
            track.instance = live.instance.take();
        }
        let step = self.paced(&mut track);
        if lends {
            live.instance = track.instance.take();
            if let Some((_, cursor)) = track.errand.as_ref().and_then(|errand| errand.tables_of) {
                live.cursor = cursor;
            }
        }
        let parked = track.parked.keys().filter(|number| !live.parked.contains_key(number)).count();
        self.record.progress = progress(&track, parked);
        let through = track.cursor.position >= end && !self.has_ended();
        match self.record.work {
            Work::DryRun if through => self.compare(live, services),
            _ if through => self.done(),
            _ => self.phase = Phase::Deliver(track),
        }
        Ok(if through { Step::Moved } else { step })
    }

    /// Copies the live tables as they are now, to deliver a stretch on top of them.
    fn copy(&mut self, live: &Track, services: &Services) -> Result<(), Fault> {
        let snapshot = services.db.snapshot();
        let cursor = before(services, self.record.span.before())?;
        let tables = u16::try_from(self.record.tables.len()).unwrap_or(u16::MAX);
        let copying = Copying::new(&snapshot, live.generation, self.record.generation, cursor, tables);
        self.against = Some((live.generation, snapshot));
        self.record.reason = None;
        self.phase = Phase::Copy(copying);
        Ok(())
    }

    /// Compares with the live tables: those that were copied, or else those of this moment, in which both are as far.
    fn compare(&mut self, live: &Track, services: &Services) {
        let now = services.db.snapshot();
        let replay = now.tables(self.record.generation);
        let live = match self.against.take() {
            Some((generation, snapshot)) => snapshot.tables(generation),
            None => now.tables(live.generation),
        };
        self.phase = Phase::Compare(Comparing::new(live, replay, self.record.tables.clone()));
    }

    pub(super) fn done(&mut self) {
        let parked = self.record.progress.parked;
        let reason = (parked > 0).then(|| {
            let plugin = &self.record.plugin;
            format!("{parked} aggregates were left out from an event on that failed; the log of {plugin} names them")
        });
        self.end(JobState::Done, reason);
    }
}

fn progress(track: &Track, parked: usize) -> Progress {
    Progress::new(track.cursor.position, track.cursor.counters, parked as u64)
}

/// A cursor at a position where nothing was counted yet.
fn before(services: &Services, position: Position) -> Result<Cursor, Fault> {
    let tree = if position.get() == 0 { CompactRange::new() } else { services.domain.tree_at(position)? };
    Ok(Cursor { position, root: tree.root(), ..Cursor::default() })
}
