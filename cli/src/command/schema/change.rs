//! One change between two schemas, on one line.

use clap::builder::styling::{AnsiColor, Style};
use eventdbx_node::wire::SchemaChange;

use crate::{
    json,
    output::{DIM, GREEN, YELLOW},
};

/// Most characters of a value that people are shown.
const VALUE_CHARS: usize = 90;

const RED: Style = Style::new().fg_color(Some(clap::builder::styling::Color::Ansi(AnsiColor::Red)));

/// Changes as lines of a diff.
pub(super) fn lines(changes: &[SchemaChange]) -> impl Iterator<Item = String> {
    changes.iter().map(|change| line(change, true))
}

/// A change as a line of a diff. `warn`: says whether it narrows.
pub(super) fn line(change: &SchemaChange, warn: bool) -> String {
    let text = |raw: &Option<eventdbx_node::wire::Raw>| raw.as_ref().map_or_else(String::new, |raw| cut(raw.get()));
    let (from, to) = (text(&change.from), text(&change.to));
    let (sign, style, value) = match change.kind.as_str() {
        "added" => ("+", GREEN, to),
        "removed" => ("-", RED, from),
        _ => ("~", YELLOW, format!("{from} → {to}")),
    };
    let narrows = if change.narrows && warn { format!("  {DIM}narrows{DIM:#}") } else { String::new() };
    format!("  {style}{sign} {}{style:#} {value}{narrows}", change.pointer)
}

fn cut(json: &str) -> String {
    let text = json::compact(json);
    match text.char_indices().nth(VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
