//! Dispatch, tried with guests of a few lines over a real log and a real database.

mod deliveries;
mod exactly_once;
mod generations;
mod parking;
mod transport;
mod world;
