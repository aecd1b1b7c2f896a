//! The flights: those that are part of the program, or those of a file, with the answers that are expected.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::Value;

/// See `tests/data/README.md`.
const DAY: &[u8] = include_bytes!("../../../tests/data/flights-2013-01-01.ndjson.gz");
const DAY_EXPECTED: &[u8] = include_bytes!("../../../tests/data/flights-2013-01-01.expected.json");

/// Events, one per line, and what is expected of them.
pub(super) struct Flights {
    pub(super) title: String,
    text: Bytes,
    /// Where each line ends, its line end included.
    ends: Vec<usize>,
    pub(super) expected: Option<Expected>,
}

/// What the read models must answer; counted from the source rows of the flights, not from the events.
#[derive(Debug, Deserialize)]
pub(super) struct Expected {
    pub(super) carriers: Value,
    pub(super) departures_by_hour: Value,
    pub(super) aircraft_miles_top10: Value,
    pub(super) aircraft_miles_total: Value,
}

/// An aggregate, by name.
#[derive(Debug, Deserialize)]
pub(super) struct Name {
    #[serde(rename = "aggregate_type")]
    pub(super) kind: String,
    #[serde(rename = "aggregate_id")]
    pub(super) id: String,
}

impl Flights {
    /// The day that the program carries.
    pub(super) fn embedded() -> anyhow::Result<Self> {
        let expected = serde_json::from_slice(DAY_EXPECTED)?;
        let title = "the flights of 1 January 2013 from New York".to_owned();
        Ok(Self::new(title, unpacked(DAY.to_vec())?, Some(expected)))
    }

    /// A file, with `NAME.expected.json` for `NAME.ndjson` or `NAME.ndjson.gz` where that lies beside it.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = name.trim_end_matches(".gz").trim_end_matches(".ndjson");
        let expected = match fs::read(path.with_file_name(format!("{stem}.expected.json"))) {
            Ok(text) => Some(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self::new(stem.to_owned(), unpacked(fs::read(path)?)?, expected))
    }

    fn new(title: String, text: Vec<u8>, expected: Option<Expected>) -> Self {
        let line_ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(index, _)| index + 1);
        let mut ends: Vec<usize> = line_ends.collect();
        if ends.last().copied().unwrap_or(0) < text.len() {
            ends.push(text.len());
        }
        Self { title, text: text.into(), ends, expected }
    }

    pub(super) fn lines(&self) -> u64 {
        self.ends.len() as u64
    }

    /// So many fifths of the lines.
    pub(super) fn fifths(&self, number: u64) -> u64 {
        self.lines() * number / 5
    }

    /// The lines after the first `from`, up to and including line `to`.
    pub(super) fn between(&self, from: u64, to: u64) -> Bytes {
        self.text.slice(self.offset(from)..self.offset(to))
    }

    fn offset(&self, lines: u64) -> usize {
        usize::try_from(lines).ok().and_then(|lines| self.ends.get(lines.checked_sub(1)?)).copied().unwrap_or(0)
    }

    /// The aggregate of the first event.
    pub(super) fn first(&self) -> anyhow::Result<Name> {
        Ok(serde_json::from_slice(&self.between(0, 1))?)
    }
}

fn unpacked(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_whole() {
        let flights = Flights::embedded().unwrap();
        assert_eq!(flights.lines(), 2515);
        assert_eq!(flights.first().unwrap().id, "UA1545-20130101-EWR");
        assert_eq!(flights.between(0, 2515).len(), flights.text.len());
        assert_eq!(flights.between(0, 500).len() + flights.between(500, 2515).len(), flights.text.len());
        assert_eq!(flights.expected.unwrap().carriers.as_object().unwrap().len(), 14);
    }

    #[test]
    fn a_last_line_without_an_end_counts() {
        let flights = Flights::new(String::new(), b"{}\n{}".to_vec(), None);
        assert_eq!(flights.lines(), 2);
        assert_eq!(flights.between(1, 2), "{}");
    }
}
