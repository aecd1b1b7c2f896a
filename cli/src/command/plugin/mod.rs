//! `dbx plugin`: install, watch, replay and build plugins.

mod build;
mod grants;
mod install;
mod lifecycle;
mod list;
mod logs;
mod queue;
mod replay;
mod status;
mod view;

use crate::session::Session;

pub(crate) use self::{
    install::{Installation, add_component, install},
    replay::replay,
    view::{Plugin, table},
};

/// Install, watch, replay and build plugins
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Install a component into the running daemon; it then reads the log from the beginning
    Install(install::Args),
    /// Let a plugin run again, from where it stood
    Enable(lifecycle::Args),
    /// Halt a plugin; its tables stay, and it misses nothing
    Disable(lifecycle::Args),
    /// Remove a plugin and its tables
    Uninstall(lifecycle::Args),
    /// List plugins, with state and lag
    List(list::Args),
    /// Say everything about a plugin
    Status(status::Args),
    /// Show what a plugin logged, and what was logged about it
    Logs(logs::Args),
    /// Look after what a plugin could not handle
    #[command(subcommand)]
    Queue(queue::Command),
    /// Let a plugin read the whole log again, into new tables beside the live ones, which they then replace
    Replay(replay::Args),
    /// Build plugins written in Rust
    Build(build::Args),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Install(args) => args.run(session).await,
            Self::Enable(args) => args.switch(session, "enable").await,
            Self::Disable(args) => args.switch(session, "disable").await,
            Self::Uninstall(args) => args.uninstall(session).await,
            Self::List(args) => args.run(session).await,
            Self::Status(args) => args.run(session).await,
            Self::Logs(args) => args.run(session).await,
            Self::Queue(command) => command.run(session).await,
            Self::Replay(args) => args.run(session).await,
            Self::Build(args) => args.run(session),
        }
    }
}
