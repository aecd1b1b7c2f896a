//! Jobs of the dispatcher's: what is delivered beside the live generations. The records; how far each got is a cursor.

use super::{Generation, PluginDb, PluginDbError, rows, rows::Kind};

const JOB: u8 = b'j';

impl PluginDb {
    /// Every job that is kept: its id and its record, in the order of the ids.
    ///
    /// # Errors
    ///
    /// When a row cannot be read.
    pub fn jobs(&self) -> Result<Vec<(u64, Vec<u8>)>, PluginDbError> {
        let rows = self.0.plugins.prefix([JOB]);
        rows.map(|row| {
            let (key, sealed) = row.into_inner()?;
            let id = rows::last_u64(&key).ok_or_else(|| rows::damaged("plugins"))?;
            Ok((id, self.unseal(Kind::Plugin, &key, &sealed)?))
        })
        .collect()
    }

    /// Writes the record of a job, dooms generations that it needs no more, and forgets other jobs, in one synced batch.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn save_job(
        &self,
        id: u64,
        record: &[u8],
        doomed: &[Generation],
        forgotten: &[u64],
    ) -> Result<(), PluginDbError> {
        let mut batch = self.doom(doomed);
        self.put_record(&mut batch, job_key(id).to_vec(), record);
        for id in forgotten {
            batch.remove(&self.0.plugins, job_key(*id));
        }
        Ok(batch.commit()?)
    }
}

fn job_key(id: u64) -> [u8; 9] {
    let mut key = [JOB; 9];
    key[1..].copy_from_slice(&id.to_be_bytes());
    key
}
