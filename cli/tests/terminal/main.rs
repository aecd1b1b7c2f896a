//! The terminal as its users meet it: the program that was built, over a daemon that it starts, in a directory of its own.

mod daemon;
mod demo;
mod exit_codes;
mod import;
mod plugins;
mod scratch;
mod shapes;
mod tour;
