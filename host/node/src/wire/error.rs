//! Refusals: one closed list of codes, each with its HTTP status.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Every answer that is not a success has this body; an import ends with it when a line is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: WireError,
}

/// What went wrong, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WireError {
    /// Which kind of failure it was.
    pub code: ErrorCode,
    /// For people: what is wrong.
    pub message: String,
    /// For people: what to do.
    pub hint: Option<String>,
    /// Everything that was wrong with a refused request.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    /// With `wrong-version`: the version that the aggregate has (0: it does not exist).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_version: Option<u64>,
    /// In an import: the line of the input, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// One reason why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// Index of the event in the request, counted from 0; 0 where it is about a parameter. When staged events are committed:
    /// the stage id; 0: all of them.
    pub event: usize,
    /// Where: a JSON Pointer into the event, or the name of a parameter.
    pub path: String,
    /// Machine-readable and stable, e.g. `duplicate-member`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// Which kind of failure it was. Stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// The request cannot be read: malformed JSON, an unknown field or parameter.
    BadRequest,
    /// The request breaks rules; every reason is listed.
    Refused,
    /// An aggregate is not at the expected version.
    WrongVersion,
    /// The idempotency key belongs to a request with other content.
    KeyReused,
    /// The aggregate is archived.
    Archived,
    /// It clashes with something that exists, e.g. the name of a plugin.
    Conflict,
    /// A limit on size is broken.
    TooLarge,
    /// There is no such thing.
    NotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The caller may not do this.
    Denied,
    /// Try again in a moment.
    Busy,
    /// Writes are stopped, or the daemon is shutting down.
    Unavailable,
    /// The disk failed while the request was written: it may be there or not. Safe to repeat with the same key.
    OutcomeUnknown,
    /// A gateway gave no answer that could be believed.
    BadGateway,
    /// What is stored does not fit together.
    Integrity,
    /// A mistake of ours.
    Internal,
}

impl ErrorCode {
    /// The HTTP status that goes with the code.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Refused => 422,
            Self::WrongVersion | Self::KeyReused | Self::Archived | Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Denied => 403,
            Self::BadGateway => 502,
            Self::Busy | Self::Unavailable => 503,
            Self::OutcomeUnknown | Self::Integrity | Self::Internal => 500,
        }
    }
}

impl WireError {
    /// An error of which only kind and message are known.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, reasons: Vec::new(), actual_version: None, line: None }
    }
}
