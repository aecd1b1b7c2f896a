//! How much one page holds, and where the next begins.

use eventdbx_store::limits::PAGE_ROWS;

use super::ApiError;
use crate::wire::ErrorCode;

/// Rows of a page when the request does not say.
const DEFAULT_ROWS: usize = 100;

/// How many rows to read. More than `PAGE_ROWS` are never given at a time: `next` says where to go on.
pub(super) fn rows(limit: Option<usize>) -> Result<usize, ApiError> {
    match limit {
        Some(0) => Err(ApiError::new(ErrorCode::BadRequest, "`limit` must be at least 1")),
        limit => Ok(limit.unwrap_or(DEFAULT_ROWS).min(PAGE_ROWS)),
    }
}

/// Where the page after the one that ends with `last` begins; none: there is none.
pub(super) fn next(last: Option<u64>, more: bool, reverse: bool) -> Option<u64> {
    let last = last.filter(|_| more)?;
    if reverse { last.checked_sub(1).filter(|next| *next > 0) } else { last.checked_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_at_least_one_row_and_at_most_the_limit() {
        assert!(rows(Some(0)).is_err());
        assert_eq!(rows(None).unwrap(), DEFAULT_ROWS);
        assert_eq!(rows(Some(usize::MAX)).unwrap(), PAGE_ROWS);
    }

    #[test]
    fn the_next_page_begins_beside_the_last_row() {
        assert_eq!(next(Some(7), true, false), Some(8));
        assert_eq!(next(Some(7), true, true), Some(6));
        assert_eq!(next(Some(1), true, true), None);
        assert_eq!(next(Some(7), false, false), None);
        assert_eq!(next(None, true, false), None);
    }
}
