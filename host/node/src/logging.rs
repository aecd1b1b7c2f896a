//! What the daemon logs, and where. Payloads, keys and tokens never reach a log.

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt as _, path::PathBuf, sync::Mutex};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;

use crate::config::LogLevel;

/// Where the log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTarget {
    /// To standard error.
    Stderr,
    /// To the end of a file.
    File(PathBuf),
}

/// Starts logging for the whole process, and replaces the message of a panic by a line that says where it was: what was
/// being handled then must not be told. Calling it again changes nothing.
///
/// # Errors
///
/// When the file cannot be opened.
pub fn init(level: LogLevel, target: &LogTarget) -> io::Result<()> {
    let level: LevelFilter = level.filter();
    let log = fmt().with_max_level(level).with_target(false);
    let started = match target {
        LogTarget::Stderr => log.with_writer(io::stderr).with_ansi(false).try_init(),
        LogTarget::File(path) => {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
            log.with_writer(Mutex::new(file)).with_ansi(false).try_init()
        }
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(%place, "a mistake of ours: this thread panicked");
        }));
    }
    Ok(())
}
