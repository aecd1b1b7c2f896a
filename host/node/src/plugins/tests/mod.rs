//! Dispatch, tried with guests of a few lines over a real log and a real database.

mod ahead;
mod deliveries;
mod exactly_once;
mod generations;
mod jobs;
mod parking;
mod recipients;
mod replay_requests;
mod selection;
mod shaping;
mod transport;
pub(in crate::plugins) mod world;
