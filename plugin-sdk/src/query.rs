//! A question, its answer, and why there may be none.

use serde::{Serialize, de::DeserializeOwned};

use crate::Failure;

/// A question to a read model.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    name: &'a str,
    params: &'a str,
    cursor: Option<&'a str>,
}

impl<'a> Query<'a> {
    pub(crate) fn new(name: &'a str, params: &'a str, cursor: Option<&'a str>) -> Self {
        Self { name, params, cursor }
    }

    /// Which of the declared queries.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The parameters, parsed.
    ///
    /// # Errors
    /// [`QueryError::BadParams`] if `T` does not fit.
    pub fn params<T: DeserializeOwned>(&self) -> Result<T, QueryError> {
        serde_json::from_str(self.params).map_err(|error| QueryError::BadParams(error.to_string()))
    }

    /// Where the previous page ended, as [`Answer::next`] said it.
    pub fn cursor(&self) -> Option<&'a str> {
        self.cursor
    }
}

/// An answer: JSON, and where the next page begins, if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub(crate) body: String,
    pub(crate) next: Option<String>,
}

impl Answer {
    /// An answer that is complete.
    ///
    /// # Errors
    /// When `body` has no JSON form, such as a map with keys that are not text.
    pub fn new(body: &impl Serialize) -> Result<Self, QueryError> {
        let unfit = |error: serde_json::Error| QueryError::Failed(Failure::new("unfit-answer", error.to_string()));
        Ok(Self { body: serde_json::to_string(body).map_err(unfit)?, next: None })
    }

    /// There is more, and this brings it.
    #[must_use]
    pub fn next(mut self, cursor: impl Into<String>) -> Self {
        self.next = Some(cursor.into());
        self
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryError {
    /// No query has that name.
    UnknownQuery,
    /// The parameters do not fit; the message says why.
    BadParams(String),
    /// Anything else.
    Failed(Failure),
}

impl std::fmt::Display for QueryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownQuery => f.write_str("there is no query of that name"),
            Self::BadParams(reason) => write!(f, "bad parameters: {reason}"),
            Self::Failed(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for QueryError {}
