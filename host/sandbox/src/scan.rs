//! A scan over a table as a call sees it: the committed entries with the writes of the call laid over them.

use std::{cmp::Ordering, collections::VecDeque, iter::Peekable};

use crate::{
    host::{Host, HostError, KeyRange},
    writes::{TableWrites, Write},
};

/// What one page may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageSize {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

/// One page, and where the following one begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) entries: Vec<(Vec<u8>, Vec<u8>)>,
    /// The `start` (with `reverse`: the `end`) of the following page.
    pub(crate) next: Option<Vec<u8>>,
}

/// Reads one page of `range`. Committed entries are fetched as they are needed, a page at a time.
pub(crate) fn scan(
    host: &mut dyn Host,
    table: usize,
    writes: &TableWrites,
    range: &KeyRange,
    size: PageSize,
) -> Result<Page, HostError> {
    let mut written = writes.range(range).peekable();
    let mut committed = Committed::new(host, table, range.clone(), size, writes.cleared);
    let mut page = Page { entries: Vec::new(), next: None };
    let mut bytes = 0;
    while let Some(step) = next_step(&mut written, &mut committed, range.reverse)? {
        if page.entries.len() == size.entries || bytes >= size.bytes {
            page.next = Some(bound(&page, step.0, range.reverse));
            break;
        }
        if let (key, Some(value)) = step {
            bytes += key.len() + value.len();
            page.entries.push((key, value));
        }
    }
    Ok(page)
}

/// Where a full page is continued: at the first key that did not fit, or, as an end is left out, before the last that did.
fn bound(page: &Page, first_left: Vec<u8>, reverse: bool) -> Vec<u8> {
    match page.entries.last() {
        Some((last, _)) if reverse => last.clone(),
        _ => first_left,
    }
}

/// A key and what it holds; none: this call removed it.
type Step = (Vec<u8>, Option<Vec<u8>>);

/// The next key of both sources; where they have the same, the write counts.
fn next_step<'a>(
    written: &mut Peekable<impl Iterator<Item = Write<'a>>>,
    committed: &mut Committed<'_>,
    reverse: bool,
) -> Result<Option<Step>, HostError> {
    let order = match (written.peek(), committed.peek()?) {
        (None, None) => return Ok(None),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some((key, _)), Some(other)) if reverse => other.cmp(key),
        (Some((key, _)), Some(other)) => (*key).cmp(other),
    };
    if order.is_ge() {
        let step = committed.pop().map(|(key, value)| (key, Some(value)));
        if order.is_gt() {
            return Ok(step);
        }
    }
    Ok(written.next().map(|(key, value)| (key.clone(), value.clone())))
}

/// The committed entries of a range, fetched as they are needed.
struct Committed<'a> {
    host: &'a mut dyn Host,
    table: usize,
    rest: KeyRange,
    size: PageSize,
    fetched: VecDeque<(Vec<u8>, Vec<u8>)>,
    done: bool,
}

impl<'a> Committed<'a> {
    fn new(host: &'a mut dyn Host, table: usize, rest: KeyRange, size: PageSize, cleared: bool) -> Self {
        let empty = matches!((&rest.start, &rest.end), (Some(start), Some(end)) if start >= end);
        Self { host, table, rest, size, fetched: VecDeque::new(), done: cleared || empty }
    }

    fn peek(&mut self) -> Result<Option<&Vec<u8>>, HostError> {
        while self.fetched.is_empty() && !self.done {
            // One more than a page holds, so that the usual scan learns from one read that it was the last.
            let page = self.host.scan(self.table, &self.rest, self.size.entries + 1, self.size.bytes)?;
            let Some((last, _)) = page.entries.last() else {
                self.done = true;
                break;
            };
            if self.rest.reverse {
                self.rest.end = Some(last.clone());
            } else {
                let mut after = last.clone();
                after.push(0);
                self.rest.start = Some(after);
            }
            self.done = !page.more;
            self.fetched = page.entries.into();
        }
        Ok(self.fetched.front().map(|(key, _)| key))
    }

    fn pop(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        self.fetched.pop_front()
    }
}
