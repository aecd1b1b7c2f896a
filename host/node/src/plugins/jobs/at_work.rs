//! How the worker of a plugin does its job beside live delivery.
//!
//! Between two live batches a job gets one of its own, which is the least that it can get, and the most that live delivery
//! ever waits for it. It arrives all the same: while events come one by one, live batches are small, and those of a job
//! are full.

use std::time::{Duration, Instant};

use eventdbx_sandbox::Level;

use super::{JobRecord, JobState, Running, Work};
use crate::plugins::{
    PluginError,
    installed::Installed,
    registry::{history, internal},
    services::Services,
    track::{Fault, Step, Track},
    worker::Worker,
};

/// Pause before the log is told again that a job has ended.
const TELL_AGAIN: Duration = Duration::from_secs(1);

/// What a worker is asked to do about jobs.
pub(in crate::plugins) enum Order {
    /// Take up the one whose record was written.
    Begin,
    /// Call it off.
    Cancel {
        /// Its number.
        id: u64,
        /// Who calls it off.
        actor: String,
    },
}

impl Worker {
    pub(in crate::plugins) fn obey_order(&mut self, order: Order) {
        match order {
            Order::Begin => self.take_up_job(),
            Order::Cancel { id, actor } => {
                if let Some(job) = self.job.as_mut().filter(|job| job.record.id == id && !job.has_ended()) {
                    job.end(JobState::Cancelled, None);
                    job.ended_by = actor;
                }
                self.settle_job();
            }
        }
    }

    /// Takes up the job that runs according to its record, if there is one.
    pub(in crate::plugins) fn take_up_job(&mut self) {
        let Some(record) = self.services.jobs.running(&self.installed.name) else { return };
        if self.job.as_ref().is_some_and(|job| job.record.id == record.id) {
            return;
        }
        let mut job = Running::new(JobRecord::clone(&record));
        let begun = match record.work {
            Work::Rebuild => self.begin_rebuild(&mut job),
            Work::Stretch | Work::DryRun => job.begin(&self.services, &self.program),
        };
        if let Err(fault) = begun {
            job.end(JobState::Failed, Some(fault.to_string()));
        }
        self.job = Some(job);
    }

    /// Begins a rebuild, or finds the one that a restart interrupted.
    fn begin_rebuild(&mut self, job: &mut Running) -> Result<(), Fault> {
        let installed = self.installed.record();
        match installed.rebuild {
            // Under another number, if its first tables turned out to be of another log.
            Some(rebuild) => job.record.generation = rebuild.generation,
            None if installed.generation == job.record.generation => job.done(),
            None => self.rebuild(job.record.generation, job.record.payload_mode)?,
        }
        Ok(())
    }

    /// Does one thing of what goes on beside live delivery.
    pub(in crate::plugins) fn step_beside(&mut self) -> Option<Step> {
        let Some(job) = self.job.as_mut().filter(|job| !job.has_ended()) else {
            return self.rebuild.as_mut().filter(|_| self.job.is_none()).map(Track::step);
        };
        let step = job.step(&mut self.live, self.rebuild.as_mut()).unwrap_or_else(|fault| {
            job.end(JobState::Failed, Some(fault.to_string()));
            Step::Moved
        });
        self.services.jobs.tell(job.record.id, job.record.progress, job.record.reason.as_deref());
        Some(step)
    }

    /// Ends the job if there is nothing left to do, and tells the log of it.
    pub(in crate::plugins) fn settle_job(&mut self) -> Option<Step> {
        let job = self.job.as_mut()?;
        if job.record.work == Work::Rebuild && self.rebuild.is_none() && !job.has_ended() {
            if self.live.generation == job.record.generation {
                job.record.progress.position = self.live.cursor.position;
                job.done();
            } else {
                job.end(JobState::Failed, Some("another generation took its place".to_owned()));
            }
        }
        if !job.has_ended() {
            return None;
        }
        if job.record.work == Work::Rebuild && job.record.state != JobState::Done {
            self.rebuild = None;
        }
        match end(&self.services, &self.installed, job.record.clone(), &job.ended_by) {
            Ok(()) => {
                self.job = None;
                Some(Step::Moved)
            }
            Err(error) => {
                self.live.note(Level::Warn, &format!("the end of job {}: {error}", job.record.id));
                Some(Step::Wait(Instant::now() + TELL_AGAIN))
            }
        }
    }
}

/// Tells the log that a job has ended, and keeps its record. Its generation goes, unless it is the live one now.
pub(in crate::plugins) fn end(
    services: &Services,
    installed: &Installed,
    mut record: JobRecord,
    actor: &str,
) -> Result<(), PluginError> {
    services.tell(&history(&record.plugin)?, "$plugin_replay_ended", &record.obituary(), actor)?;
    let generation = record.generation;
    if record.work == Work::Rebuild && record.state != JobState::Done {
        let begun = installed.record().rebuild.is_some_and(|rebuild| rebuild.generation == generation);
        if begun {
            let dropped = installed.change(services, |record| record.rebuild = None, &[generation]);
            dropped.map_err(internal)?;
        }
    }
    let scratch = (record.work != Work::Rebuild).then_some(generation);
    record.ended_at = Some((services.clock)());
    services.jobs.save(record, scratch.as_slice()).map_err(internal)?;
    services.keeper.sweep();
    Ok(())
}
