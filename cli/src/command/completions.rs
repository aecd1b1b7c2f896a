//! `dbx completions`: scripts that complete the commands in a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{CommandLine, NAME};
use crate::output;

/// Write a completion script for a shell
///
/// For bash: `dbx completions bash > ~/.local/share/bash-completion/completions/dbx`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut CommandLine::command(), NAME, &mut script);
        output::line(String::from_utf8(script)?.trim_end())
    }
}
