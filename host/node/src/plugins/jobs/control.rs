//! What is done to jobs from outside: begun, looked at, called off.

use eventdbx_store::Position;

use super::{
    JobRecord, JobState, JobStatus, Plan, ReplayRequest,
    at_work::{self, Order},
};
use crate::plugins::{
    PluginError, lock,
    registry::{Registry, command, history, internal},
    worker::Command,
};

impl Registry {
    /// Begins a job.
    pub(in crate::plugins) fn replay(
        &self,
        actor: &str,
        name: &str,
        request: &ReplayRequest,
    ) -> Result<JobStatus, PluginError> {
        let _changing = lock(&self.changing);
        let services = &*self.services;
        let installed = self.find_fed(name)?;
        let plugin = installed.plugin().ok_or_else(|| installed.not_running())?;
        if lock(&installed.worker).is_none() {
            return Err(installed.not_running());
        }
        self.no_job(name)?;
        let record = installed.record();
        if record.rebuild.is_some() {
            return Err(PluginError::Busy(format!("{name} is being rebuilt: wait until its new tables are live")));
        }
        let (descriptor, now) = (plugin.descriptor(), (services.clock)());
        if let Some(mode) = request.payload_mode {
            self.check_mode(&record, descriptor, mode)?;
        }
        let plan = Plan::new(request, (name, descriptor), record.payload_mode, (&services.domain, now))?;
        let generation = services.db.next_generation().map_err(internal)?;
        let job = JobRecord::new(services.jobs.next_id(), name, actor, plan, generation);
        self.tell(&history(name)?, "$plugin_replayed", &job.announcement(), actor)?;
        let id = job.id;
        services.jobs.save(job, &[]).map_err(internal)?;
        match command(&installed, |reply| Command::Job(Order::Begin, reply)) {
            // It will take the job up as soon as it can: that is what a job is.
            Ok(()) | Err(PluginError::Busy(_) | PluginError::Stopped { .. }) => self.job(id),
            Err(error) => Err(error),
        }
    }

    /// Refuses what would get in the way of a job that runs.
    pub(in crate::plugins) fn no_job(&self, name: &str) -> Result<(), PluginError> {
        match self.services.jobs.running(name) {
            Some(running) => Err(PluginError::JobRuns { plugin: name.to_owned(), id: running.id }),
            None => Ok(()),
        }
    }

    /// The jobs, the latest first: those that run, or all that are kept.
    pub(in crate::plugins) fn jobs(&self, all: bool) -> Vec<JobStatus> {
        let head = self.head();
        let jobs = self.services.jobs.list();
        let wanted = jobs.iter().filter(|job| all || job.state == JobState::Running);
        wanted.map(|job| job.told(head)).collect()
    }

    pub(in crate::plugins) fn job(&self, id: u64) -> Result<JobStatus, PluginError> {
        Ok(self.services.jobs.get(id)?.told(self.head()))
    }

    fn head(&self) -> Position {
        self.services.domain.head().position
    }

    /// Calls a job off. What it delivered stays delivered; new tables that it was building go.
    pub(in crate::plugins) fn cancel(&self, actor: &str, id: u64) -> Result<JobStatus, PluginError> {
        let _changing = lock(&self.changing);
        let job = self.services.jobs.get(id)?;
        if job.state != JobState::Running {
            return Err(PluginError::JobEnded { id, state: job.state });
        }
        let installed = self.find(&job.plugin)?;
        let order = Order::Cancel { id, actor: actor.to_owned() };
        match command(&installed, |reply| Command::Job(order, reply)) {
            Ok(()) => {}
            Err(PluginError::Stopped { .. }) => {
                let cancelled = JobRecord { state: JobState::Cancelled, reason: None, ..JobRecord::clone(&job) };
                at_work::end(&self.services, &installed, cancelled, actor)?;
            }
            Err(error) => return Err(error),
        }
        self.job(id)
    }

    /// Ends the job of a plugin that is about to go.
    pub(in crate::plugins) fn end_job_of(&self, actor: &str, name: &str) -> Result<(), PluginError> {
        let Some(job) = self.services.jobs.running(name) else { return Ok(()) };
        let reason = Some("the plugin was uninstalled".to_owned());
        let cancelled = JobRecord { state: JobState::Cancelled, reason, ..JobRecord::clone(&job) };
        at_work::end(&self.services, &*self.find_fed(name)?, cancelled, actor)
    }
}
