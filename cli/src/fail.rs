//! What went wrong, for people and for scripts: one kind, decided once, becomes the exit code; hints stand on their own line.

use std::{error::Error, fmt, io, process::ExitCode};

use clap::builder::styling::{AnsiColor, Style};
use eventdbx_node::{
    client::ClientError,
    wire::{ErrorCode, WireError},
};

/// What sort of failure it is. The numbers are part of the interface: `docs/CLI.md` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Anything without a number of its own.
    Other = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The request breaks a rule or contradicts what is there.
    Refused = 3,
    /// There is no such thing.
    NotFound = 4,
    /// No daemon answers, or it takes no writes.
    Unreachable = 5,
    /// The caller may not.
    Denied = 6,
    /// Not now: try again.
    Busy = 7,
    /// It may have happened or not: repeat it with the same key.
    OutcomeUnknown = 8,
    /// What is stored is not what was written.
    Integrity = 9,
}

impl Kind {
    /// The kind of what the daemon refuses.
    pub(crate) fn of_code(code: ErrorCode) -> Self {
        use ErrorCode as E;
        match code {
            E::BadRequest | E::Refused | E::WrongVersion | E::KeyReused | E::Archived | E::Conflict | E::TooLarge => {
                Kind::Refused
            }
            E::NotFound => Kind::NotFound,
            E::Unavailable => Kind::Unreachable,
            E::Denied => Kind::Denied,
            E::Busy => Kind::Busy,
            E::OutcomeUnknown => Kind::OutcomeUnknown,
            E::Integrity => Kind::Integrity,
            E::MethodNotAllowed | E::BadGateway | E::Internal => Kind::Other,
        }
    }

    /// The kind with which another process of ours ended.
    pub(crate) fn of_exit(code: Option<i32>) -> Self {
        let all = [
            Self::Usage,
            Self::Refused,
            Self::NotFound,
            Self::Unreachable,
            Self::Denied,
            Self::Busy,
            Self::OutcomeUnknown,
            Self::Integrity,
        ];
        all.into_iter().find(|kind| code == Some(i32::from(*kind as u8))).unwrap_or(Self::Other)
    }
}

/// A failure with its kind, the details that belong to it, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    details: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: Vec::new(), hint: None }
    }

    /// Adds a line that says what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says where it happened, before what.
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Adds lines that say more.
    pub(crate) fn details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

/// Whoever read our standard output has gone: nothing is left to say, and nobody to say it to.
#[derive(Debug)]
pub(crate) struct ReaderGone;

impl fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads standard output")
    }
}

impl Error for ReaderGone {}

/// Says on standard error what went wrong and gives the exit code for it.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if error.is::<ReaderGone>() {
        return ExitCode::SUCCESS;
    }
    let failure = classify(error);
    // NOTE: if standard error is closed too, the exit code still tells.
    let _ = print(&failure);
    ExitCode::from(failure.kind as u8)
}

fn print(failure: &Failure) -> io::Result<()> {
    use std::io::Write;

    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let cyan = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
    let mut out = anstream::stderr().lock();
    writeln!(out, "{red}error:{red:#} {}", failure.message)?;
    for detail in &failure.details {
        // One that has lines, e.g. with a caret under a place, is moved as a whole.
        writeln!(out, "  {}", detail.replace('\n', "\n  "))?;
    }
    if let Some(hint) = &failure.hint {
        writeln!(out, "{cyan}hint:{cyan:#} {hint}")?;
    }
    Ok(())
}

/// The one place that decides what kind of failure an error is.
fn classify(error: &anyhow::Error) -> Failure {
    let message = chain(error);
    if let Some(failure) = error.downcast_ref::<Failure>() {
        let Failure { kind, details, hint, .. } = failure;
        return Failure { kind: *kind, message, details: details.clone(), hint: hint.clone() };
    }
    match error.downcast_ref::<ClientError>() {
        Some(error) => from_daemon(error, message),
        None => Failure::new(Kind::Other, message),
    }
}

/// An error and its sources, each said once: some errors already name their source.
fn chain(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for part in error.chain().map(ToString::to_string) {
        if message.is_empty() {
            message = part;
        } else if !message.contains(&part) {
            message = format!("{message}: {part}");
        }
    }
    message
}

fn from_daemon(error: &ClientError, message: String) -> Failure {
    match error {
        ClientError::Unreachable { .. } => {
            Failure::new(Kind::Unreachable, message).hint("is the daemon running? `dbx start` starts it")
        }
        ClientError::Broken(_) => Failure::new(Kind::OutcomeUnknown, message)
            .hint("the daemon went away in mid-answer: see `dbx status`, and logs/dbx.log in the data directory"),
        ClientError::Refused(error) => from_answer(error),
        ClientError::BadRequest(_) | ClientError::Unreadable { .. } => Failure::new(Kind::Other, message),
    }
}

/// What the daemon answered instead of doing it.
pub(crate) fn from_answer(error: &WireError) -> Failure {
    let reasons = error.reasons.iter().map(|reason| match reason.path.as_str() {
        "" => reason.message.clone(),
        path => format!("{path}: {}", reason.message),
    });
    // A message that says all the reasons is for logs; here each has a line.
    let says_all = error.reasons.iter().all(|reason| error.message.contains(&reason.message));
    let message = match error.reasons.len() {
        1 if says_all => "refused".to_owned(),
        2.. if says_all => format!("refused, for {} reasons", error.reasons.len()),
        _ => error.message.clone(),
    };
    Failure { kind: Kind::of_code(error.code), message, details: reasons.collect(), hint: error.hint.clone() }
}
