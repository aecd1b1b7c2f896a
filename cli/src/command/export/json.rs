//! JSON: rows as the daemon lists them, in one document or one per line.

use std::io::Write;

use super::Sink;
use crate::json;

/// One object per line.
pub(super) struct Lines<W>(pub(super) W);

impl<W: Write> Sink for Lines<W> {
    fn row(&mut self, row: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.0, "{}", json::compact(row))?)
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        Ok(self.0.flush()?)
    }
}

/// `{"as_of", "rows"}`, with each row on a line of its own.
pub(super) struct Document<W> {
    out: W,
    rows: u64,
}

impl<W: Write> Document<W> {
    pub(super) fn begin(mut out: W, as_of: u64) -> anyhow::Result<Self> {
        write!(out, r#"{{"as_of":{as_of},"rows":["#)?;
        Ok(Self { out, rows: 0 })
    }
}

impl<W: Write> Sink for Document<W> {
    fn row(&mut self, row: &str) -> anyhow::Result<()> {
        let comma = if self.rows == 0 { "" } else { "," };
        self.rows += 1;
        Ok(write!(self.out, "{comma}\n{}", json::compact(row))?)
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        writeln!(self.out, "\n]}}")?;
        Ok(self.out.flush()?)
    }
}
