//! How a call can end: closed enums, so that a caller must say what it does in each case.

use std::{fmt, time::Duration};

use crate::{
    Failure, HostError, ItemFailure,
    limits::{Limit, Limits},
    metrics::Metrics,
    writes::Writes,
};

/// How a call of `handle-batch` ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<T> {
    /// It succeeded; its writes count.
    Done(T),
    /// Transient: the batch is to come again.
    Retry {
        /// Why, in the plugin's words.
        failure: Failure,
        /// When; none: the host's back-off decides.
        after: Option<Duration>,
        /// Leading items that are done. Of a transport only: the writes of a failed call are thrown away.
        done: usize,
    },
    /// One delivery can never succeed. Its index lies within the batch.
    Poison(ItemFailure),
    /// The plugin cannot go on.
    Fatal(Failure),
    /// There is no answer that could be believed.
    Halted(Halt),
}

/// Why a plugin did not start.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Stop {
    /// It said so itself: `init` or `check-config` failed.
    #[error("the plugin refuses to start: {} ({})", .0.message, .0.code)]
    Refused(Failure),
    /// There is no answer that could be believed.
    #[error(transparent)]
    Halted(#[from] Halt),
}

/// How a query ended.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryOutcome {
    /// It has an answer.
    Answered(Answer),
    /// The plugin has no such query.
    Unknown,
    /// The parameters do not fit; the text says why.
    BadParams(String),
    /// The query failed, in the plugin's words.
    Failed(Failure),
    /// There is no answer that could be believed.
    Halted(Halt),
}

/// A call that ended without an answer that could be believed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Halt {
    /// The guest was stopped.
    #[error(transparent)]
    Trapped(Trap),
    /// The guest answered, and the answer cannot be true.
    #[error(transparent)]
    Lied(Lie),
    /// The host failed to do its part; the guest is not to blame.
    #[error("the host failed while a plugin waited for it: {0}")]
    HostFailed(HostError),
}

/// A guest was stopped in the middle of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trap {
    /// What stopped it.
    pub kind: TrapKind,
    /// For people: what happened, and what to do.
    pub message: String,
    /// Functions of the guest, innermost first, as far as its names were kept.
    pub backtrace: Vec<String>,
}

/// What stopped a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrapKind {
    /// It broke a limit.
    Limit(Limit),
    /// It recursed deeper than [`STACK_BYTES`](crate::limits::STACK_BYTES), which is the same for every plugin.
    StackOverflow,
    /// It called what it may not call now.
    Forbidden,
    /// It crashed: `unreachable` (which is how a Rust panic ends), a read out of bounds, a division by zero …
    Crashed,
}

impl Trap {
    /// The limit that was broken, if it was one.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        match self.kind {
            TrapKind::Limit(limit) => Some(limit),
            TrapKind::StackOverflow | TrapKind::Forbidden | TrapKind::Crashed => None,
        }
    }

    /// A broken limit: `what` the guest did, as a sentence without its end.
    pub(crate) fn broke(limit: Limit, limits: &Limits, what: impl fmt::Display) -> Self {
        let message = format!(
            "{what}; the limit `{limit}` is {} {}. Raise it for this plugin if that is what it needs.",
            limit.of(limits),
            limit.unit(),
        );
        Self { kind: TrapKind::Limit(limit), message, backtrace: Vec::new() }
    }

    pub(crate) fn forbidden(message: String) -> Self {
        Self { kind: TrapKind::Forbidden, message, backtrace: Vec::new() }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Trap {}

/// An answer that cannot be true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lie {
    /// An index points past the batch.
    #[error("it names item {index} of a batch of {items}")]
    IndexOutOfRange {
        /// The index.
        index: u32,
        /// How many items there were.
        items: usize,
    },
    /// Another number of answers than of questions.
    #[error("it gave {answers} answers to {questions} questions")]
    WrongCount {
        /// Answers.
        answers: usize,
        /// Questions.
        questions: usize,
    },
    /// Something that should be JSON is not.
    #[error("its {what} is not JSON: {reason}")]
    InvalidJson {
        /// What should have been JSON.
        what: &'static str,
        /// What the parser says.
        reason: String,
    },
    /// A name that breaks the rule for names.
    #[error("{what} {name:?} is not a name: {rule}")]
    BadName {
        /// What was named.
        what: &'static str,
        /// The text that was given, cut to a readable length.
        name: String,
        /// The rule.
        rule: &'static str,
    },
    /// A request was not answered.
    #[error("it ended without an answer")]
    NoAnswer,
    /// A request was answered with an error of the standard instead of a response.
    #[error("it answered with the error {0}")]
    Declined(String),
    /// A response ended before its body was complete.
    #[error("its answer broke off in the middle of the body")]
    HalfAnswer,
    /// Bytes that are no value of the type that the contract names.
    #[error("it handed over a malformed value: {0}")]
    Malformed(String),
}

/// What a successful call of `handle-batch` leaves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Handled {
    /// What it wrote.
    pub writes: Writes,
    /// Items that it left out on purpose.
    pub skipped: Vec<ItemFailure>,
    /// What it counted.
    pub metrics: Metrics,
}

/// The answer of a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// JSON.
    pub body: String,
    /// The cursor of the following page.
    pub next: Option<String>,
    /// What it counted.
    pub metrics: Metrics,
}

/// What a call cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of the calling thread, host calls included.
    pub cpu: Duration,
    /// Wall time.
    pub wall: Duration,
    /// Linear memory of the instance, afterwards.
    pub memory_bytes: u64,
    /// How often it called the host.
    pub host_calls: u64,
}
