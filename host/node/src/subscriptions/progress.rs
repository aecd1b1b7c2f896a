//! How far a subscription got, as it is kept: the cursor, what is settled ahead of it, what is parked.
//!
//! One batch of the plugins' database holds what changed. It is not synced at once: a power cut may take the last
//! acknowledgements back, and then these events are delivered again.

use std::collections::{BTreeMap, HashMap, HashSet};

use eventdbx_store::{
    AggregateNumber, Position,
    plugindb::{Change, Cursor, Generation, GenerationCommit, TableWrite},
};

use super::parked::{ParkedRow, Standing};
use crate::plugins::source::Source;

/// The one table of a generation: positions that are settled ahead of the cursor.
const SETTLED: u16 = 0;

/// How far a subscription got.
pub(super) struct Progress {
    generation: Generation,
    pub(super) cursor: Cursor,
    /// Settled positions behind the cursor, and whether the database has them.
    settled: BTreeMap<Position, bool>,
    pub(super) parked: HashMap<AggregateNumber, ParkedRow>,
    /// Aggregates whose row the database does not have as it is.
    changed: HashSet<AggregateNumber>,
    dirty: bool,
}

impl Progress {
    /// Takes a subscription up where it was left. One that had come further than the log now goes begins at its end:
    /// positions that were taken back are given to other events.
    pub(super) fn open(source: &Source, generation: Generation, behind: Position) -> Result<Self, String> {
        let db = source.db();
        let stored = db.cursor(generation).map_err(text)?;
        let mut cursor = stored.unwrap_or(Cursor { position: behind, ..Cursor::default() });
        cursor.position = cursor.position.min(source.domain().head().position);
        let mut settled = BTreeMap::new();
        for row in db.tables(generation).range(SETTLED, None, None) {
            let (key, _) = row.map_err(text)?;
            let position = key.try_into().map(u64::from_be_bytes);
            let position = position.map_err(|_| "a settled position does not read".to_owned())?;
            settled.insert(Position::new(position), true);
        }
        let rows = db.parked(generation).map_err(text)?.into_iter();
        let rows = rows.map(|(number, row)| ParkedRow::decode(&row).map(|row| (number, row)).map_err(text));
        let parked = rows.collect::<Result<_, String>>()?;
        let mut progress =
            Self { generation, cursor, settled, parked, changed: HashSet::new(), dirty: stored.is_none() };
        progress.forget_beyond(source)?;
        Ok(progress)
    }

    /// Forgets what lies beyond the end of the log, which is only there if the log lost its end.
    fn forget_beyond(&mut self, source: &Source) -> Result<(), String> {
        let head = source.domain().head().position;
        let beyond = self.parked.iter().filter(|(_, row)| row.position > head).map(|(number, _)| *number);
        let beyond: Vec<_> = beyond.collect();
        for number in beyond {
            self.parked.remove(&number);
            self.changed.insert(number);
        }
        if self.settled.last_key_value().is_some_and(|(last, _)| *last > head) {
            self.settled.clear();
            let writes = [TableWrite { table: SETTLED, change: Change::Clear }];
            let (generation, cursor) = (self.generation, self.cursor);
            let commit = GenerationCommit { generation, writes: &writes, cursor, park: &[], unpark: &[] };
            self.cursor = source.db().prepare(&commit).and_then(|prepared| prepared.write()).map_err(text)?;
        }
        Ok(())
    }

    pub(super) fn settle(&mut self, position: Position) {
        self.settled.entry(position).or_insert(false);
        self.dirty = true;
    }

    pub(super) fn is_settled(&self, position: Position) -> bool {
        self.settled.contains_key(&position)
    }

    /// How many positions are settled ahead of the cursor.
    pub(super) fn ahead(&self) -> usize {
        self.settled.len()
    }

    /// Puts the row of a parked aggregate in the place of what is there of it.
    pub(super) fn park(&mut self, number: AggregateNumber, row: ParkedRow) {
        self.parked.insert(number, row);
        self.changed.insert(number);
    }

    /// How many aggregates wait, or are being delivered again.
    pub(super) fn parked_count(&self) -> usize {
        self.parked.values().filter(|row| !matches!(row.standing, Standing::Settled(_))).count()
    }

    /// Moves the cursor, and keeps what changed.
    pub(super) fn commit(&mut self, source: &Source, to: Position) -> Result<(), String> {
        let moved = to > self.cursor.position;
        if !moved && !self.dirty && self.changed.is_empty() {
            return Ok(());
        }
        self.cursor.position = self.cursor.position.max(to);
        let passed = |row: &ParkedRow| matches!(row.standing, Standing::Settled(end) if end <= self.cursor.position);
        let over: Vec<_> = self.parked.iter().filter(|(_, row)| passed(row)).map(|(number, _)| *number).collect();
        for number in over {
            self.parked.remove(&number);
            self.changed.insert(number);
        }
        let (mut park, mut unpark) = (Vec::new(), Vec::new());
        for number in &self.changed {
            match self.parked.get(number) {
                Some(row) => park.push((*number, row.encode())),
                None => unpark.push(*number),
            }
        }
        let keys = self.settled.iter().filter(|(position, stored)| **stored == (**position <= self.cursor.position));
        let keys: Vec<_> = keys.map(|(position, stored)| (position.get().to_be_bytes(), *stored)).collect();
        let writes = keys.iter().map(|(key, stored)| TableWrite {
            table: SETTLED,
            change: if *stored { Change::Remove { key } } else { Change::Put { key, value: &[] } },
        });
        let writes: Vec<_> = writes.collect();
        let commit = GenerationCommit {
            generation: self.generation,
            writes: &writes,
            cursor: self.cursor,
            park: &park,
            unpark: &unpark,
        };
        self.cursor = source.db().prepare(&commit).and_then(|prepared| prepared.write()).map_err(text)?;
        source.committed();
        self.settled = self.settled.split_off(&self.cursor.position.next());
        self.settled.values_mut().for_each(|stored| *stored = true);
        (self.changed, self.dirty) = (HashSet::new(), false);
        Ok(())
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
