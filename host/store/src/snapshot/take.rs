//! Taking a snapshot on demand.

use super::SnapshotInfo;
use crate::{AggregateRef, AppendError, Domain, ReadError, Reason, Version, write};

impl Domain {
    /// Takes a snapshot of an aggregate as it is now, and gives it. Where there is one of that version already, none is
    /// taken, and that one is given.
    ///
    /// # Errors
    ///
    /// [`AppendError::WrongVersion`] with `actual` 0 when it does not exist. Refused with `reserved-name` for aggregates of
    /// EventDBX's own: they have no state.
    pub fn take_snapshot(&self, name: &AggregateRef, actor: &str) -> Result<SnapshotInfo, AppendError> {
        if name.kind.is_system() {
            let message = format!("{name} is one of EventDBX's own aggregates, which have no state");
            let (path, code) = ("/aggregate_type".to_owned(), "reserved-name");
            return Err(AppendError::Refused(vec![Reason { event: 0, path, code, message }]));
        }
        let receipt = self.settle(write::check_snapshot(name.clone(), actor)?)?;
        let missing = || ReadError::Damaged(format!("{name}: the snapshot that was just taken is not there"));
        let position = receipt.events.first().ok_or_else(missing)?.position;
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let event = files.open_row(position, &files.log_row(&at, position)?)?.event;
        let version = event.body.payload.value().ok().and_then(|payload| payload.get("version")?.as_u64());
        let version = Version::new(version.ok_or_else(missing)?);
        let taken = self.snapshots(name)?.into_iter().find(|info| info.version == version);
        taken.ok_or_else(missing).map_err(AppendError::from)
    }
}
