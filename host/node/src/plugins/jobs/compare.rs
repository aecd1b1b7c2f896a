//! Comparing the tables of two generations, a slice at a time, at one moment each.

use std::cmp::Ordering;

use eventdbx_store::plugindb::{PluginDbError, Rows, Tables};

use super::{Difference, SampledKey, TableDifference, record::NamedTable};

/// Rows of one step.
const STEP_ROWS: usize = 2000;
/// Keys of each kind of difference that are kept of a table.
const SAMPLED: usize = 10;
/// Bytes of a key that are shown.
const SHOWN_BYTES: usize = 128;

/// A row: key and value.
type Row = (Vec<u8>, Vec<u8>);

/// A comparison under way.
pub(super) struct Comparing {
    live: Tables,
    replay: Tables,
    names: Vec<NamedTable>,
    /// One for each table that was begun.
    found: Vec<TableDifference>,
    /// Of the table that is being compared.
    sides: [Side; 2],
}

/// What is left of a table on one side, and the first row of it.
struct Side {
    rows: Option<Rows>,
    first: Option<Row>,
}

impl Side {
    fn over(tables: &Tables, table: u16) -> Result<Self, PluginDbError> {
        let mut side = Self { rows: Some(tables.range(table, None, None)), first: None };
        side.advance()?;
        Ok(side)
    }

    fn advance(&mut self) -> Result<(), PluginDbError> {
        self.first = self.rows.as_mut().and_then(Iterator::next).transpose()?;
        Ok(())
    }
}

impl Comparing {
    pub(super) fn new(live: Tables, replay: Tables, names: Vec<NamedTable>) -> Self {
        let nothing = || Side { rows: None, first: None };
        Self { live, replay, names, found: Vec::new(), sides: [nothing(), nothing()] }
    }

    /// Compares some rows; what was found, once all tables are through.
    pub(super) fn step(&mut self) -> Result<Option<Vec<TableDifference>>, PluginDbError> {
        for _ in 0..STEP_ROWS {
            if !self.row()? && !self.next_table()? {
                return Ok(Some(std::mem::take(&mut self.found)));
            }
        }
        Ok(None)
    }

    /// Begins with the next table; false: there is none.
    fn next_table(&mut self) -> Result<bool, PluginDbError> {
        let Some(named) = self.names.get(self.found.len()) else { return Ok(false) };
        // A plugin has few tables, which are counted as u16 wherever rows are keyed by them.
        let table = u16::try_from(self.found.len()).unwrap_or(u16::MAX);
        self.sides = [Side::over(&self.live, table)?, Side::over(&self.replay, table)?];
        self.found.push(TableDifference { table: named.name.clone(), ..TableDifference::default() });
        Ok(true)
    }

    /// Compares the next row of the table; false: there is none.
    fn row(&mut self) -> Result<bool, PluginDbError> {
        let [live, replay] = &mut self.sides;
        let order = match (&live.first, &replay.first) {
            (None, None) => return Ok(false),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((ours, _)), Some((theirs, _))) => ours.cmp(theirs),
        };
        let key = if order == Ordering::Greater { &replay.first } else { &live.first };
        let key = key.as_ref().map(|(key, _)| key.clone()).unwrap_or_default();
        let difference = match order {
            Ordering::Less => Some(Difference::OnlyLive),
            Ordering::Greater => Some(Difference::OnlyReplay),
            Ordering::Equal if live.first != replay.first => Some(Difference::Differs),
            Ordering::Equal => None,
        };
        if order != Ordering::Greater {
            live.advance()?;
        }
        if order != Ordering::Less {
            replay.advance()?;
        }
        self.count(difference, &key);
        Ok(true)
    }

    fn count(&mut self, difference: Option<Difference>, key: &[u8]) {
        let format = self.names.get(self.found.len().saturating_sub(1)).map_or("bytes", |named| &named.key_format);
        let Some(found) = self.found.last_mut() else { return };
        let count = match difference {
            None => &mut found.equal,
            Some(Difference::OnlyLive) => &mut found.only_live,
            Some(Difference::OnlyReplay) => &mut found.only_replay,
            Some(Difference::Differs) => &mut found.differing,
        };
        *count += 1;
        if let Some(row) = difference
            && *count <= SAMPLED as u64
        {
            found.sample.push(SampledKey { row, key: shown(key, format) });
        }
    }
}

/// A key as its table's format says.
fn shown(key: &[u8], format: &str) -> String {
    let text = match format {
        "text" | "json" => std::str::from_utf8(key).ok().map(str::to_owned),
        "u64" => <[u8; 8]>::try_from(key).ok().map(|bytes| u64::from_be_bytes(bytes).to_string()),
        _ => None,
    };
    let text = text.unwrap_or_else(|| key.iter().take(SHOWN_BYTES).map(|byte| format!("{byte:02x}")).collect());
    if text.chars().count() <= 2 * SHOWN_BYTES {
        return text;
    }
    text.chars().take(2 * SHOWN_BYTES).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn keys_are_shown_as_their_format_says() {
        assert_eq!(shown(b"EWR", "text"), "EWR");
        assert_eq!(shown(&7_u64.to_be_bytes(), "u64"), "7");
        assert_eq!(shown(&[0, 255], "bytes"), "00ff");
        assert_eq!(shown(&[0, 255], "text"), "00ff", "what is not what it should be is still shown");
        assert_eq!(shown("x".repeat(1000).as_bytes(), "text").chars().count(), 257);
    }
}
