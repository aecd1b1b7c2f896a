//! The world as an instance sees it: the tables of one generation, and a log.

use std::sync::Arc;

use eventdbx_sandbox::{Host, HostError, KeyRange, Level, Outbound, ScanPage};
use eventdbx_store::plugindb::Tables;

use super::logs::Logs;
use crate::outbound::Link;

/// What an instance reads from. Without tables, for a dry run, there is nothing to read.
pub(super) struct TableHost {
    pub(super) tables: Option<Tables>,
    pub(super) logs: Arc<Logs>,
    /// What a transport may reach.
    pub(super) link: Option<Link>,
}

impl Host for TableHost {
    fn get(&mut self, table: usize, key: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        let Some(tables) = &self.tables else { return Ok(None) };
        tables.get(index(table)?, key).map_err(HostError::new)
    }

    fn scan(
        &mut self,
        table: usize,
        range: &KeyRange,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<ScanPage, HostError> {
        let Some(tables) = &self.tables else { return Ok(ScanPage::default()) };
        let mut rows = tables.range(index(table)?, range.start.as_deref(), range.end.as_deref());
        let mut page = ScanPage::default();
        let mut bytes = 0;
        while let Some(row) = if range.reverse { rows.next_back() } else { rows.next() } {
            if page.entries.len() >= max_entries || bytes >= max_bytes {
                page.more = true;
                break;
            }
            let (key, value) = row.map_err(HostError::new)?;
            bytes += key.len() + value.len();
            page.entries.push((key, value));
        }
        Ok(page)
    }

    fn log(&mut self, level: Level, message: &str, fields: Option<&str>) {
        self.logs.line(level, message, fields);
    }

    fn outbound(&mut self) -> Option<&mut dyn Outbound> {
        self.link.as_mut().map(|link| link as &mut dyn Outbound)
    }
}

fn index(table: usize) -> Result<u16, HostError> {
    u16::try_from(table).map_err(HostError::new)
}
