//! Why a batch is refused, told of each event by the id that its stage gave it.

use std::fmt;

use eventdbx_store::AppendError;

use crate::{
    api::ApiError,
    wire::{AppendEvent, ErrorCode, Reason},
};

/// Paths of reasons that are about the whole request.
const WHOLE: [&str; 3] = ["", "/actor", "/key"];

/// An event of a batch.
pub(super) struct Staged<'a> {
    pub(super) which: Which,
    pub(super) event: &'a AppendEvent,
}

/// How an event is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// By its stage id.
    Staged(u64),
    /// By its index among those that are to be staged.
    New(usize),
}

impl<'a> Staged<'a> {
    pub(super) fn new(which: Which, event: &'a AppendEvent) -> Self {
        Self { which, event }
    }

    fn reason(&self, path: &str, code: &str, message: &str) -> Reason {
        let (event, message) = match self.which {
            Which::Staged(id) => (usize::try_from(id).unwrap_or(usize::MAX), format!("{}: {message}", self.which)),
            Which::New(index) => (index, message.to_owned()),
        };
        Reason { event, path: path.to_owned(), code: code.to_owned(), message }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Staged(id) => write!(f, "staged event {id}"),
            Self::New(index) => write!(f, "event {index}"),
        }
    }
}

/// The answer to a batch that was not written.
pub(super) fn of(error: AppendError, batch: &[Staged<'_>]) -> ApiError {
    let reasons = match &error {
        AppendError::Refused(reasons) => {
            let reasons: Vec<_> = reasons.iter().map(|reason| renamed(reason, batch)).collect();
            return ApiError::new(ErrorCode::Refused, summary(&reasons)).reasons(reasons);
        }
        AppendError::WrongVersion { event, .. } => {
            let event = batch.get(*event).into_iter();
            event.map(|event| event.reason("/expect", "wrong-version", &error.to_string())).collect()
        }
        AppendError::Archived { aggregate } => {
            let (kind, id) = (aggregate.kind.as_str(), aggregate.id.as_str());
            let touched = batch.iter().filter(|it| it.event.aggregate_type == kind && it.event.aggregate_id == id);
            touched.map(|event| event.reason("/aggregate_id", "archived", &error.to_string())).collect()
        }
        AppendError::OutcomeUnknown(_) => {
            let hint = "what is staged stays so: restart the daemon, then `dbx commit` again writes nothing twice";
            return ApiError::from(error).hint(hint);
        }
        _ => Vec::new(),
    };
    ApiError::from(error).reasons(reasons)
}

fn renamed(reason: &eventdbx_store::Reason, batch: &[Staged<'_>]) -> Reason {
    let whole = WHOLE.contains(&reason.path.as_str());
    match batch.get(reason.event).filter(|_| !whole) {
        Some(staged) => staged.reason(&reason.path, reason.code, &reason.message),
        None => Reason::from(reason.clone()),
    }
}

fn summary(reasons: &[Reason]) -> String {
    let lines: Vec<_> = reasons.iter().map(|reason| format!("{}: {}", reason.path, reason.message)).collect();
    format!("refused: {}", lines.join("; "))
}
