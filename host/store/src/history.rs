//! An aggregate as it was: at a version, at a time.

use crate::{
    AggregateRef, Domain, Header, Json, Micros, ReadError, Version,
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
            let event = files.open_row(&at, position, &row)?.event;
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

    /// The version that an aggregate had at a time; none when there was no such aggregate yet.
    ///
    /// By the time of recording that is the last version that was recorded by then. With `occurred` it is the last version
    /// whose event had *happened* by then: by its time of occurrence, or else by that of its recording. Events that are
    /// reported late stand behind later ones, so the state at that version may hold what happened afterwards; each event
    /// from the end is looked at until one fits.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn version_at(&self, name: &AggregateRef, time: Micros, occurred: bool) -> Result<Option<Version>, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let Some(head) = files.head_of(&at, name)? else { return Ok(None) };
        let header = |version: u64| files.header_at(&at, files.position_of(&at, head.number, Version::new(version))?);
        let found = match occurred {
            true => last_occurred(head.version.get(), time, header)?,
            false => recorded_by(head.version.get(), time, header)?,
        };
        Ok((found > 0).then(|| Version::new(found)))
    }
}

/// How many versions were recorded by a time. Recorded times never go back, so it is searched by halving.
fn recorded_by(last: u64, time: Micros, header: impl Fn(u64) -> Result<Header, ReadError>) -> Result<u64, ReadError> {
    let (mut by_then, mut after) = (0, last + 1);
    while after - by_then > 1 {
        let middle = by_then + (after - by_then) / 2;
        match header(middle)?.recorded_at <= time {
            true => by_then = middle,
            false => after = middle,
        }
    }
    Ok(by_then)
}

fn last_occurred(last: u64, time: Micros, header: impl Fn(u64) -> Result<Header, ReadError>) -> Result<u64, ReadError> {
    let wanted = i64::try_from(time.get()).unwrap_or(i64::MAX);
    for version in (1..=last).rev() {
        let header = header(version)?;
        let occurred = header.occurred_at.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
        let fits = match occurred {
            // To the nanosecond: a time that is a fraction of a microsecond later is later.
            Some(occurred) => occurred.as_nanosecond() <= i128::from(wanted) * 1000,
            None => header.recorded_at <= time,
        };
        if fits {
            return Ok(version);
        }
    }
    Ok(0)
}
