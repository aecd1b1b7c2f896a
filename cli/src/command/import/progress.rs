//! The bar of an import: how far, how fast, how long still. Only on a terminal.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use eventdbx_node::wire::ImportProgress;
use indicatif::{ProgressBar, ProgressStyle};

use super::source::Source;
use crate::output;

/// A bar on standard error, or nothing where that is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    read: Arc<AtomicU64>,
    started: Instant,
}

impl Progress {
    pub(super) fn over(source: &Source) -> Self {
        let (bar, template) = match source.bytes {
            Some(bytes) => (ProgressBar::new(bytes), "{bar:32.cyan/dim} {percent:>3}%  {msg}  {eta} left"),
            None => (ProgressBar::new_spinner(), "{spinner:.cyan}  {msg}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, read: Arc::clone(&source.read), started: Instant::now() }
    }

    pub(super) fn show(&self, kept: &ImportProgress) {
        self.bar.set_position(self.read.load(Ordering::Relaxed));
        let rate = output::rate(kept.acknowledged, self.started.elapsed());
        self.bar.set_message(format!("{}, {rate}", output::some(kept.acknowledged, "event")));
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
