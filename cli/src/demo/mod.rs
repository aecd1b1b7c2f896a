//! `dbx demo`: the main job from end to end, on real data, in a scratch directory.
//!
//! Nothing here is staged: the daemon is this program, the components are built from the examples of the repository, and each
//! step goes over the same socket as any other client's. The import is held at fixed acknowledged lines, so that what happens
//! in between happens at the same place each time.

mod answers;
mod daemon;
mod flights;
mod hold;
mod plugins;
mod story;

use std::path::PathBuf;

use anyhow::Context;

use self::{answers::Answers, daemon::Running, flights::Flights, hold::HeldImport, plugins::Components, story::Story};
use crate::{
    checkout::DEFAULT,
    fail::{Failure, Kind},
    session::Session,
};

/// Watch everything work, on one day of real flights, in a scratch directory
///
/// Starts a daemon, imports 2,515 events, installs four plugins while the import runs, kills the daemon in the middle of it
/// and goes on, asks the plugins and compares their answers with what was counted from the source, replays one, verifies the
/// log, and stops. Exits with 0 if, and only if, every answer was right.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Import this file instead; its answers are compared where FILE.expected.json lies beside FILE.ndjson.gz
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Leave the data directory behind, and say where it is
    #[arg(long)]
    keep: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let flights = match &self.events {
            Some(path) => Flights::read(path).with_context(|| format!("reading {}", path.display()))?,
            None => Flights::embedded()?,
        };
        let scratch = tempfile::Builder::new().prefix("dbx-demo-").tempdir()?;
        let domain = DEFAULT.to_owned();
        let session = Session { data_dir: scratch.path().to_owned(), domain, ..session.clone() };
        let mut story = Story::begin(session.format, &flights)?;
        let told = tokio::select! {
            told = tell(&session, &flights, &mut story) => told,
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Into::into).and_then(|()| Err(interruption())),
        };
        if self.keep {
            story.remark(&format!("the data is left in {}", scratch.keep().display()))?;
        }
        told.and_then(|()| story.end())
    }
}

fn interruption() -> anyhow::Error {
    Failure::new(Kind::Other, "interrupted: the daemon is stopped and the scratch directory removed").into()
}

/// The story. The import is held after each fifth of the lines.
async fn tell(session: &Session, flights: &Flights, story: &mut Story) -> anyhow::Result<()> {
    let components = Components::build(story).await?;
    let daemon = Running::start(session, story).await?;

    let mut import = HeldImport::begin(session, flights).await?;
    import.up_to(flights.fifths(1), story).await?;
    components.install(session, "punctuality", None, story).await?;
    import.up_to(flights.fifths(2), story).await?;
    components.install(session, "airport-hours", None, story).await?;
    import.up_to(flights.fifths(3), story).await?;
    daemon.kill(story)?;
    drop(import);

    let daemon = Running::start_again(session, story).await?;
    let mut import = HeldImport::begin(session, flights).await?;
    import.up_to(flights.fifths(4), story).await?;
    components.install(session, "aircraft-miles", None, story).await?;
    components.install(session, "event-counter", Some("extensions-only"), story).await?;
    let position = import.finish(story).await?;

    let answers = Answers { session, flights, position };
    answers.compare(story).await?;
    answers.replay("event-counter", "event-only", story).await?;
    answers.verify(story).await?;
    daemon.stop(session, story).await
}
