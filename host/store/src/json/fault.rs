//! What is wrong with a JSON text, told without repeating what the text says.

use std::borrow::Cow;

use crate::limits;

/// What is wrong with a JSON text. It names members, cut to a readable length, and never repeats values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JsonFault {
    /// Where: a JSON Pointer (RFC 6901) to the value at fault; empty: the whole text.
    pub path: String,
    /// Machine-readable and stable: `not-json`, `wrong-shape`, `too-large`, `too-deep`, `duplicate-member`,
    /// `number-not-exact`, `lone-surrogate`.
    pub code: &'static str,
    /// For people: what is wrong, at which line and column, and what to do.
    pub message: String,
    /// Where, in bytes from the beginning of the text.
    pub offset: usize,
}

/// Longest name of a member that an error repeats, in characters.
const NAME_CHARS: usize = 64;

/// A fault on its way out of the nested values, which add their names to it.
pub(super) struct Broken {
    pub(super) code: &'static str,
    pub(super) offset: usize,
    pub(super) what: Cow<'static, str>,
    /// Innermost first.
    steps: Vec<String>,
}

pub(super) type Checked<T = ()> = Result<T, Box<Broken>>;

impl Broken {
    #[cold]
    pub(super) fn new(code: &'static str, offset: usize, what: impl Into<Cow<'static, str>>) -> Box<Self> {
        Box::new(Self { code, offset, what: what.into(), steps: Vec::new() })
    }

    #[cold]
    pub(super) fn under(mut self: Box<Self>, step: impl Into<String>) -> Box<Self> {
        self.steps.push(step.into());
        self
    }

    pub(super) fn in_text(self, text: &str) -> JsonFault {
        let before = &text.as_bytes()[..self.offset];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        let path = self.steps.iter().rev().map(|step| format!("/{}", escaped(step))).collect();
        let message = format!("{} (line {line}, column {column})", self.what);
        JsonFault { path, code: self.code, message, offset: self.offset }
    }
}

impl JsonFault {
    pub(super) fn too_large(bytes: usize, max_bytes: usize) -> Self {
        Self {
            path: String::new(),
            code: "too-large",
            message: format!("{bytes} bytes long, and at most {max_bytes} are taken"),
            offset: max_bytes,
        }
    }
}

/// The name of a member as errors show it.
pub(super) fn shown(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// The message about a text that is nested too deeply.
pub(super) fn too_deep() -> String {
    format!("nested more than {} levels deep (JSON_DEPTH)", limits::JSON_DEPTH)
}

/// A step of a JSON Pointer.
fn escaped(step: &str) -> Cow<'_, str> {
    if step.contains(['~', '/']) { Cow::Owned(step.replace('~', "~0").replace('/', "~1")) } else { Cow::Borrowed(step) }
}
