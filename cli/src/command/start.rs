//! `dbx start`: the daemon, in the background or in this terminal.

use std::path::Path;

use eventdbx_node::{
    Daemon, KeySource, OTLP_ENDPOINT_VARIABLE, StartOptions,
    config::ConfigFile,
    logging::{self, LogTarget},
    master_key::MASTER_KEY_VARIABLE,
};
use rustix::process::setsid;

use crate::{
    daemon::{self, Ready},
    fail::{Failure, Kind},
    output::{self, GREEN, YELLOW},
    session::Session,
};

/// Start the daemon
///
/// It serves one data directory on a Unix socket that only its owner can open; nothing listens on a network. The master key
/// comes from DBX_MASTER_KEY (64 hex digits), from the file that keys.master_key_file names, or is made at first start.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Stay in this terminal, and log to it
    #[arg(long)]
    pub(super) foreground: bool,
    /// Leave the terminal: what `dbx start` gives its child
    #[arg(long, hide = true, requires = "foreground")]
    detached: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        background(session).await
    }

    /// Is the daemon, until a signal or a request ends it. The daemon brings its own runtime.
    pub(super) fn serve(self, session: &Session) -> anyhow::Result<()> {
        if self.detached {
            setsid()?;
        }
        let config = ConfigFile::load(&session.data_dir).map_err(Failure::from)?;
        logging::init(config.config().daemon.log_level, &LogTarget::Stderr)?;
        let options = StartOptions {
            master_key: std::env::var(MASTER_KEY_VARIABLE).ok(),
            otlp_endpoint: std::env::var(OTLP_ENDPOINT_VARIABLE).ok().filter(|endpoint| !endpoint.is_empty()),
            ..StartOptions::new(&session.data_dir)
        };
        let running =
            Daemon::start(&options).map_err(|error| Failure::new(Kind::of_code(error.code()), error.to_string()))?;
        let mut notices = Vec::from_iter(new_key(running.key_source()));
        notices.extend(running.set_aside().iter().map(|copy| torn(copy)));
        let failed = running.failed_domains();
        notices.extend(failed.into_iter().map(|(name, reason)| format!("domain {name} is not served: {reason}")));
        say(session, &Ready { notices, ..Ready::of(std::process::id(), session) }, "running")?;
        Ok(running.wait()?)
    }
}

/// What the operator must know about a key that was made.
fn new_key(source: &KeySource) -> Option<String> {
    let KeySource::Generated(path) = source else { return None };
    let path = path.display();
    Some(format!(
        "a master key was made: {path}. Whoever has it can read the log, and without it nobody can: keep a copy elsewhere"
    ))
}

/// What the operator must know about a log that ended in the middle of a write.
fn torn(copy: &Path) -> String {
    format!(
        "the log ended in the middle of a write that nobody was told of, as after a power cut. It goes on without it; what \
         there was of it is kept in {}",
        copy.display()
    )
}

/// Starts a daemon in the background; one that runs already is left alone.
pub(super) async fn background(session: &Session) -> anyhow::Result<()> {
    match daemon::status(session).await {
        Ok(status) => say(session, &Ready::of(status.pid, session), "running already"),
        Err(_) => say(session, &daemon::spawn(&session.data_dir).await?.0, "started"),
    }
}

fn say(session: &Session, ready: &Ready, done: &str) -> anyhow::Result<()> {
    session.format.answer(&serde_json::to_string(ready)?, |ready: &Ready| {
        format!("{GREEN}{done}{GREEN:#} process {}, data in {}", ready.pid, ready.data_dir.display())
    })?;
    for notice in &ready.notices {
        output::note(&format!("{YELLOW}note:{YELLOW:#} {notice}"));
    }
    Ok(())
}
