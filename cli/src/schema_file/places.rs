//! Where the parts of a document stand in the file.

use std::{collections::BTreeMap, ops::Range};

/// Lines of the parts of a document, by their JSON Pointers.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(BTreeMap<String, usize>);

impl Places {
    /// Notes where a part begins.
    pub(super) fn add(&mut self, pointer: &str, line: usize) {
        self.0.entry(pointer.to_owned()).or_insert(line);
    }

    /// The line of a part, or of what it lies in; none: it is not known.
    pub(super) fn line(&self, pointer: &str) -> Option<usize> {
        let mut pointer = pointer;
        loop {
            if let Some(line) = self.0.get(pointer) {
                return Some(*line);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}

/// The line, counted from 1, on which a part of a text begins.
pub(super) fn line_of(text: &str, span: &Range<usize>) -> usize {
    1 + text.as_bytes().iter().take(span.start).filter(|byte| **byte == b'\n').count()
}

/// A step of a JSON Pointer.
pub(super) fn step(above: &str, name: &str) -> String {
    format!("{above}/{}", name.replace('~', "~0").replace('/', "~1"))
}
