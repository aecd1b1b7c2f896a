//! An aggregate as it was at a version.

use crate::{
    AggregateRef, Domain, Json, ReadError, Version,
    read::{canonical, fold, rows_between},
    snapshot::{self, Folded},
};

impl Domain {
    /// The state right after a version, as canonical JSON; none when there is no such aggregate or version. Folds from the
    /// nearest snapshot before it.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn state_at(&self, name: &AggregateRef, version: Version) -> Result<Option<Json>, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let Some(head) = files.head_of(&at, name)? else { return Ok(None) };
        if version.get() == 0 || version > head.version {
            return Ok(None);
        }
        if version == head.version {
            return Ok(Some(canonical(&head.state)));
        }
        let nearest = snapshot::nearest(files, &at, head.number, name, version)?;
        let Folded { version: mut last, mut state } = nearest.unwrap_or_default();
        for row in rows_between(files, &at, head.number, last.next().get(), version.get()) {
            let (position, row) = row?;
            let event = files.open_row(position, &row)?.event;
            if event.header.version != last.next() {
                break;
            }
            last = event.header.version;
            state = fold(state, &event)?;
        }
        if last != version {
            return Err(ReadError::Damaged(format!("{name}: version {} is missing", last.next())));
        }
        Ok(Some(canonical(&state)))
    }
}
