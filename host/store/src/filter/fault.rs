//! What is wrong with an expression, shown in the expression.

use std::{fmt, ops::Range};

/// What is wrong with a filter, a sort order or a path.
///
/// Displayed, it shows the expression on one line and a caret under the place:
///
/// ```text
/// a comparison has no right side
///   total >
///          ^
/// expected: a path, 'text', a number, true, false or null
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.rendered())]
pub struct FilterFault {
    /// The expression, whole.
    pub expression: String,
    /// Where, in bytes from the beginning of the expression; its length where something is missing at the end.
    pub at: usize,
    /// How many bytes are at fault; 0 where something is missing.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub expected: String,
}

/// Characters of the expression that are shown before and after the beginning of the place: more do not fit a terminal.
const SHOWN_BEFORE: usize = 48;
const SHOWN_AFTER: usize = 64;

impl FilterFault {
    #[cold]
    pub(super) fn new(
        expression: &str,
        place: Range<usize>,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let (expression, message, expected) = (expression.to_owned(), message.into(), expected.into());
        Self { expression, at: place.start, length: place.len(), message, expected }
    }

    /// A fault of the whole text, which is longer than a limit; only its beginning is kept.
    #[cold]
    pub(super) fn too_long(text: &str, max_bytes: usize, limit: &str) -> Self {
        let end = text.floor_char_boundary(max_bytes);
        let message = format!("the expression is {} bytes long", text.len());
        Self::new(&text[..end], end..end, message, format!("at most {max_bytes} bytes ({limit})"))
    }

    fn rendered(&self) -> String {
        let before = self.expression[..self.at].chars().count();
        let length = self.expression[self.at..self.at + self.length].chars().count().max(1);
        let first = before.saturating_sub(SHOWN_BEFORE);
        let shown = before - first + SHOWN_AFTER;
        let mut line = self.expression.chars().skip(first);
        // Line breaks, tabs and what would move a terminal's cursor: one column each, so that the caret stays in place.
        let cut: String = line.by_ref().take(shown).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let (left, right) = (if first > 0 { "…" } else { "" }, if line.next().is_some() { "…" } else { "" });
        let indent = " ".repeat(before - first + left.chars().count());
        let carets = "^".repeat(length.min(SHOWN_AFTER));
        format!("{}\n  {left}{cut}{right}\n  {indent}{carets}\nexpected: {}", self.message, self.expected)
    }
}

/// A word or symbol of the expression as a message repeats it, cut to a readable length.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHARS: usize = 40;
        let mut chars = self.0.chars().map(|c| if c.is_control() { ' ' } else { c });
        let cut: String = chars.by_ref().take(CHARS).collect();
        write!(f, "`{cut}{}`", if chars.next().is_some() { "…" } else { "" })
    }
}
