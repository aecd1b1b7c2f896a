//! Reads the book from the log.

use fjall::{Readable, Snapshot};

use super::{
    Change, SchemaBook,
    change::{schemas, settings},
};
use crate::{AggregateNumber, ReadError, files::Files, keys, read::rows_between, rows};

/// What the log says up to its end as of `at`.
pub(crate) fn load(files: &Files, at: &Snapshot) -> Result<SchemaBook, ReadError> {
    let mut numbers: Vec<AggregateNumber> = keys::number_of(at, &files.spaces, &settings())?.into_iter().collect();
    for row in at.prefix(&files.spaces.names, rows::kind_prefix(&schemas())) {
        numbers.push(AggregateNumber::new(rows::number(&row.value()?, "names")?));
    }
    let mut book = SchemaBook::default();
    for number in numbers {
        for row in rows_between(files, at, number, 1, u64::MAX) {
            let (position, row) = row?;
            let event = files.open_row(position, &row)?.event;
            if let Some(change) = Change::of(&event)? {
                book = book.after(&change, &event)?;
            }
        }
    }
    Ok(book)
}
