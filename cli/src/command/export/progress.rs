//! How many rows, and how fast. Only on a terminal.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// A line on standard error, or nothing where that is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    what: &'static str,
    rows: Cell<u64>,
    started: Instant,
}

impl Progress {
    pub(super) fn new(what: &'static str) -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan}  {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, what, rows: Cell::new(0), started: Instant::now() }
    }

    pub(super) fn add(&self, rows: u64) {
        self.rows.set(self.rows.get() + rows);
        let rate = output::rate(self.rows.get(), self.started.elapsed());
        self.bar.set_message(format!("{}, {rate}", output::some(self.rows.get(), self.what)));
    }

    /// How many there were.
    pub(super) fn end(&self) -> u64 {
        self.bar.finish_and_clear();
        self.rows.get()
    }
}
