//! The daemon as a process: started in the background, waited for, and seen off.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use eventdbx_node::wire::StatusResponse;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};
use tokio::{io::unix::AsyncFd, task::spawn_blocking, time::timeout};

use crate::{
    fail::{Failure, Kind},
    session::Session,
};

/// How long a daemon may take to recover its log before we stop waiting for it (it goes on by itself).
const READY: Duration = Duration::from_secs(120);
/// How long a daemon may take to finish what is in hand.
const GONE: Duration = Duration::from_secs(60);

/// What a daemon says on its standard output once it answers: one line of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) pid: u32,
    pub(crate) data_dir: PathBuf,
    pub(crate) socket: PathBuf,
    /// What the operator must know, e.g. that a master key was made.
    #[serde(default)]
    pub(crate) notices: Vec<String>,
}

impl Ready {
    /// A daemon with nothing to say.
    pub(crate) fn of(pid: u32, session: &Session) -> Self {
        Self { pid, data_dir: session.data_dir.clone(), socket: session.socket(), notices: Vec::new() }
    }
}

/// Starts this program again as a daemon in a session of its own, and waits until it answers.
///
/// Nothing secret is an argument: a master key reaches the child through the environment that it inherits.
pub(crate) async fn spawn(data_dir: &Path) -> anyhow::Result<(Ready, Child)> {
    let log = data_dir.join("logs/dbx.log");
    let mut errors = open_log(&log).with_context(|| format!("writing {}", log.display()))?;
    let said_before = errors.seek(SeekFrom::End(0))?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--data-dir")
        .arg(data_dir)
        .args(["--format", "ndjson", "start", "--foreground", "--detached"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors.try_clone()?)
        .spawn()?;
    let stdout = child.stdout.take().context("the daemon has no standard output")?;
    match timeout(READY, spawn_blocking(|| first_line(stdout))).await {
        Err(_) => Err(Failure::new(Kind::Busy, "the daemon is not ready yet")
            .hint(format!("it goes on by itself: see `dbx status` and {}", log.display()))
            .into()),
        Ok(line) => match line?? {
            Some(line) => Ok((serde_json::from_str(&line)?, child)),
            None => {
                errors.seek(SeekFrom::Start(said_before))?;
                Err(died(child.wait()?.code(), &io::read_to_string(errors)?, &log))
            }
        },
    }
}

/// None: the daemon ended without a word.
fn first_line(stdout: ChildStdout) -> io::Result<Option<String>> {
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    Ok(Some(line).filter(|line| !line.is_empty()))
}

fn open_log(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    File::options().create(true).append(true).read(true).mode(0o600).open(path)
}

/// A daemon that did not come up: its own words, and its own kind of failure.
fn died(code: Option<i32>, said: &str, log: &Path) -> anyhow::Error {
    let plain = anstream::adapter::strip_str(said).to_string();
    let Some(message) = plain.lines().find_map(|line| line.strip_prefix("error: ")) else {
        let last = plain.lines().last().unwrap_or_default();
        return Failure::new(Kind::Other, format!("the daemon ended at once: {last}"))
            .hint(format!("its log is {}", log.display()))
            .into();
    };
    let details = plain.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned);
    let hint = plain.lines().find_map(|line| line.strip_prefix("hint: "));
    let hint = hint.map_or_else(|| format!("its log is {}", log.display()), str::to_owned);
    Failure::new(Kind::of_exit(code), message).details(details).hint(hint).into()
}

/// What a running daemon says of itself.
pub(crate) async fn status(session: &Session) -> anyhow::Result<StatusResponse> {
    Ok(serde_json::from_str(&session.get("/v1/status").await?)?)
}

/// A process that somebody else started.
pub(crate) struct Process(AsyncFd<OwnedFd>);

impl Process {
    /// None: it is gone already.
    #[expect(deprecated, reason = "the replacement is unsafe; a descriptor that we own and hand to nobody stays valid")]
    pub(crate) fn of(pid: u32) -> anyhow::Result<Option<Self>> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("the daemon has no process id")?;
        match pidfd_open(pid, PidfdFlags::NONBLOCK) {
            Ok(fd) => Ok(Some(Self(AsyncFd::new(fd)?))),
            Err(rustix::io::Errno::SRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(self) -> anyhow::Result<()> {
        match timeout(GONE, self.0.readable()).await {
            Ok(ended) => Ok(ended.map(drop)?),
            Err(_) => Err(Failure::new(Kind::Busy, "the daemon is still at work")
                .hint("it stops when what is in hand is finished: see `dbx status`")
                .into()),
        }
    }
}
