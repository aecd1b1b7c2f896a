//! The daemon over its socket: what a client sees.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod append;
mod bad_input;
mod domains;
mod follow;
mod import;
mod lifecycle;
mod listing;
mod metrics;
mod openapi;
mod reading;
mod recipients;
mod references;
mod schemas;
mod snapshots;
mod stage;
mod subscriptions;
mod support;
