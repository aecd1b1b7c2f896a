//! `dbx plugin`: install, watch, replay and build plugins.

mod build;
mod call;
mod capsule;
mod config;
mod drop_in;
mod grants;
mod inspect;
mod install;
mod job;
mod jobs;
mod lifecycle;
mod list;
mod logs;
mod mode;
mod queue;
mod replay;
mod secret;
mod signing;
mod status;
mod test;
mod upgrade;
mod view;

use crate::session::Session;

pub(crate) use self::{
    install::{Installation, add_component, install},
    job::Job,
    replay::{Request, replay},
    view::{Plugin, table},
};

/// What `--priority` takes.
const PRIORITIES: [&str; 3] = ["high", "normal", "low"];

/// Install, watch, replay and build plugins
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Install a component into the running daemon; it then reads the log from the beginning
    Install(install::Args),
    /// Let a plugin run again, from where it stood
    Enable(lifecycle::Args),
    /// Halt a plugin; its tables stay, and it misses nothing
    Disable(lifecycle::Args),
    /// Stop delivery to a plugin; it answers queries on, and misses nothing
    Pause(lifecycle::Args),
    /// Deliver to a paused plugin again, from where it stood
    Resume(lifecycle::Args),
    /// Let another component take over a plugin, without losing or repeating an event
    Upgrade(upgrade::Upgrade),
    /// Go back to the component that ran before an upgrade, with its tables
    Rollback(upgrade::Rollback),
    /// Show how a plugin is configured, or change it while it runs
    Config(Box<config::Args>),
    /// Make payload modes, which say what a delivery carries
    #[command(subcommand)]
    Mode(mode::Command),
    /// Keep secrets for the configurations of plugins
    #[command(subcommand)]
    Secret(secret::Command),
    Uninstall(lifecycle::Uninstall),
    DropIn(drop_in::Args),
    /// List plugins, with state and lag
    List(list::Args),
    /// Say everything about a plugin
    Status(status::Args),
    /// Show what a plugin logged, and what was logged about it
    Logs(logs::Args),
    /// Look after what a plugin could not handle
    #[command(subcommand)]
    Queue(queue::Command),
    Call(call::Args),
    Replay(replay::Args),
    Jobs(jobs::Args),
    #[command(subcommand)]
    Capsule(capsule::Command),
    /// Build plugins written in Rust
    Build(build::Args),
    Test(test::Args),
    /// Say what a component is, without a daemon
    Inspect(inspect::Args),
    /// Make a key to sign components with; needs no daemon
    Keygen(signing::Keygen),
    /// Sign a component; needs no daemon
    Sign(signing::Sign),
    /// Say whose components a domain takes
    #[command(subcommand)]
    Trust(signing::Trust),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Install(args) => args.run(session).await,
            Self::Enable(args) => args.switch(session, "enable").await,
            Self::Disable(args) => args.switch(session, "disable").await,
            Self::Pause(args) => args.switch(session, "pause").await,
            Self::Resume(args) => args.switch(session, "resume").await,
            Self::Upgrade(args) => args.run(session).await,
            Self::Rollback(args) => args.run(session).await,
            Self::Config(args) => args.run(session).await,
            Self::Mode(command) => command.run(session).await,
            Self::Secret(command) => command.run(session).await,
            Self::Uninstall(args) => args.run(session).await,
            Self::DropIn(args) => args.run(session).await,
            Self::List(args) => args.run(session).await,
            Self::Status(args) => args.run(session).await,
            Self::Logs(args) => args.run(session).await,
            Self::Queue(command) => command.run(session).await,
            Self::Call(args) => args.run(session).await,
            Self::Replay(args) => args.run(session).await,
            Self::Jobs(args) => args.run(session).await,
            Self::Capsule(command) => command.run(session).await,
            Self::Build(args) => args.run(session),
            Self::Test(args) => args.run(session),
            Self::Inspect(args) => args.run(session),
            Self::Keygen(args) => args.run(session),
            Self::Sign(args) => args.run(session),
            Self::Trust(command) => command.run(session).await,
        }
    }
}
