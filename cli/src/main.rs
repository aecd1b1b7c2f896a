//! `dbx`: EventDBX in the terminal. A client of the daemon's API, and the only code of the project that prints.
//!
//! One file per command (or group of commands) under [`command`]; [`output`] writes, [`input`] reads, [`fail`] decides on exit
//! codes, [`session`] knows where the daemon is, and [`checkout`] which domain is worked in.

mod checkout;
mod command;
mod daemon;
mod demo;
mod fail;
mod input;
mod json;
mod output;
mod schema_file;
mod session;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let command = command::CommandLine::parse();
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail::report(&error),
    }
}
