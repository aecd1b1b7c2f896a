//! Rules: what a value of a column must be besides being of its type. Regular expressions are compiled when the document
//! is read, bounds and choices are read as values of their column.

use std::fmt;

use serde_json::Value;

use super::{
    column::{Column, Quantity, Read},
    format::Format,
    violation::quoted,
};
use crate::limits;

/// The rules of a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Rules {
    pub(super) format: Option<Format>,
    pub(super) length: Length,
    pub(super) range: Range,
    pub(super) regex: Option<Pattern>,
    pub(super) contains: Option<String>,
    pub(super) does_not_contain: Option<String>,
    /// Not empty where it is given.
    pub(super) choices: Option<Vec<Choice>>,
}

/// Characters of a text, bytes of binary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Length {
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
}

/// Bounds that belong to the range.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Range {
    pub(super) min: Option<Bound>,
    pub(super) max: Option<Bound>,
}

/// A bound, as it is written and as the column reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    pub(super) written: Value,
    pub(super) quantity: Quantity,
}

/// One of the values that may be there; those that have an order are compared by value, others as they are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    pub(super) written: Value,
    pub(super) quantity: Option<Quantity>,
}

impl Choice {
    /// Reads a choice of the column; none: it is not of its type.
    pub(super) fn read(column: &Column, written: &Value) -> Option<Self> {
        let quantity = match column.read(written)? {
            Read::Quantity(quantity) => Some(quantity),
            _ => None,
        };
        Some(Self { written: written.clone(), quantity })
    }

    fn is(&self, read: &Read<'_>) -> bool {
        match read {
            Read::Quantity(quantity) => self.quantity == Some(*quantity),
            Read::Text(text) => self.written.as_str() == Some(*text),
            Read::Boolean(truth) => self.written.as_bool() == Some(*truth),
            Read::Binary(_) | Read::Whole => false,
        }
    }
}

/// A regular expression. It matches anywhere in the text unless it is anchored (`^…$`), in time linear in the text.
#[derive(Debug, Clone)]
pub(super) struct Pattern(regex::Regex);

impl Pattern {
    /// Compiles one within the limits on its text and on its memory.
    pub(super) fn new(text: &str) -> Result<Self, regex::Error> {
        regex::RegexBuilder::new(text).size_limit(limits::SCHEMA_REGEX_MEMORY).build().map(Self)
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Rules {
    /// Tells `broken` each rule that a value breaks: its stable name and what it asks for, in words.
    pub(super) fn check(&self, read: &Read<'_>, mut broken: impl FnMut(&'static str, String)) {
        match read {
            Read::Text(text) => self.check_text(text, &mut broken),
            Read::Binary(length) if !self.length.admits(*length) => broken("length", self.length.in_words("bytes")),
            Read::Quantity(quantity) if !self.range.admits(*quantity) => broken("range", self.range.to_string()),
            _ => {}
        }
        if let Some(choices) = &self.choices
            && !choices.iter().any(|choice| choice.is(read))
        {
            broken("enum", in_words(choices));
        }
    }

    fn check_text(&self, text: &str, broken: &mut impl FnMut(&'static str, String)) {
        if let Some(format) = self.format
            && !format.fits(text)
        {
            broken("format", format.description().to_owned());
        }
        if self.length != Length::default() && !self.length.admits(text.chars().count() as u64) {
            broken("length", self.length.in_words("characters"));
        }
        if let Some(pattern) = &self.regex
            && !pattern.0.is_match(text)
        {
            broken("regex", format!("a text that matches {}", quoted(pattern.as_str())));
        }
        if let Some(part) = &self.contains
            && !text.contains(part.as_str())
        {
            broken("contains", format!("a text that contains {}", quoted(part)));
        }
        if let Some(part) = &self.does_not_contain
            && text.contains(part.as_str())
        {
            broken("does-not-contain", format!("a text that does not contain {}", quoted(part)));
        }
    }
}

impl Length {
    pub(super) fn admits(self, length: u64) -> bool {
        self.min.is_none_or(|min| min <= length) && self.max.is_none_or(|max| length <= max)
    }

    fn in_words(self, unit: &str) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("{min} to {max} {unit}"),
            (Some(min), None) => format!("at least {min} {unit}"),
            (None, Some(max)) => format!("at most {max} {unit}"),
            (None, None) => format!("any number of {unit}"),
        }
    }
}

impl Range {
    fn admits(&self, quantity: Quantity) -> bool {
        self.min.as_ref().is_none_or(|min| min.quantity <= quantity)
            && self.max.as_ref().is_none_or(|max| quantity <= max.quantity)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.min, &self.max) {
            (Some(min), Some(max)) => write!(f, "a value from {} to {}", min.written, max.written),
            (Some(min), None) => write!(f, "a value of at least {}", min.written),
            (None, Some(max)) => write!(f, "a value of at most {}", max.written),
            (None, None) => f.write_str("any value"),
        }
    }
}

/// Choices that a violation lists before it says how many more there are.
const LISTED: usize = 8;

fn in_words(choices: &[Choice]) -> String {
    let shown = |choice: &Choice| match &choice.written {
        Value::String(text) => quoted(text),
        other => other.to_string(),
    };
    let listed: Vec<String> = choices.iter().take(LISTED).map(shown).collect();
    let more = choices.len().saturating_sub(LISTED);
    let rest = if more > 0 { format!(" or one of {more} more") } else { String::new() };
    format!("one of {}{rest}", listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_in_use_fit_into_the_memory_limit() {
        for text in [
            r"^\w{3,32}$",
            r"^\p{Lu}[\p{L} '-]{0,63}$",
            r"^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$",
            r"(?i)^straße \d{1,4}[a-z]?$",
        ] {
            assert!(Pattern::new(text).is_ok(), "{text}");
        }
        for text in [r"\w{1000}", r"(a{1000}){1000}", r"(?:\pL{100}){100}"] {
            assert!(matches!(Pattern::new(text), Err(regex::Error::CompiledTooBig(_))), "{text}");
        }
    }
}
