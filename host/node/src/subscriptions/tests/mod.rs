//! What subscriptions promise, without a socket and with a clock that the test turns.

mod group;
mod parking;
mod single;
mod world;
