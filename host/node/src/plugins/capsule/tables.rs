//! The tables of a capsule: rows that were read while it was made, and that are all there is when it is tried.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use eventdbx_sandbox::{Host, HostError, KeyRange, Level, ScanPage};
use serde::{Deserialize, Serialize};

use crate::{
    limits::CAPSULE_BYTES,
    plugins::{host::TableHost, lock, logs::Logs},
};

/// Rows of tables, by number of the table.
pub(super) type Rows = BTreeMap<usize, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Rows of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CapsuleTable {
    pub(super) name: String,
    /// Key and value, both in Base64.
    rows: Vec<(String, String)>,
}

impl CapsuleTable {
    pub(super) fn of(name: &str, rows: &BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        let text = |bytes: &Vec<u8>| BASE64_STANDARD.encode(bytes);
        Self { name: name.to_owned(), rows: rows.iter().map(|(key, value)| (text(key), text(value))).collect() }
    }

    /// Its rows; none: they are no Base64.
    pub(super) fn rows(&self) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
        let bytes = |text: &String| BASE64_STANDARD.decode(text).ok();
        self.rows.iter().map(|(key, value)| Some((bytes(key)?, bytes(value)?))).collect()
    }
}

/// A host that writes down every row that is read.
pub(super) struct Recorder {
    pub(super) tables: TableHost,
    pub(super) read: Arc<Mutex<(Rows, usize)>>,
}

impl Recorder {
    fn note(&self, table: usize, key: &[u8], value: &[u8]) -> Result<(), HostError> {
        let mut read = lock(&self.read);
        let (rows, bytes) = &mut *read;
        if rows.entry(table).or_default().insert(key.to_vec(), value.to_vec()).is_none() {
            *bytes += key.len() + value.len();
        }
        if *bytes > CAPSULE_BYTES {
            let what = format!(
                "the plugin reads more of its tables than a capsule may hold: the limit CAPSULE_BYTES is {CAPSULE_BYTES}"
            );
            return Err(HostError::new(what));
        }
        Ok(())
    }
}

impl Host for Recorder {
    fn get(&mut self, table: usize, key: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        let value = self.tables.get(table, key)?;
        if let Some(value) = &value {
            self.note(table, key, value)?;
        }
        Ok(value)
    }

    fn scan(
        &mut self,
        table: usize,
        range: &KeyRange,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<ScanPage, HostError> {
        let page = self.tables.scan(table, range, max_entries, max_bytes)?;
        page.entries.iter().try_for_each(|(key, value)| self.note(table, key, value))?;
        Ok(page)
    }

    fn log(&mut self, level: Level, message: &str, fields: Option<&str>) {
        self.tables.log(level, message, fields);
    }
}

/// A host whose tables are what a capsule holds.
pub(super) struct Kept {
    pub(super) rows: Rows,
    pub(super) logs: Arc<Logs>,
}

impl Host for Kept {
    fn get(&mut self, table: usize, key: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        Ok(self.rows.get(&table).and_then(|rows| rows.get(key)).cloned())
    }

    fn scan(
        &mut self,
        table: usize,
        range: &KeyRange,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<ScanPage, HostError> {
        let mut page = ScanPage::default();
        let Some(rows) = self.rows.get(&table) else { return Ok(page) };
        let start = range.start.clone().map_or(Bound::Unbounded, Bound::Included);
        let end = range.end.clone().map_or(Bound::Unbounded, Bound::Excluded);
        if matches!((&range.start, &range.end), (Some(start), Some(end)) if start >= end) {
            return Ok(page);
        }
        let mut bytes = 0;
        let mut rows = rows.range::<Vec<u8>, _>((start, end));
        while let Some((key, value)) = if range.reverse { rows.next_back() } else { rows.next() } {
            if page.entries.len() >= max_entries || bytes >= max_bytes {
                page.more = true;
                break;
            }
            bytes += key.len() + value.len();
            page.entries.push((key.clone(), value.clone()));
        }
        Ok(page)
    }

    fn log(&mut self, level: Level, message: &str, fields: Option<&str>) {
        self.logs.line(level, message, fields);
    }
}
