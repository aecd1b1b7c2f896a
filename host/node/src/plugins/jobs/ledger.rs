//! The jobs of a domain: those that run, and the last that ended.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use eventdbx_store::plugindb::{Generation, PluginDb, PluginDbError};

use super::{JobRecord, JobState, record::Progress};
use crate::plugins::{PluginError, lock};

/// Jobs that have ended and are kept; the oldest go.
const KEPT: usize = 100;

/// The jobs of a domain.
pub(in crate::plugins) struct Jobs {
    db: PluginDb,
    known: Mutex<BTreeMap<u64, Arc<JobRecord>>>,
}

impl Jobs {
    /// Reads what is kept.
    pub(in crate::plugins) fn open(db: PluginDb) -> Result<Self, PluginDbError> {
        let mut known = BTreeMap::new();
        for (id, record) in db.jobs()? {
            let damaged = |error| PluginDbError::Damaged(format!("job {id}: {error}"));
            let mut record = JobRecord::decode(&record).map_err(damaged)?;
            if record.state == JobState::Running
                && let Some(cursor) = db.cursor(record.generation)?
            {
                record.progress = Progress::new(cursor.position, cursor.counters, 0);
            }
            known.insert(id, Arc::new(record));
        }
        Ok(Self { db, known: Mutex::new(known) })
    }

    /// The number of the next one. The last one that there was is always kept.
    pub(in crate::plugins) fn next_id(&self) -> u64 {
        lock(&self.known).last_key_value().map_or(1, |(last, _)| last + 1)
    }

    /// All of them, the latest first.
    pub(in crate::plugins) fn list(&self) -> Vec<Arc<JobRecord>> {
        lock(&self.known).values().rev().cloned().collect()
    }

    pub(in crate::plugins) fn get(&self, id: u64) -> Result<Arc<JobRecord>, PluginError> {
        let found = lock(&self.known).get(&id).cloned();
        found.ok_or_else(|| PluginError::NotFound { what: "job", name: id.to_string() })
    }

    /// The one that runs for a plugin. There is never a second.
    pub(in crate::plugins) fn running(&self, plugin: &str) -> Option<Arc<JobRecord>> {
        let known = lock(&self.known);
        known.values().find(|job| job.state == JobState::Running && job.plugin == plugin).cloned()
    }

    /// Writes a record, and dooms generations that it needs no more.
    pub(in crate::plugins) fn save(&self, record: JobRecord, doomed: &[Generation]) -> Result<(), PluginDbError> {
        let mut known = lock(&self.known);
        let ended: Vec<u64> = known.values().filter(|job| job.state != JobState::Running).map(|job| job.id).collect();
        let forgotten: Vec<u64> = ended.iter().copied().take((ended.len() + 1).saturating_sub(KEPT)).collect();
        self.db.save_job(record.id, &record.encode(), doomed, &forgotten)?;
        forgotten.iter().for_each(|id| drop(known.remove(id)));
        known.insert(record.id, Arc::new(record));
        Ok(())
    }

    /// How far one is. In memory only: what counts is the cursor of its generation.
    pub(super) fn tell(&self, id: u64, progress: Progress, reason: Option<&str>) {
        if let Some(job) = lock(&self.known).get_mut(&id)
            && (job.progress != progress || job.reason.as_deref() != reason)
        {
            let job = Arc::make_mut(job);
            (job.progress, job.reason) = (progress, reason.map(str::to_owned));
        }
    }
}
