//! Reads fields off the front of a row, and never past its end.

use super::RowFault;

/// What is left of a row.
pub(crate) struct Reader<'a> {
    row: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(row: &'static str, bytes: &'a [u8]) -> Self {
        Self { row, rest: bytes }
    }

    pub(crate) fn fault(&self, what: &'static str) -> RowFault {
        RowFault { row: self.row, what }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], RowFault> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.fault("too short"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], RowFault> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| self.fault("too short"))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, RowFault> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32, RowFault> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, RowFault> {
        self.array().map(u64::from_be_bytes)
    }

    /// Text behind a length of one byte.
    pub(crate) fn short_text(&mut self) -> Result<&'a str, RowFault> {
        let length = self.u8()?;
        self.text(usize::from(length))
    }

    pub(crate) fn text(&mut self, bytes: usize) -> Result<&'a str, RowFault> {
        std::str::from_utf8(self.bytes(bytes)?).map_err(|_| self.fault("text is not UTF-8"))
    }

    /// Expects this format version next.
    pub(crate) fn version(&mut self, known: u8) -> Result<(), RowFault> {
        if self.u8()? == known { Ok(()) } else { Err(self.fault("of an unknown format version")) }
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Expects that nothing is left.
    pub(crate) fn end(self) -> Result<(), RowFault> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.fault("too long")) }
    }
}
