//! The terminal as its users meet it: the program that was built, over a daemon that it starts, in a directory of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod crash;
mod daemon;
mod demo;
mod domains;
mod drop_in;
mod exit_codes;
mod export;
mod gateways;
mod import;
mod jobs;
mod modes;
mod plugins;
mod queue;
mod reading;
mod recipients;
mod schemas;
mod scratch;
mod shapes;
mod snapshots;
mod staging;
mod subscriptions;
mod tour;
mod transports;
