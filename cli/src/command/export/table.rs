//! CSV as RFC 4180 has it: a header, commas, lines that end with CR LF, quotes where they are needed.

use std::io::Write;

use csv::{Terminator, Writer, WriterBuilder};

use super::{
    Sink,
    cells::{self, Row},
    columns::Columns,
};

/// A table that is being written.
pub(super) struct Table<W: Write> {
    writer: Writer<W>,
    columns: Columns,
}

impl<W: Write> Table<W> {
    /// Writes the header.
    pub(super) fn begin(out: W, columns: Columns) -> anyhow::Result<Self> {
        let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        writer.write_record(columns.each().map(|(_, name, _)| name))?;
        Ok(Self { writer, columns })
    }
}

impl<W: Write> Sink for Table<W> {
    fn row(&mut self, row: &str) -> anyhow::Result<()> {
        let row = Row::read(row)?;
        self.columns.fit(&row)?;
        for (column, ..) in self.columns.each() {
            self.writer.write_field(column.of(&row).map(cells::text).unwrap_or_default())?;
        }
        Ok(self.writer.write_record(None::<&[u8]>)?)
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        Ok(self.writer.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_quotes_has_them_and_nothing_is_put_before_a_cell() {
        let row = r#"{"aggregate_type":"a","version":3,"state":{"t":"1,\"2\"\n=x","f":"=1+1","n":{"a":1},"e":""}}"#;
        let mut columns = Columns::of_states();
        columns.see(row).unwrap();
        let mut out = Vec::new();
        let mut table = Box::new(Table::begin(&mut out, columns).unwrap());
        table.row(row).unwrap();
        table.finish().unwrap();
        let text = String::from_utf8(out).unwrap();
        let (header, rows) = text.split_once("\r\n").unwrap();
        assert!(
            header.starts_with("aggregate_type,aggregate_id,")
                && header.ends_with("root,state.e,state.f,state.n,state.t")
        );
        assert_eq!(rows, "a,,3,,,,,,,=1+1,\"{\"\"a\"\":1}\",\"1,\"\"2\"\"\n=x\"\r\n");
    }
}
