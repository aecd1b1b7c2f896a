//! Reading snapshots, and finding the one to start folding from.

use fjall::Readable;
use serde_json::{Map, Value};

use super::{Snapshot, SnapshotInfo};
use crate::{
    AggregateNumber, AggregateRef, Domain, Json, ReadError, Version,
    files::Files,
    keys,
    rows::{self, SnapshotRow},
};

impl Domain {
    /// The snapshots of an aggregate, the oldest first; none when there is no such aggregate.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read.
    pub fn snapshots(&self, name: &AggregateRef) -> Result<Vec<SnapshotInfo>, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let Some(number) = keys::number_of(&at, &files.spaces, name)? else { return Ok(Vec::new()) };
        let rows = at.prefix(&files.spaces.snapshots, number.get().to_be_bytes());
        let read = |row: fjall::Guard| {
            let (key, value) = row.into_inner()?;
            info(files, &at, rows::version_of_snapshot_key(&key)?, &SnapshotRow::decode(&value)?)
        };
        rows.map(read).collect()
    }

    /// The snapshot of an aggregate at a version; none when there is no such snapshot.
    ///
    /// # Errors
    ///
    /// When it does not open, which is damage.
    pub fn snapshot(&self, name: &AggregateRef, version: Version) -> Result<Option<Snapshot>, ReadError> {
        let files = &self.inner.files;
        let at = files.db.snapshot();
        let Some(number) = keys::number_of(&at, &files.spaces, name)? else { return Ok(None) };
        let Some(value) = at.get(&files.spaces.snapshots, rows::snapshot_key(number, version))? else {
            return Ok(None);
        };
        let row = SnapshotRow::decode(&value)?;
        let (salt, state) = open(files, number, name, version, &row)?;
        let info = info(files, &at, version, &row)?;
        Ok(Some(Snapshot { aggregate: name.clone(), info, salt, state }))
    }
}

fn info<S>(
    files: &Files,
    at: &fjall::Snapshot,
    version: Version,
    row: &SnapshotRow<S>,
) -> Result<SnapshotInfo, ReadError> {
    let recorded_at = files.header_at(at, row.position)?.recorded_at;
    Ok(SnapshotInfo { version, hash: row.hash, recorded_at, position: row.position })
}

/// Unseals a snapshot: its salt and the state.
pub(super) fn open(
    files: &Files,
    number: AggregateNumber,
    name: &AggregateRef,
    version: Version,
    row: &SnapshotRow<&[u8]>,
) -> Result<([u8; 32], Json), ReadError> {
    let damaged = |what: &str| ReadError::Damaged(format!("{name}: its snapshot at version {version} {what}"));
    let key = files.keys.of_row(number, name, row.key_id)?;
    let plain = key.cipher.open(&files.snapshot_binding(&key, name, version), row.sealed);
    let plain = plain.ok_or_else(|| damaged("does not open"))?;
    let plain = match row.compressed {
        true => lz4_flex::block::decompress_size_prepended(&plain).map_err(|_| damaged("does not unpack"))?,
        false => plain,
    };
    let (salt, state) = plain.split_first_chunk().ok_or_else(|| damaged("is too short"))?;
    let state = std::str::from_utf8(state).map_err(|_| damaged("is not text"))?;
    Ok((*salt, Json::trusted(state)))
}

/// A state from which folding goes on.
#[derive(Default)]
pub(crate) struct Folded {
    pub(crate) version: Version,
    pub(crate) state: Map<String, Value>,
}

/// The last snapshot at `version` or before that opens. One that does not is passed over: the events are there to be folded,
/// and `verify` tells of it.
pub(crate) fn nearest(
    files: &Files,
    at: &fjall::Snapshot,
    number: AggregateNumber,
    name: &AggregateRef,
    version: Version,
) -> Result<Option<Folded>, ReadError> {
    let keys = rows::snapshot_key(number, Version::default())..=rows::snapshot_key(number, version);
    for row in at.range(&files.spaces.snapshots, keys).rev() {
        let (key, value) = row.into_inner()?;
        let opened = rows::version_of_snapshot_key(&key).map_err(ReadError::from).and_then(|version| {
            let (_, state) = open(files, number, name, version, &SnapshotRow::decode(&value)?)?;
            let not_an_object =
                || ReadError::Damaged(format!("{name}: its snapshot at version {version} is no object"));
            let state = Json::members(state.as_str().as_bytes()).ok_or_else(not_an_object)?;
            Ok(Folded { version, state })
        });
        match opened {
            Ok(found) => return Ok(Some(found)),
            Err(error) => tracing::warn!(%error, "a snapshot is passed over: the state is folded from an earlier one"),
        }
    }
    Ok(None)
}
