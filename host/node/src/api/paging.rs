//! How much one page holds.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_at_least_one_row_and_at_most_the_limit() {
        assert!(rows(Some(0)).is_err());
        assert_eq!(rows(None).unwrap(), DEFAULT_ROWS);
        assert_eq!(rows(Some(usize::MAX)).unwrap(), PAGE_ROWS);
    }
}
