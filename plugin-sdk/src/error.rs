//! How a plugin says that something went wrong, and what the host then does.

use std::time::Duration;

use crate::bindings::types;

/// What went wrong, for a person and for a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Machine-readable and of few values, such as `bad-payload`: it becomes a label in metrics.
    pub code: String,
    /// For a person.
    pub message: String,
}

impl Failure {
    /// A failure of a code and a message.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for types::Failure {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code, message: failure.message, detail: None }
    }
}

/// Why an event was not handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandleError {
    /// Left out on purpose, and counted: the host goes on with the next event. What the plugin has written for this one
    /// before it said so is kept.
    Skip(Failure),
    /// Transient: the batch comes again, after the given time or after the host's own back-off.
    Retry(Failure, Option<Duration>),
    /// This event can never be handled: the host parks it with all that follows it in its aggregate, and the rest goes on.
    Poison(Failure),
    /// The plugin cannot go on: the host stops it, with this reason.
    Fatal(Failure),
}

impl HandleError {
    /// [`HandleError::Skip`] in fewer words.
    pub fn skip(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Skip(Failure::new(code, message))
    }

    /// [`HandleError::Poison`] in fewer words.
    pub fn poison(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Poison(Failure::new(code, message))
    }

    /// [`HandleError::Fatal`] in fewer words.
    pub fn fatal(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Fatal(Failure::new(code, message))
    }
}

impl std::fmt::Display for HandleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (verdict, failure) = match self {
            Self::Skip(failure) => ("skip", failure),
            Self::Retry(failure, _) => ("retry", failure),
            Self::Poison(failure) => ("poison", failure),
            Self::Fatal(failure) => ("fatal", failure),
        };
        write!(f, "{verdict}: {failure}")
    }
}

impl std::error::Error for HandleError {}

/// Says how JSON does not fit, without quoting it: such messages are logged and listed, and events may hold secrets.
pub(crate) fn misfit(error: &serde_json::Error) -> String {
    if error.line() == 0 {
        return format!("it has no JSON form: {error}");
    }
    let place = format!("at line {}, column {}", error.line(), error.column());
    let text = error.to_string();
    let named = text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    // NOTE: what serde found stands before the last "expected", what the type asks for behind it.
    let expected = text.rsplit_once(", expected ").map(|(_, rest)| rest.split(" at line ").next().unwrap_or(rest));
    match (error.classify(), named, expected) {
        (serde_json::error::Category::Data, Some((field, _)), _) => format!("field `{field}` is missing {place}"),
        (serde_json::error::Category::Data, None, Some(expected)) => format!("expected {expected} {place}"),
        (serde_json::error::Category::Data, None, None) => format!("what stands {place} does not fit"),
        _ => format!("no JSON {place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::misfit;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape counts")]
    struct Shape {
        miles: u64,
    }

    #[test]
    fn what_does_not_fit_is_told_and_never_quoted() {
        for (json, told) in [
            (r#"{}"#, "field `miles` is missing at line 1, column 2"),
            (r#"{"miles": "secret, expected secret"}"#, "expected u64 at line 1, column 35"),
            (r#"{"miles": 1, "secret": 2}"#, "expected `miles` at line 1, column 21"),
            (r#"{"miles": secret}"#, "no JSON at line 1, column 11"),
        ] {
            let message = misfit(&serde_json::from_str::<Shape>(json).unwrap_err());
            assert!(message.contains(told), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
