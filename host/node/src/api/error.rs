//! Every failure becomes the same JSON: a code, a message, a hint.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use eventdbx_store::{AppendError, NameError, ReadError, SchemaFault};

use crate::{
    domains::RemoteError,
    plugins::{PluginError, QueryError},
    wire::{ErrorBody, ErrorCode, Reason, WireError},
};

/// After how long a client that was told *busy* may try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What a handler fails with.
#[derive(Debug)]
pub struct ApiError(Box<WireError>);

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(WireError::new(code, message)))
    }

    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no {what}"))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// A parameter that cannot be taken, with a code of its own and why.
    pub(crate) fn parameter(code: ErrorCode, name: &str, why: &str, message: impl Into<String>) -> Self {
        Self::new(code, format!("`{name}` cannot be taken")).reasons(vec![Self::reason(name, why, message)])
    }

    /// Why a parameter cannot be taken.
    pub(crate) fn reason(name: &str, code: &str, message: impl Into<String>) -> Reason {
        Reason { event: 0, path: name.to_owned(), code: code.to_owned(), message: message.into() }
    }

    /// Lists everything that is wrong.
    pub(crate) fn reasons(mut self, reasons: Vec<Reason>) -> Self {
        self.0.reasons = reasons;
        self
    }

    /// The error of an import: which line it was.
    pub(crate) fn at_line(mut self, line: u64) -> Self {
        self.0.line = Some(line);
        self
    }

    pub(crate) fn into_body(self) -> ErrorBody {
        ErrorBody { error: *self.0 }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = self.0.code;
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self.into_body())).into_response();
        if code == ErrorCode::Busy {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER.as_secs()));
        }
        response
    }
}

impl From<AppendError> for ApiError {
    fn from(error: AppendError) -> Self {
        let message = error.to_string();
        match error {
            AppendError::Refused(reasons) => {
                let mut refused = Self::new(ErrorCode::Refused, message);
                refused.0.reasons = reasons.into_iter().map(Reason::from).collect();
                refused
            }
            AppendError::WrongVersion { actual, .. } => {
                let mut wrong = Self::new(ErrorCode::WrongVersion, message);
                wrong.0.actual_version = Some(actual.get());
                wrong.hint("read the aggregate again, and decide anew")
            }
            AppendError::KeyReused { .. } => Self::new(ErrorCode::KeyReused, message),
            AppendError::Archived { .. } => Self::new(ErrorCode::Archived, message),
            AppendError::Busy(_) => Self::new(ErrorCode::Busy, message).hint("nothing was written: try again"),
            AppendError::Stopped(_) => Self::new(ErrorCode::Unavailable, message),
            AppendError::Unreadable(_) => Self::new(ErrorCode::Integrity, message),
            AppendError::OutcomeUnknown(_) => Self::new(ErrorCode::OutcomeUnknown, message),
        }
    }
}

impl From<eventdbx_store::Reason> for Reason {
    fn from(reason: eventdbx_store::Reason) -> Self {
        Self { event: reason.event, path: reason.path, code: reason.code.to_owned(), message: reason.message }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        let message = error.to_string();
        match error {
            ReadError::Damaged(_) => Self::new(ErrorCode::Integrity, message).hint("run a verification of the domain"),
            ReadError::NoSuchPlace(_) => Self::parameter(ErrorCode::Refused, "cursor", "no-such-place", message),
            ReadError::Disk(_) => Self::new(ErrorCode::Internal, message),
        }
    }
}

impl From<PluginError> for ApiError {
    fn from(error: PluginError) -> Self {
        let message = error.to_string();
        match error {
            PluginError::NotFound { .. } | PluginError::Query(QueryError::Unknown { .. }) => {
                Self::new(ErrorCode::NotFound, message)
            }
            PluginError::NameTaken(_)
            | PluginError::InUse { .. }
            | PluginError::JobRuns { .. }
            | PluginError::JobEnded { .. } => Self::new(ErrorCode::Conflict, message),
            PluginError::NeedsConsent { .. } | PluginError::Untrusted(_) => Self::new(ErrorCode::Denied, message),
            PluginError::Invalid(_) | PluginError::Query(QueryError::BadParams(_) | QueryError::StaleCursor) => {
                Self::new(ErrorCode::Refused, message)
            }
            PluginError::Busy(_) | PluginError::WaitTimeout { .. } => Self::new(ErrorCode::Busy, message),
            PluginError::Stopped { .. } | PluginError::ModeFailed(_) => Self::new(ErrorCode::Unavailable, message),
            PluginError::Gateway { ref name, .. } => {
                let hint = format!("`dbx plugin logs {name}` tells what it logged");
                Self::new(ErrorCode::BadGateway, message).hint(hint)
            }
            PluginError::Query(QueryError::Failed(_)) | PluginError::Internal(_) => {
                Self::new(ErrorCode::Internal, message)
            }
        }
    }
}

impl From<RemoteError> for ApiError {
    fn from(error: RemoteError) -> Self {
        let message = error.to_string();
        match error {
            RemoteError::Refused(_) => Self::new(ErrorCode::Refused, message),
            RemoteError::Log(error) => error.into(),
            RemoteError::Unreadable(_) => Self::new(ErrorCode::Integrity, message).hint("set the remote anew"),
            RemoteError::Disk { .. } => Self::new(ErrorCode::Internal, message),
        }
    }
}

impl From<Vec<SchemaFault>> for ApiError {
    fn from(faults: Vec<SchemaFault>) -> Self {
        let message = match faults.len() {
            1 => "the schema has a fault".to_owned(),
            many => format!("the schema has {many} faults"),
        };
        Self::new(ErrorCode::Refused, message).reasons(faults.into_iter().map(Reason::from).collect())
    }
}

impl From<SchemaFault> for Reason {
    fn from(fault: SchemaFault) -> Self {
        Self { event: 0, path: fault.pointer, code: fault.code.to_owned(), message: fault.message }
    }
}

impl From<NameError> for ApiError {
    fn from(error: NameError) -> Self {
        Self::new(ErrorCode::BadRequest, error.to_string())
    }
}
