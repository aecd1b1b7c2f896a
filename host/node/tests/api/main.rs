//! The daemon over its socket: what a client sees.

mod append;
mod bad_input;
mod follow;
mod import;
mod lifecycle;
mod openapi;
mod reading;
mod support;
