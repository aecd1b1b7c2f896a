//! Paths into JSON: dotted, as people write them, or JSON Pointers (RFC 6901).

use std::fmt;

use serde_json::Value;

use super::{FilterFault, fault::Shown};
use crate::limits;

/// A path into a JSON value, e.g. `address.city`, `items[0].sku`, `payload."odd key"` or `/items/0/sku`.
///
/// A segment of digits names an element where it meets an array, and a member where it meets an object. It is displayed in
/// the dotted form, which parses back to the same path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path(Vec<Box<str>>);

/// What may stand at the beginning of a path.
pub(super) const A_SEGMENT: &str = "a name, or any other key in double quotes";

impl Path {
    /// Parses a dotted path, or a JSON Pointer where the text begins with `/`.
    ///
    /// # Errors
    ///
    /// When it is neither, or longer or deeper than its limits.
    pub fn parse(text: &str) -> Result<Self, FilterFault> {
        if text.len() > limits::FILTER_BYTES {
            return Err(FilterFault::too_long(text, limits::FILTER_BYTES, "FILTER_BYTES"));
        }
        if let Some(pointer) = text.strip_prefix('/') {
            return Self::pointer(text, pointer);
        }
        let (path, end) = Self::dotted(text, 0)?;
        if end < text.len() {
            return Err(FilterFault::new(
                text,
                end..text.len(),
                "the path goes on after its end",
                "`.`, `[` or nothing",
            ));
        }
        Ok(path)
    }

    /// The value to which the path leads.
    #[must_use]
    pub fn get<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |value, segment| match value {
            Value::Object(members) => members.get(&**segment),
            Value::Array(elements) => elements.get(array_index(segment)?),
            _ => None,
        })
    }

    /// Its segments, outermost first.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|segment| &**segment)
    }

    /// The dotted path that begins at `start`, and where it ends.
    pub(super) fn dotted(text: &str, start: usize) -> Result<(Self, usize), FilterFault> {
        let mut reader = Reader { text, at: start, segments: Vec::new() };
        loop {
            reader.segment()?;
            while reader.take('[') {
                reader.element()?;
            }
            if !reader.take('.') {
                break;
            }
        }
        let end = reader.at;
        Self::checked(text, start, end, reader.segments).map(|path| (path, end))
    }

    /// The path without its first segment.
    pub(super) fn rest(mut self) -> Self {
        self.0.drain(..1.min(self.0.len()));
        self
    }

    fn pointer(text: &str, pointer: &str) -> Result<Self, FilterFault> {
        let mut segments = Vec::new();
        let mut start = 1;
        for raw in pointer.split('/') {
            let mut escapes =
                raw.match_indices('~').filter(|(at, _)| !matches!(raw.as_bytes().get(at + 1), Some(b'0' | b'1')));
            if let Some((at, _)) = escapes.next() {
                let place = start + at..start + at + 1;
                return Err(FilterFault::new(
                    text,
                    place,
                    "`~` escapes nothing in this JSON Pointer",
                    "~0 for ~, ~1 for /",
                ));
            }
            segments.push(raw.replace("~1", "/").replace("~0", "~").into());
            start += raw.len() + 1;
        }
        Self::checked(text, 0, text.len(), segments)
    }

    fn checked(text: &str, start: usize, end: usize, segments: Vec<Box<str>>) -> Result<Self, FilterFault> {
        if segments.len() > limits::JSON_DEPTH {
            let message = format!("the path has {} segments, and no value lies that deep", segments.len());
            let expected = format!("at most {} (JSON_DEPTH)", limits::JSON_DEPTH);
            return Err(FilterFault::new(text, start..end, message, expected));
        }
        Ok(Self(segments))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            if !segment.is_empty() && segment.chars().all(is_plain) {
                f.write_str(segment)?;
            } else {
                write!(f, "\"{}\"", segment.replace('"', "\"\""))?;
            }
        }
        Ok(())
    }
}

/// The element that a segment names where it meets an array: digits without a leading zero (RFC 6901, section 4).
pub(super) fn array_index(segment: &str) -> Option<usize> {
    let canonical = segment == "0" || !segment.starts_with('0') && segment.bytes().all(|byte| byte.is_ascii_digit());
    canonical.then(|| segment.parse().ok()).flatten()
}

/// What may stand in a segment without quotes.
pub(super) fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | '$')
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    segments: Vec<Box<str>>,
}

impl Reader<'_> {
    fn segment(&mut self) -> Result<(), FilterFault> {
        let rest = &self.text[self.at..];
        if let Some(quoted) = rest.strip_prefix('"') {
            let Some((segment, length)) = quoted_text(quoted, '"') else {
                return Err(self.fault(rest.len(), "a quoted segment does not end", "a closing `\"`"));
            };
            self.segments.push(segment.into());
            self.at += 1 + length;
            return Ok(());
        }
        let length = rest.find(|c| !is_plain(c)).unwrap_or(rest.len());
        if length == 0 {
            let wrong = rest.chars().next().map_or(0, char::len_utf8);
            return Err(self.fault(wrong, "a segment of a path is missing", A_SEGMENT));
        }
        self.segments.push(rest[..length].into());
        self.at += length;
        Ok(())
    }

    /// What follows `[`.
    fn element(&mut self) -> Result<(), FilterFault> {
        let rest = &self.text[self.at..];
        let length = rest.find(']').unwrap_or(rest.len());
        let index = &rest[..length];
        if length == rest.len() || array_index(index).is_none() {
            let message = format!("{} is no index of an array", Shown(index));
            return Err(self.fault(length, message, "digits and `]`"));
        }
        self.segments.push(index.into());
        self.at += length + 1;
        Ok(())
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.text[self.at..].starts_with(wanted);
        self.at += usize::from(found);
        found
    }

    fn fault(&self, length: usize, message: impl Into<String>, expected: &str) -> FilterFault {
        FilterFault::new(self.text, self.at..self.at + length, message, expected)
    }
}

/// The text up to its closing quote (a doubled one stands for itself), and its length in bytes with that quote.
pub(super) fn quoted_text(text: &str, quote: char) -> Option<(String, usize)> {
    let mut content = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            content.push(c);
        } else if text[at + 1..].starts_with(quote) {
            content.push(quote);
            chars.next();
        } else {
            return Some((content, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests;
