//! The values at several paths of a JSON text, in one pass over it.
//!
//! The text was checked when it was taken in (RFC 8259, no member twice), so what is not wanted is skipped by its brackets
//! and quotes alone, and reading ends with the last wanted value. That is why this is hand-written: a parser that checks
//! everything anew costs several times as much, and it gives no text of nested values whose members are wanted too. On text
//! that was never checked the outcome is some values or none, never a panic and never a loop.

use super::{Datum, Path, expression::Slot, path::array_index};

/// Wanted paths of one document.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    root: Node,
    wanted: usize,
}

#[derive(Debug, Clone, Default)]
struct Node {
    /// Where the value itself goes, if it is wanted.
    slot: Option<Slot>,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
struct Step {
    name: Box<str>,
    /// The element that the step leads to in an array.
    index: Option<usize>,
    node: Node,
}

impl Tree {
    /// Adds a path that is not among them yet.
    pub(super) fn want(&mut self, path: &Path, slot: Slot) {
        let mut node = &mut self.root;
        for segment in path.segments() {
            let known = node.steps.iter().position(|step| &*step.name == segment);
            let at = known.unwrap_or_else(|| {
                let index = array_index(segment);
                node.steps.push(Step { name: segment.into(), index, node: Node::default() });
                node.steps.len() - 1
            });
            node = &mut node.steps[at].node;
        }
        node.slot = Some(slot);
        self.wanted += 1;
    }

    /// Puts what is found into its slots.
    pub(super) fn extract<'r>(&self, text: &'r str, slots: &mut [Option<Datum<'r>>]) {
        let mut scan = Scan { text, bytes: text.as_bytes(), at: 0, slots, missing: self.wanted };
        scan.space();
        // Whether the scan ended with the text, with the last wanted value or at what is no JSON is all the same.
        let _ = scan.value(&self.root);
    }
}

struct Scan<'r, 's> {
    text: &'r str,
    bytes: &'r [u8],
    at: usize,
    slots: &'s mut [Option<Datum<'r>>],
    /// Wanted values that were not found yet.
    missing: usize,
}

/// None: there is nothing more to find.
type More<T = ()> = Option<T>;

impl<'r> Scan<'r, '_> {
    fn value(&mut self, node: &Node) -> More {
        let start = self.at;
        match self.peek()? {
            b'{' if !node.steps.is_empty() => self.members(node)?,
            b'[' if !node.steps.is_empty() => self.elements(node)?,
            _ => self.skip()?,
        }
        if let Some(slot) = node.slot {
            self.slots[slot] = Some(Datum::of_json(self.text.get(start..self.at)?));
            self.missing -= 1;
            if self.missing == 0 {
                return None;
            }
        }
        Some(())
    }

    fn members(&mut self, node: &Node) -> More {
        self.at += 1;
        self.space();
        if self.takes(b'}') {
            return Some(());
        }
        loop {
            let step = self.member(node)?;
            self.space();
            match step {
                Some(step) => self.value(&step.node)?,
                None => self.skip()?,
            }
            if !self.goes_on(b'}')? {
                return Some(());
            }
        }
    }

    /// The name of a member and its colon: the step that it is, if it is one.
    fn member<'n>(&mut self, node: &'n Node) -> More<Option<&'n Step>> {
        let start = self.at;
        let escaped = self.string()?;
        let quoted = self.text.get(start..self.at)?;
        let step = if escaped {
            let name: String = serde_json::from_str(quoted).ok()?;
            node.steps.iter().find(|step| *step.name == name)
        } else {
            let name = quoted.get(1..quoted.len() - 1)?;
            node.steps.iter().find(|step| &*step.name == name)
        };
        self.space();
        self.takes(b':').then_some(step)
    }

    fn elements(&mut self, node: &Node) -> More {
        self.at += 1;
        self.space();
        if self.takes(b']') {
            return Some(());
        }
        for index in 0_usize.. {
            match node.steps.iter().find(|step| step.index == Some(index)) {
                Some(step) => self.value(&step.node)?,
                None => self.skip()?,
            }
            if !self.goes_on(b']')? {
                break;
            }
        }
        Some(())
    }

    /// Whether a comma follows, else `close` must.
    fn goes_on(&mut self, close: u8) -> More<bool> {
        self.space();
        if self.takes(b',') {
            self.space();
            return Some(true);
        }
        self.takes(close).then_some(false)
    }

    /// Skips a value.
    fn skip(&mut self) -> More {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' | b'[' => self.skip_nested(),
            _ => {
                let rest = self.bytes[self.at..].iter();
                let length = rest.take_while(|byte| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'));
                let length = length.count();
                self.at += length;
                (length > 0).then_some(())
            }
        }
    }

    fn skip_nested(&mut self) -> More {
        let mut open = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return Some(());
            }
        }
    }

    /// Skips a string; whether it has escapes.
    fn string(&mut self) -> More<bool> {
        if !self.takes(b'"') {
            return None;
        }
        let mut escaped = false;
        loop {
            let plain = self.bytes[self.at..].iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            self.at += plain + 1;
            if self.bytes[self.at - 1] == b'"' {
                return Some(escaped);
            }
            escaped = true;
            // What is escaped, so that a quote does not end the string.
            self.peek()?;
            self.at += 1;
        }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests;
