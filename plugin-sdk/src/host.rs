//! What a plugin may ask of its host besides tables: to write a log line, to move a metric.
//!
//! There is no clock and no randomness: the same events must make the same tables.

pub use crate::bindings::host::Level;

/// Writes a line into the log of the plugin (`dbx plugin logs NAME`). The host limits how many.
pub fn log(level: Level, message: &str) {
    native_or_wasm::log(level, message);
}

/// Adds to a counter of the plugin.
pub fn counter_add(name: &str, value: u32) {
    native_or_wasm::counter_add(name, value);
}

/// Sets a gauge of the plugin.
pub fn gauge_set(name: &str, value: f64) {
    native_or_wasm::gauge_set(name, value);
}

/// Has the message of a panic logged: a panic is a trap, and its message would be lost.
#[cfg(target_arch = "wasm32")]
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
}

#[cfg(target_arch = "wasm32")]
mod native_or_wasm {
    use crate::bindings::host;

    pub(super) fn log(level: host::Level, message: &str) {
        host::log(level, message, None);
    }

    pub(super) use host::{counter_add, gauge_set};
}

/// In a native test there is nobody to tell.
#[cfg(not(target_arch = "wasm32"))]
mod native_or_wasm {
    use super::Level;

    pub(super) fn log(_level: Level, _message: &str) {}

    pub(super) fn counter_add(_name: &str, _value: u32) {}

    pub(super) fn gauge_set(_name: &str, _value: f64) {}
}
