//! The whole reference of the command line as one snapshot: a change of it is seen in review.

use std::fmt::Write;

use clap::CommandFactory;
use snapbox::{assert_data_eq, file};

use super::CommandLine;

/// Width of the pages, whatever terminal the test runs in.
const WIDTH: usize = 100;

#[test]
fn the_reference_is_up_to_date() {
    let mut command = CommandLine::command().term_width(WIDTH);
    command.build();
    let mut pages = String::new();
    write_pages(&mut command, &mut pages);
    assert_data_eq!(pages, file!["../../../docs/cli-help.txt"]);
}

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
}

/// The page of a command, then those of the commands below it.
fn write_pages(command: &mut clap::Command, pages: &mut String) {
    let name = command.get_bin_name().unwrap_or(super::NAME).to_owned();
    let help = command.clone().term_width(WIDTH).render_long_help().to_string();
    let help: Vec<_> = help.lines().map(str::trim_end).collect();
    let mut help = help.join("\n");
    if name != super::NAME {
        // The first page has them.
        help.truncate(help.find("Global options:").unwrap_or(help.len()));
    }
    writeln!(pages, "=== {name}\n\n{}\n", help.trim_end()).unwrap();
    for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help") {
        write_pages(below, pages);
    }
}
