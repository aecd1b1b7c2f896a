//! The only place that writes to the terminal: data to standard output, everything else to standard error.

use std::io::{self, Write};

use clap::{
    ValueEnum,
    builder::styling::{AnsiColor, Style},
};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::{fail::ReaderGone, json};

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // NOTE: no doc comments here: clap would spread them over every page of help.
    // For people: tables and sentences, which may change from version to version.
    Table,
    // One JSON document, laid out.
    Json,
    // One JSON document per line.
    Ndjson,
}

/// Success, emphasis, and what matters less.
pub(crate) const GREEN: Style = Style::new().fg_color(Some(clap::builder::styling::Color::Ansi(AnsiColor::Green)));
pub(crate) const YELLOW: Style = Style::new().fg_color(Some(clap::builder::styling::Color::Ansi(AnsiColor::Yellow)));
pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();

/// Writes one line of data.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(closed)
}

/// Says something on standard error that is not data.
pub(crate) fn note(text: &str) {
    // NOTE: nobody listens on a closed standard error; the exit code still tells.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

fn closed(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => ReaderGone.into(),
        _ => anyhow::Error::new(error).context("writing to standard output"),
    }
}

impl Format {
    /// Writes one answer of the daemon: its JSON, or what `table` makes of it for people.
    pub(crate) fn answer<T: serde::de::DeserializeOwned>(
        self,
        text: &str,
        table: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        match self {
            Self::Json => line(&json::pretty(text)),
            Self::Ndjson => line(&json::compact(text)),
            Self::Table => line(table(&serde_json::from_str(text)?).trim_end()),
        }
    }
}

/// A table without lines, with a header, as wide as the terminal.
pub(crate) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.map(str::to_uppercase));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Aligns the named columns to the right, as numbers want it.
pub(crate) fn numbers(table: &mut Table, columns: &[usize]) {
    for index in columns {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A table without the spaces that pad its last column.
pub(crate) fn render(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Names and values, one pair a line.
pub(crate) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let pairs: Vec<_> = pairs.into_iter().collect();
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = pairs.iter().map(|(name, value)| format!("{DIM}{name:width$}{DIM:#}  {value}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The first characters of a text, with a mark where that is not all of it.
pub(crate) fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// 1234567 as `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `one event`, `2 events`.
pub(crate) fn some(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{} {thing}s", count(number)) }
}

/// A size in bytes as people say it.
pub(crate) fn bytes(size: u64) -> String {
    indicatif::HumanBytes(size).to_string()
}

/// Events per second.
#[expect(clippy::cast_precision_loss, clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "for people")]
pub(crate) fn rate(events: u64, elapsed: std::time::Duration) -> String {
    format!("{}/s", count((events as f64 / elapsed.as_secs_f64().max(1e-6)) as u64))
}

/// A duration as people say it: `12 ms`, `3.4 s`, `2 min 5 s`, `3 h 20 min`.
pub(crate) fn duration(elapsed: std::time::Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0 => format!("{} ms", elapsed.as_millis()),
        1..60 => format!("{:.1} s", elapsed.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(some(1, "event"), "1 event");
        assert_eq!(some(2515, "event"), "2,515 events");
        let seconds = [0.012, 3.44, 125.0, 12_000.0, 100_000.0].map(Duration::from_secs_f64);
        assert_eq!(seconds.map(duration), ["12 ms", "3.4 s", "2 min 5 s", "3 h 20 min", "1 d 3 h"]);
    }
}
