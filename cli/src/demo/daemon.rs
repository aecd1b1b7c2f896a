//! The daemon of the demo: a child that does not outlive it.

use std::{process::Child, time::Instant};

use anyhow::ensure;

use super::story::Story;
use crate::{command::stop, daemon, output, session::Session};

/// A running daemon; dropped, it is killed.
pub(super) struct Running {
    child: Child,
    pid: u32,
}

impl Running {
    pub(super) async fn start(session: &Session, story: &mut Story) -> anyhow::Result<Self> {
        let since = Instant::now();
        let running = Self::spawn(session).await?;
        let detail = format!("a daemon, process {}, data in {}", running.pid, session.data_dir.display());
        story.step("start", since, &detail)?;
        Ok(running)
    }

    /// Starts after a kill, and says what the log still holds.
    pub(super) async fn start_again(session: &Session, story: &mut Story) -> anyhow::Result<Self> {
        let since = Instant::now();
        let running = Self::spawn(session).await?;
        let status = daemon::status(session).await?;
        let domain = status.domains.iter().find(|domain| domain.name == session.domain);
        let position = domain.and_then(|domain| domain.position).unwrap_or(0);
        let detail = format!("process {}: the log opens and ends at position {}", running.pid, output::count(position));
        story.step("restart", since, &detail)?;
        Ok(running)
    }

    async fn spawn(session: &Session) -> anyhow::Result<Self> {
        let (ready, child) = daemon::spawn(&session.data_dir).await?;
        let running = Self { child, pid: ready.pid };
        ensure!(running.child.id() == ready.pid, "another daemon answers in the scratch directory");
        Ok(running)
    }

    /// SIGKILL: no goodbye, nothing flushed.
    pub(super) fn kill(mut self, story: &mut Story) -> anyhow::Result<()> {
        let since = Instant::now();
        self.child.kill()?;
        self.child.wait()?;
        story.step("kill", since, &format!("SIGKILL to process {}, in the middle of the import", self.pid))
    }

    pub(super) async fn stop(mut self, session: &Session, story: &mut Story) -> anyhow::Result<()> {
        let since = Instant::now();
        stop::stop(session).await?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the daemon ended with {status}");
        story.step("stop", since, &format!("process {}, which ended with {status}", self.pid))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // NOTE: both fail only where the child has been seen off already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
