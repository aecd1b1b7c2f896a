//! Fills a page up to its limits, and ends it where looking for rows has taken long enough.

use super::Page;
use crate::limits;

/// A page that is being filled. It always takes one row, however large.
pub(super) struct Pager<T, P> {
    page: Page<T, P>,
    limit: usize,
    bytes: usize,
    /// Rows that may still be looked at.
    left: usize,
}

impl<T, P> Pager<T, P> {
    pub(super) fn new(limit: usize) -> Self {
        Self { page: Page::empty(), limit: limit.clamp(1, limits::PAGE_ROWS), bytes: 0, left: limits::SCAN_ROWS }
    }

    /// Whether no further row is looked at. Asked before each row.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Whether a row of so many bytes has no room.
    pub(super) fn is_full(&self, bytes: usize) -> bool {
        self.has_all_rows() || (!self.page.rows.is_empty() && self.bytes + bytes > limits::PAGE_BYTES)
    }

    /// Passes over a row that is not wanted.
    pub(super) fn pass(&mut self, place: P) {
        self.left -= 1;
        self.page.last = Some(place);
    }

    /// Takes a row. Looking further, for whether there is another one, then soon ends.
    pub(super) fn push(&mut self, place: P, row: T, bytes: usize) {
        self.pass(place);
        self.page.rows.push(row);
        self.bytes += bytes;
        if self.has_all_rows() {
            self.left = self.left.min(limits::LOOK_AHEAD_ROWS);
        }
    }

    /// The page, with every row looked at.
    pub(super) fn finish(self) -> Page<T, P> {
        self.page
    }

    /// The page, where more may follow.
    pub(super) fn finish_early(self) -> Page<T, P> {
        Page { more: true, ..self.page }
    }

    fn has_all_rows(&self) -> bool {
        self.page.rows.len() == self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_after_so_many_rows_that_are_not_wanted() {
        let mut page = Pager::new(10);
        page.push(1, "found", 5);
        for place in 2..=limits::SCAN_ROWS {
            assert!(!page.is_spent());
            page.pass(place);
        }
        assert!(page.is_spent() && !page.is_full(1));
        let page = page.finish_early();
        assert_eq!(page, Page { rows: vec!["found"], more: true, last: Some(limits::SCAN_ROWS) });
    }

    #[test]
    fn once_it_is_full_it_looks_little_further() {
        let mut page = Pager::new(1);
        page.push(1, "found", 5);
        assert!(page.is_full(0) && !page.is_spent());
        for place in 0..limits::LOOK_AHEAD_ROWS {
            assert!(!page.is_spent());
            page.pass(place);
        }
        assert!(page.is_spent());
    }

    #[test]
    fn a_row_that_is_too_large_has_a_page_of_its_own() {
        let mut page = Pager::<&str, u64>::new(10);
        assert!(!page.is_full(limits::PAGE_BYTES * 2));
        page.push(1, "large", limits::PAGE_BYTES * 2);
        assert!(page.is_full(1));
    }
}
