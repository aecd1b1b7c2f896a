//! Holding snapshots against what the events fold to and against what the log records.

use std::collections::BTreeMap;

use fjall::{Readable, Slice};
use serde_json::{Map, Value, json};

use super::read::open;
use crate::{
    AggregateNumber, AggregateRef, Domain, ReadError, Version,
    files::Files,
    json, keys, merkle,
    read::{fold, rows_between},
    rows::{self, SnapshotRow},
    write,
};

impl Domain {
    /// Folds the events of an aggregate up to a version, without the help of any snapshot, and holds the snapshot of that
    /// version against it and against the log. Gives what does not fit; None: there is no such snapshot.
    ///
    /// # Errors
    ///
    /// When the events cannot be read.
    pub fn verify_snapshot(&self, name: &AggregateRef, version: Version) -> Result<Option<Vec<String>>, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let Some(number) = keys::number_of(&at, &files.spaces, name)? else { return Ok(None) };
        let Some(row) = at.get(&files.spaces.snapshots, rows::snapshot_key(number, version))? else {
            return Ok(None);
        };
        let mut state = Map::new();
        for event in rows_between(files, &at, number, 1, version.get()) {
            let (position, row) = event?;
            state = fold(state, &files.open_row(position, &row)?.event)?;
        }
        Ok(Some(compare(files, &at, (number, name), version, &row, Some(&state))))
    }
}

/// The rows of an aggregate's snapshots by version. A key without a version stands under version 0, which none has.
pub(crate) fn stored(
    files: &Files,
    at: &fjall::Snapshot,
    number: AggregateNumber,
) -> Result<BTreeMap<Version, Slice>, ReadError> {
    let rows = at.prefix(&files.spaces.snapshots, number.get().to_be_bytes());
    let read = |row: fjall::Guard| {
        let (key, value) = row.into_inner()?;
        Ok((rows::version_of_snapshot_key(&key).unwrap_or_default(), value))
    };
    rows.map(read).collect()
}

/// What does not fit about a snapshot. `state` is what the events fold to; none: they do not fold.
pub(crate) fn compare(
    files: &Files,
    at: &fjall::Snapshot,
    (number, name): (AggregateNumber, &AggregateRef),
    version: Version,
    row: &[u8],
    state: Option<&Map<String, Value>>,
) -> Vec<String> {
    let what = |what: &str| format!("{name}: its snapshot at version {version} {what}");
    let row = match SnapshotRow::decode(row) {
        Ok(row) => row,
        Err(fault) => return vec![what(&format!("does not decode ({fault})"))],
    };
    let mut found = Vec::new();
    match open(files, number, name, version, &row) {
        Ok((salt, opened)) => {
            if state.is_some_and(|state| json::canonical_object(state) != opened.as_str()) {
                found.push(what("is not what its events fold to"));
            }
            if merkle::snapshot(&salt, opened.as_str().as_bytes()) != row.hash {
                found.push(what("does not have its hash"));
            }
        }
        Err(error) => found.push(error.to_string()),
    }
    let expected = json!({
        "aggregate_type": name.kind, "aggregate_id": name.id, "version": version, "hash": row.hash,
    });
    let logged = files.log_row(at, row.position).and_then(|value| files.open_row(row.position, &value));
    let is_logged = logged.is_ok_and(|logged| {
        write::is_snapshot_taken(&logged.event.header) && logged.event.body.payload.value().ok() == Some(expected)
    });
    if !is_logged {
        found.push(what(&format!("is not the one that the log records at position {}", row.position)));
    }
    found
}
