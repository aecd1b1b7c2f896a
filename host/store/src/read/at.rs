//! From times to places: the log is ordered by recorded time, so that each is found by a binary search.

use fjall::{Readable, Snapshot};

use crate::{
    AggregateNumber, AggregateRef, Domain, Instant, Micros, Position, ReadError, Version,
    files::Files,
    keys,
    rows::{self, EventView, HeadRow},
};

impl Domain {
    /// The first position that was recorded at a time or later; where there is none, the one that comes next.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn position_at(&self, time: Micros) -> Result<Position, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        Places::of_log(files, &at)?.first_since(time).map(Position::new)
    }

    /// The version that an aggregate had at a recorded time: that of its last event recorded by then. With `occurred`: the
    /// last of its versions that had happened by then, as its writers say (an event of which they do not say it happened
    /// when it was recorded); versions before it count even where they happened later. None: there was none yet.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn version_at(&self, name: &AggregateRef, time: Micros, occurred: bool) -> Result<Option<Version>, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let Some(number) = keys::number_of(&at, &files.spaces, name)? else { return Ok(None) };
        let places = Places::of_aggregate(files, &at, number)?;
        let version = if occurred {
            places.last_occurred(time)?
        } else {
            places.first_since(time.next())?.checked_sub(1).filter(|version| *version > 0)
        };
        Ok(version.map(Version::new))
    }
}

/// The places of the log or of one aggregate: positions, or versions.
pub(super) struct Places<'a> {
    files: &'a Files,
    at: &'a Snapshot,
    /// None: the log.
    number: Option<AggregateNumber>,
    last: u64,
}

impl<'a> Places<'a> {
    pub(super) fn of_log(files: &'a Files, at: &'a Snapshot) -> Result<Self, ReadError> {
        let last =
            at.last_key_value(&files.spaces.log).map(|row| rows::number(&row.key()?, "log").map_err(ReadError::from));
        Ok(Self { files, at, number: None, last: last.transpose()?.unwrap_or(0) })
    }

    pub(super) fn of_aggregate(files: &'a Files, at: &'a Snapshot, number: AggregateNumber) -> Result<Self, ReadError> {
        let row = at.get(&files.spaces.heads, number.get().to_be_bytes())?;
        let row = row.ok_or_else(|| ReadError::Damaged(format!("aggregate {number}: its head row is missing")))?;
        Ok(Self { files, at, number: Some(number), last: HeadRow::decode(&row)?.version.get() })
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Position of a place that must exist.
    pub(super) fn position(&self, place: u64) -> Result<Position, ReadError> {
        match self.number {
            None => Ok(Position::new(place)),
            Some(number) => self.files.position_of(self.at, number, Version::new(place)),
        }
    }

    /// The first place that was recorded at a time or later; one behind the last: there is none.
    pub(super) fn first_since(&self, time: Micros) -> Result<u64, ReadError> {
        // Invariant: places below `low` were recorded before `time`, those from `high` on were not.
        let (mut low, mut high) = (1, self.last + 1);
        while low < high {
            let middle = low.midpoint(high);
            if self.read(middle, |view| view.recorded_at < time)? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The first place that was recorded with another one, which must exist.
    pub(super) fn first_beside(&self, place: u64) -> Result<u64, ReadError> {
        self.first_since(self.read(place, |view| view.recorded_at)?)
    }

    /// The last place that was recorded with another one, which must exist.
    pub(super) fn last_beside(&self, place: u64) -> Result<u64, ReadError> {
        Ok(self.first_since(self.read(place, |view| view.recorded_at)?.next())? - 1)
    }

    /// The last place that had happened by a time. Writers say when, in any order, so that all later ones are looked at.
    fn last_occurred(&self, time: Micros) -> Result<Option<u64>, ReadError> {
        let happened = |view: &EventView<'_>| {
            let occurred = view.occurred_at.and_then(Instant::parse);
            occurred.unwrap_or_else(|| Instant::of(view.recorded_at)) <= Instant::of(time)
        };
        for place in (1..=self.last).rev() {
            if self.read(place, happened)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn read<T>(&self, place: u64, what: impl FnOnce(&EventView<'_>) -> T) -> Result<T, ReadError> {
        let position = self.position(place)?;
        let row = self.files.log_row(self.at, position)?;
        Ok(what(&EventView::decode(position, &row)?))
    }
}
