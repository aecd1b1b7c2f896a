//! The commands, one file or folder each, and what they have in common.

pub(crate) mod aggregate;
mod checkout;
mod commit;
mod completions;
mod config;
mod domain;
mod events;
mod export;
pub(crate) mod import;
mod metrics;
mod pages;
pub(crate) mod plugin;
pub(crate) mod query;
#[cfg(test)]
mod reference;
mod restart;
mod restrict;
mod rows;
mod schema;
mod snapshots;
mod stage;
pub(crate) mod start;
mod stats;
mod status;
pub(crate) mod stop;
mod subscribe;
mod subscription;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{checkout::DEFAULT, demo, output::Format, session::Session};

/// The name under which completions and help know the program.
const NAME: &str = "dbx";

/// EventDBX: an append-only event store whose every extension is a sandboxed WebAssembly component.
#[derive(Debug, Parser)]
#[command(name = NAME, version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 ok, 1 other, 2 usage, 3 refused, 4 not found, 5 unreachable, 6 denied, 7 busy, \
                        8 outcome unknown, 9 integrity failure.\nData goes to standard output, everything else to \
                        standard error.")]
pub(crate) struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
struct Global {
    /// Where the log, the keys and the daemon's socket lie [default: $XDG_DATA_HOME/eventdbx, else ~/.local/share/eventdbx]
    #[arg(
        long,
        global = true,
        env = "DBX_DATA_DIR",
        hide_env_values = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    data_dir: Option<PathBuf>,
    /// Domain to work in, for this command alone [default: the one that is checked out, else default]
    #[arg(
        long,
        global = true,
        env = "DBX_DOMAIN",
        hide_env_values = true,
        value_name = "NAME",
        help_heading = "Global options"
    )]
    domain: Option<String>,
    /// How data is written: for people, as one JSON document, or as one per line
    #[arg(long, global = true, value_enum, default_value = "table", help_heading = "Global options")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the daemon
    Start(start::Args),
    /// Stop the daemon, once what is in hand is finished
    Stop(stop::Args),
    /// Stop the daemon, then start it again
    Restart(restart::Args),
    /// Say whether the daemon runs, and where its log ends
    Status(status::Args),
    /// Count events, bytes, syncs and the lag of plugins
    Stats(stats::Args),
    /// Choose the domain to work in, make one, or delete one
    ///
    /// A domain is an isolated log with its own keys, plugins and settings. The choice is remembered for you and this data
    /// directory; --domain and DBX_DOMAIN go before it and change nothing. Without a name, the domain that is worked in is
    /// printed.
    Checkout(checkout::Args),
    /// List domains, and say everything about one
    #[command(subcommand)]
    Domain(domain::Command),
    /// Read and change the configuration file
    #[command(subcommand)]
    Config(config::Command),
    /// Write to aggregates and read them
    #[command(subcommand, visible_alias = "agg")]
    Aggregate(aggregate::Command),
    /// Look after the events that were put aside with --stage
    #[command(subcommand)]
    Stage(stage::Command),
    /// Write everything that is staged, at once or not at all
    Commit(commit::Args),
    /// Read the log: all of it, of a type, or of one aggregate
    Events(events::Args),
    /// Write events from a file, one JSON object per line
    Import(import::Args),
    /// Write schemas, read them, and hold history against them
    #[command(subcommand)]
    Schema(schema::Command),
    /// Keep states of an aggregate, read them, and hold them against its events
    ///
    /// With snapshots the states of a long history are read fast; without them nothing is lost, since states are folded from
    /// events. They are taken by themselves after every log.snapshot_threshold events of an aggregate, or as its schema says.
    #[command(subcommand)]
    Snapshots(snapshots::Command),
    /// Show how strictly schemas hold in a domain, or switch it at once
    Restrict(restrict::Args),
    /// Write states or events to a file or to standard output, for other programs
    Export(export::Args),
    /// Install, watch, replay and build plugins
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Ask a read model
    Query(query::Args),
    /// Make, watch and delete subscriptions: for programs that are no plugins and follow the log
    #[command(subcommand)]
    Subscription(subscription::Command),
    /// Read a subscription: one delivery a line, each acknowledged once it is written
    ///
    /// Lines are JSON, whatever --format says. Those who read one subscription are a group and share it; the events of an
    /// aggregate are never with two of them at once. What a reader that is gone had not acknowledged goes to the others after
    /// the time-out.
    Subscribe(subscribe::Args),
    /// Print the daemon's metrics in the text format of Prometheus
    ///
    /// They are text, whatever --format says.
    Metrics(metrics::Args),
    /// Watch everything work, on one day of real flights, in a scratch directory
    Demo(demo::Args),
    /// Write a completion script for a shell
    Completions(completions::Args),
}

impl CommandLine {
    /// Does what the command line asks for: is the daemon, or asks it.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Global { data_dir, domain, format } = self.global;
        let domain = domain.or_else(|| self.command.needs_no_domain());
        let session = Session::new(data_dir, domain, format)?;
        let command = match self.command {
            Command::Start(args) if args.foreground => return args.serve(&session),
            command => command,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let result = runtime.block_on(command.run(&session));
        // NOTE: a thread that still waits for standard input must not keep us.
        runtime.shutdown_background();
        result
    }
}

impl Command {
    /// What stands for the domain of a command that works in none, so that it runs whatever is remembered.
    fn needs_no_domain(&self) -> Option<String> {
        let none = matches!(
            self,
            Self::Start(_)
                | Self::Stop(_)
                | Self::Restart(_)
                | Self::Config(_)
                | Self::Demo(_)
                | Self::Completions(_)
                | Self::Metrics(_)
        );
        none.then(|| DEFAULT.to_owned())
    }

    async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Start(args) => args.run(session).await,
            Self::Stop(args) => args.run(session).await,
            Self::Restart(args) => args.run(session).await,
            Self::Status(args) => args.run(session).await,
            Self::Stats(args) => args.run(session).await,
            Self::Checkout(args) => args.run(session).await,
            Self::Domain(command) => command.run(session).await,
            Self::Config(command) => command.run(session),
            Self::Aggregate(command) => command.run(session).await,
            Self::Stage(command) => command.run(session).await,
            Self::Commit(args) => args.run(session).await,
            Self::Events(args) => args.run(session).await,
            Self::Export(args) => args.run(session).await,
            Self::Import(args) => args.run(session).await,
            Self::Schema(command) => command.run(session).await,
            Self::Snapshots(command) => command.run(session).await,
            Self::Restrict(args) => args.run(session).await,
            Self::Plugin(command) => command.run(session).await,
            Self::Query(args) => args.run(session).await,
            Self::Subscription(command) => command.run(session).await,
            Self::Subscribe(args) => args.run(session).await,
            Self::Metrics(args) => args.run(session).await,
            Self::Demo(args) => args.run(session).await,
            Self::Completions(args) => args.run(),
        }
    }
}
